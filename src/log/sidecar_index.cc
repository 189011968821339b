#include "log/sidecar_index.h"

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cstring>

#include "base/crc64.h"

namespace holdfast::log {
namespace {

static_assert(std::endian::native == std::endian::little,
              "the index is little endian; add byte swaps for this machine");

constexpr std::string_view kMagic = "HFAOFIDX";
constexpr size_t kVerifyBlockBytes = 1024 * 1024;

template <class T>
void put(std::string& out, T value) {
  out.append(reinterpret_cast<char const*>(&value), sizeof value);
}

template <class T>
T get(std::string_view bytes, size_t at) {
  T value;
  std::memcpy(&value, bytes.data() + at, sizeof value);
  return value;
}

std::string encode_header(SidecarIndex& index) {
  std::string out(kMagic);
  put(out, kSidecarVersion);
  put(out, static_cast<uint32_t>(kSidecarEntryBytes));
  put(out, index.first_stream_offset);
  put(out, index.first_file_position);
  put(out, index.created_ms);
  index.header_crc = crc64(0, out);
  put(out, index.header_crc);
  return out;
}

std::string encode_entry(SidecarEntry const& entry, uint64_t header_crc) {
  std::string out;
  put(out, entry.unix_ms);
  put(out, entry.stream_offset);
  put(out, entry.file_position);
  put(out, entry.data_crc);
  put(out, crc64(header_crc, out));
  return out;
}

/// Continues `crc` over file bytes [begin, end).
Result<uint64_t> crc_of_range(DiskFile& file, uint64_t begin, uint64_t end, uint64_t crc) {
  std::string block(std::min<uint64_t>(kVerifyBlockBytes, end - begin), '\0');
  while (begin < end) {
    size_t const want = std::min<uint64_t>(block.size(), end - begin);
    auto got = file.pread({block.data(), want}, begin);
    if (!got) return std::unexpected(got.error());
    if (*got == 0) return fail("the file became shorter while it was read", EIO);
    crc = crc64(crc, std::string_view(block.data(), *got));
    begin += *got;
  }
  return crc;
}

}  // namespace

bool SidecarIndex::knows_end_in(uint64_t after, uint64_t up_to) const {
  return std::ranges::any_of(
      entries, [&](SidecarEntry const& entry) { return entry.file_position > after && entry.file_position <= up_to; });
}

std::optional<SidecarIndex> SidecarIndex::parse(std::string_view bytes) {
  if (bytes.size() < kSidecarHeaderBytes || !bytes.starts_with(kMagic)) return std::nullopt;
  SidecarIndex index;
  index.header_crc = get<uint64_t>(bytes, 40);
  if (index.header_crc != crc64(0, bytes.substr(0, 40))) return std::nullopt;
  if (get<uint32_t>(bytes, 8) != kSidecarVersion || get<uint32_t>(bytes, 12) != kSidecarEntryBytes) return std::nullopt;
  index.first_stream_offset = get<uint64_t>(bytes, 16);
  index.first_file_position = get<uint64_t>(bytes, 24);
  index.created_ms = get<int64_t>(bytes, 32);

  for (bytes.remove_prefix(kSidecarHeaderBytes); bytes.size() >= kSidecarEntryBytes;
       bytes.remove_prefix(kSidecarEntryBytes)) {
    if (get<uint64_t>(bytes, 32) != crc64(index.header_crc, bytes.substr(0, 32))) break;
    SidecarEntry const entry{get<int64_t>(bytes, 0), get<uint64_t>(bytes, 8), get<uint64_t>(bytes, 16),
                             get<uint64_t>(bytes, 24)};
    if (entry.file_position <= index.covered_position() || entry.stream_offset < index.covered_offset()) break;
    index.entries.push_back(entry);
  }
  return index;
}

Result<std::optional<SidecarIndex>> read_sidecar(Disk& disk, std::string const& path) {
  auto const present = disk.exists(path);
  if (!present) return std::unexpected(present.error());
  if (!*present) return std::nullopt;
  auto const bytes = read_file(disk, path, kSidecarBytesMax);
  if (!bytes) return std::unexpected(bytes.error());
  return SidecarIndex::parse(*bytes);
}

Result<Verification> verify_increment(Disk& disk, std::string const& increment_path, SidecarIndex const& index) {
  auto file = disk.open_read(increment_path);
  if (!file) return std::unexpected(file.error());
  auto const size = (*file)->size();
  if (!size) return std::unexpected(size.error());

  Verification found{.verified_up_to = index.first_file_position, .verified_until_ms = index.created_ms};
  for (SidecarEntry const& entry : index.entries) {
    if (entry.file_position > *size) {
      found.file_is_shorter = true;
      break;
    }
    auto const crc = crc_of_range(**file, found.verified_up_to, entry.file_position, 0);
    if (!crc) return std::unexpected(crc.error());
    if (*crc != entry.data_crc) {
      found.ok = false;
      found.bad_begin = found.verified_up_to;
      found.bad_end = entry.file_position;
      break;
    }
    found.verified_up_to = entry.file_position;
    found.verified_until_ms = entry.unix_ms;
  }
  return found;
}

Result<std::optional<uint64_t>> find_block_of_zeros(Disk& disk, std::string const& path, uint64_t begin) {
  auto file = disk.open_read(path);
  if (!file) return std::unexpected(file.error());
  std::string bytes(kVerifyBlockBytes, '\0');
  uint64_t at = (begin + kLostBlockBytes - 1) / kLostBlockBytes * kLostBlockBytes;
  for (;;) {
    auto const got = (*file)->pread({bytes.data(), bytes.size()}, at);
    if (!got) return std::unexpected(got.error());
    std::string_view left(bytes.data(), *got);
    for (; left.size() >= kLostBlockBytes; left.remove_prefix(kLostBlockBytes), at += kLostBlockBytes) {
      std::string_view const block = left.substr(0, kLostBlockBytes);
      if (block.find_first_not_of('\0') == block.npos) return at;
    }
    // What is left is no whole block: the end of the file.
    if (*got < bytes.size()) return std::nullopt;
  }
}

Status cut_sidecar(Disk& disk, std::string const& path, uint64_t position) {
  auto index = read_sidecar(disk, path);
  if (!index) return std::unexpected(index.error());
  if (!*index || (*index)->covered_position() <= position) return {};
  auto& entries = (*index)->entries;
  while (!entries.empty() && entries.back().file_position > position) entries.pop_back();
  auto file = disk.open_append(path);
  if (!file) return std::unexpected(file.error());
  if (Status cut = (*file)->truncate((*index)->valid_bytes()); !cut) return cut;
  return (*file)->sync();
}

SidecarWriter::SidecarWriter(std::unique_ptr<DiskFile> file, SidecarIndex const& index, int64_t last_entry_ms)
    : file_(std::move(file)),
      header_crc_(index.header_crc),
      covered_position_(index.covered_position()),
      last_entry_ms_(last_entry_ms) {}

Result<SidecarWriter> SidecarWriter::create(Disk& disk, std::string const& path, uint64_t stream_offset,
                                            uint64_t position, int64_t now_ms) {
  auto file = disk.create_truncate(path);
  if (!file) return std::unexpected(file.error());
  SidecarIndex index{.first_stream_offset = stream_offset, .first_file_position = position, .created_ms = now_ms};
  if (Status written = (*file)->append(encode_header(index)); !written) return std::unexpected(written.error());
  return SidecarWriter(std::move(*file), index, now_ms);
}

Result<SidecarWriter> SidecarWriter::reopen(Disk& disk, std::string const& path, std::string const& increment_path,
                                            uint64_t stream_offset, uint64_t position, int64_t now_ms) {
  auto old = read_sidecar(disk, path);
  if (!old) return std::unexpected(old.error());
  if (!*old) return create(disk, path, stream_offset, position, now_ms);
  SidecarIndex& index = **old;
  // Entries for a tail that a crash or a truncation took away.
  while (!index.entries.empty() && index.covered_position() > position) index.entries.pop_back();
  if (index.covered_position() > position || index.covered_offset() > stream_offset) {
    return create(disk, path, stream_offset, position, now_ms);
  }

  auto file = disk.open_append(path);
  if (!file) return std::unexpected(file.error());
  if (Status cut = (*file)->truncate(index.valid_bytes()); !cut) return std::unexpected(cut.error());
  SidecarWriter writer(std::move(*file), index, now_ms);
  auto increment = disk.open_read(increment_path);
  if (!increment) return std::unexpected(increment.error());
  auto const crc = crc_of_range(**increment, index.covered_position(), position, 0);
  if (!crc) return std::unexpected(crc.error());
  writer.data_crc_ = *crc;
  writer.uncovered_bytes_ = position - index.covered_position();
  if (Status added = writer.advance(stream_offset, position, now_ms, true); !added) {
    return std::unexpected(added.error());
  }
  return writer;
}

void SidecarWriter::cover(std::string_view bytes) {
  data_crc_ = crc64(data_crc_, bytes);
  uncovered_bytes_ += bytes.size();
}

Status SidecarWriter::advance(uint64_t stream_offset, uint64_t position, int64_t now_ms, bool force) {
  if (uncovered_bytes_ == 0) return {};
  bool const due = now_ms - last_entry_ms_ >= kSidecarIntervalMs || uncovered_bytes_ >= kSidecarIntervalBytes;
  if (!due && !force) return {};
  SidecarEntry const entry{now_ms, stream_offset, position, data_crc_};
  if (Status written = file_->append(encode_entry(entry, header_crc_)); !written) return written;
  covered_position_ = position;
  last_entry_ms_ = now_ms;
  data_crc_ = 0;
  uncovered_bytes_ = 0;
  return {};
}

std::optional<int64_t> SidecarWriter::due_ms() const {
  if (uncovered_bytes_ == 0) return std::nullopt;
  return last_entry_ms_ + kSidecarIntervalMs;
}

}  // namespace holdfast::log
