#include "log/increment_file.h"

#include <algorithm>

#include "log/manifest.h"

namespace holdfast::log {

IncrementFile::IncrementFile(Disk& disk, Logger& logger, std::string path, std::unique_ptr<DiskFile> file,
                             uint64_t size)
    : disk_(disk), logger_(logger), path_(std::move(path)), file_(std::move(file)), size_(size) {}

Result<std::shared_ptr<IncrementFile>> IncrementFile::create(Disk& disk, Logger& logger, std::string path) {
  std::string const index_path = sidecar_name(path);
  auto file = create_alone(disk, logger, std::move(path));
  // So that its name is on the disk when that of the increment is; the increment is as good without.
  if (file) static_cast<void>(disk.create_truncate(index_path));
  return file;
}

Result<std::shared_ptr<IncrementFile>> IncrementFile::create_alone(Disk& disk, Logger& logger, std::string path) {
  auto file = disk.create_truncate(path);
  if (!file) return std::unexpected(file.error());
  return finish_opening(std::shared_ptr<IncrementFile>(new IncrementFile(disk, logger, std::move(path), std::move(*file), 0)));
}

Result<std::shared_ptr<IncrementFile>> IncrementFile::create_spill(Disk& disk, Logger& logger, std::string path) {
  auto file = create_alone(disk, logger, std::move(path));
  if (!file) return file;
  (*file)->spill_ = true;
  if (Status unlinked = disk.unlink((*file)->path_); !unlinked) return std::unexpected(unlinked.error());
  return file;
}

Result<std::shared_ptr<IncrementFile>> IncrementFile::open_written(Disk& disk, Logger& logger, std::string path, uint64_t stream_position) {
  auto file = finish_opening(std::shared_ptr<IncrementFile>(new IncrementFile(disk, logger, std::move(path), nullptr, 0)));
  if (file) (*file)->stream_position_.store(stream_position, std::memory_order_relaxed);
  return file;
}

Result<std::shared_ptr<IncrementFile>> IncrementFile::finish_opening(std::shared_ptr<IncrementFile> file) {
  auto reader = file->disk_.open_read(file->path_);
  if (!reader) return std::unexpected(reader.error());
  file->reader_ = std::move(*reader);
  return file;
}

Status IncrementFile::read_stream(uint64_t offset, std::span<char> out) {
  return read_exactly(*reader_, out, stream_position_.load(std::memory_order_acquire) + offset);
}

Result<std::shared_ptr<IncrementFile>> IncrementFile::reopen(Disk& disk, Logger& logger, std::string path) {
  auto file = disk.open_append(path);
  if (!file) return std::unexpected(file.error());
  auto const size = (*file)->size();
  if (!size) return std::unexpected(size.error());
  return finish_opening(std::shared_ptr<IncrementFile>(new IncrementFile(disk, logger, std::move(path), std::move(*file), *size)));
}

void IncrementFile::begin(uint64_t stream_offset, int64_t now_ms) {
  stream_offset_ = stream_offset;
  stream_position_.store(size(), std::memory_order_release);
  if (spill_) return;
  std::string const index_path = sidecar_name(path_);
  auto index = size() == 0 ? SidecarWriter::create(disk_, index_path, stream_offset, 0, now_ms)
                           : SidecarWriter::reopen(disk_, index_path, path_, stream_offset, size(), now_ms);
  if (index) {
    index_ = std::move(*index);
  } else {
    drop_index(index.error());
  }
}

Status IncrementFile::write(Batch const& batch, uint64_t& bytes_done, int64_t now_ms) {
  if (unsettled_) {
    if (Status settled = settle(batch, bytes_done); !settled) return settled;
  }
  uint64_t chunk_begin = 0;
  for (Chunk const& chunk : batch.chunks) {
    uint64_t const skip = std::clamp<uint64_t>(bytes_done, chunk_begin, chunk_begin + chunk.size) - chunk_begin;
    chunk_begin += chunk.size;
    if (skip == chunk.size) continue;
    Status written = file_->append(chunk.view().substr(skip));
    if (written) continue;
    unsettled_ = true;
    // If this fails it is tried again before the next write.
    static_cast<void>(settle(batch, bytes_done));
    return written;
  }
  cover(batch, bytes_done, batch.file_bytes);
  size_.fetch_add(batch.file_bytes - bytes_done, std::memory_order_relaxed);
  uint64_t const not_of_stream = batch.file_bytes - (batch.end_offset - stream_offset_);
  if (not_of_stream > 0) stream_position_.fetch_add(not_of_stream, std::memory_order_release);
  stream_offset_ = batch.end_offset;
  whole_ = true;
  advance_index(now_ms, false);
  return {};
}

void IncrementFile::reserve_ahead(uint64_t bytes) {
  uint64_t const end = size() + bytes;
  if (!may_reserve_ || end <= reserved_end_) return;
  uint64_t const begin = std::max(size(), reserved_end_);
  uint64_t const length = end + kReserveBytes - begin;
  // No space or no such call: the file grows as it is written.
  may_reserve_ = file_->reserve(begin, length).has_value();
  reserved_end_ = begin + length;
}

void IncrementFile::release_reserve() {
  if (reserved_end_ == 0 || unsettled_) return;
  reserved_end_ = 0;
  // The size stays; what was reserved behind it is given back. Without harm when it fails.
  static_cast<void>(file_->truncate(size()));
}

/// Makes size_ true again after a failed write.
Status IncrementFile::settle(Batch const& batch, uint64_t& bytes_done) {
  if (Status cut = file_->truncate(size()); !cut) {
    auto const actual = file_->size();
    if (!actual) return std::unexpected(actual.error());
    // A file that lets itself not be cut (append-only attribute): the part that was written counts.
    uint64_t const kept = *actual > size() ? *actual - size() : 0;
    cover(batch, bytes_done, bytes_done + kept);
    bytes_done += kept;
    whole_ = bytes_done == 0;
    size_.store(*actual, std::memory_order_relaxed);
  }
  unsettled_ = false;
  return {};
}

/// Tells the index of bytes [begin, end) of the batch.
void IncrementFile::cover(Batch const& batch, uint64_t begin, uint64_t end) {
  if (!index_) return;
  uint64_t chunk_begin = 0;
  for (Chunk const& chunk : batch.chunks) {
    uint64_t const from = std::clamp<uint64_t>(begin, chunk_begin, chunk_begin + chunk.size) - chunk_begin;
    uint64_t const to = std::clamp<uint64_t>(end, chunk_begin, chunk_begin + chunk.size) - chunk_begin;
    index_->cover(chunk.view().substr(from, to - from));
    chunk_begin += chunk.size;
  }
}

void IncrementFile::advance_index(int64_t now_ms, bool force) {
  if (!index_ || !whole_) return;
  if (Status advanced = index_->advance(stream_offset_, size(), now_ms, force); !advanced) drop_index(advanced.error());
}

std::optional<int64_t> IncrementFile::index_due_ms() const {
  return index_ && whole_ ? index_->due_ms() : std::nullopt;
}

void IncrementFile::drop_index(Error const& error) {
  index_.reset();
  logger_.warning("The index of %s cannot be written and ends here: %s", path_.c_str(), error.message.c_str());
}

}  // namespace holdfast::log
