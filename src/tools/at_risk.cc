#include "tools/at_risk.h"

#include <algorithm>

#include "log/reader.h"

namespace holdfast::tools {
namespace {

/// Bytes that may be read in vain: so many for each byte at risk, and some in any case.
constexpr uint64_t kWorkPerByte = 8;
constexpr uint64_t kWorkMin = 16 * 1024 * 1024;
/// What an attempt counts beside the bytes it has read.
constexpr uint64_t kWorkPerAttempt = 64;
constexpr size_t kBlockBytes = 64 * 1024;

/// Finds places where a command or an annotation may begin: a `*` or `#` behind a LF. Positions only grow.
class BeginFinder {
 public:
  explicit BeginFinder(DiskFile& file, uint64_t size) : file_(file), size_(size) {}

  /// The first such place at `from` (>= 1) or behind it; the size of the file when there is none.
  Result<uint64_t> next(uint64_t from) {
    for (uint64_t at = from; at < size_;) {
      // One byte before `at` is needed as well.
      if (at - 1 < begin_ || at >= begin_ + block_.size()) {
        if (Status loaded = load(at - 1); !loaded) return std::unexpected(loaded.error());
        if (block_.size() < 2) return size_;
      }
      for (size_t i = at - begin_; i < block_.size(); ++i) {
        if (block_[i - 1] == '\n' && (block_[i] == '*' || block_[i] == '#')) return begin_ + i;
      }
      at = begin_ + block_.size();
    }
    return size_;
  }

 private:
  Status load(uint64_t begin) {
    begin_ = begin;
    block_.resize(std::min<uint64_t>(kBlockBytes, size_ - begin));
    auto const got = file_.pread(block_, begin);
    if (!got) return std::unexpected(got.error());
    block_.resize(*got);
    return {};
  }

  DiskFile& file_;
  uint64_t size_;
  uint64_t begin_ = 0;
  std::string block_;
};

class Search {
 public:
  Search(log::AofFileReader& reader, uint64_t sound_up_to) : reader_(reader) {
    found_.bytes = reader.file_size() - sound_up_to;
    work_left_ = kWorkMin + kWorkPerByte * found_.bytes;
  }

  /// Reads on from `begin`; gives the place where that ended, the end of the file if all of it could be read.
  uint64_t read_from(uint64_t begin) {
    reader_.start_at(begin);
    for (;;) {
      auto const item = reader_.next();
      if (!item) {
        uint64_t const at = reader_.position();
        uint64_t const wasted = kWorkPerAttempt + (std::max(at, item.error().reached) - at);
        work_left_ -= std::min(work_left_, wasted);
        return at;
      }
      if (item->kind == log::AofItem::Kind::kEnd) return item->end;
      note(*item);
    }
  }

  bool exhausted() const { return work_left_ == 0; }
  AtRisk& found() { return found_; }

 private:
  void note(log::AofItem const& item) {
    if (item.kind == log::AofItem::Kind::kCommand) {
      if (!found_.first_command) found_.first_command = item.begin;
      found_.commands++;
    } else if (item.timestamp_s != 0) {
      if (!found_.first_time_s) found_.first_time_s = item.timestamp_s;
      found_.last_time_s = item.timestamp_s;
    }
  }

  log::AofFileReader& reader_;
  uint64_t work_left_ = 0;
  AtRisk found_;
};

}  // namespace

Result<AtRisk> find_at_risk(Disk& disk, std::string const& path, uint64_t sound_up_to) {
  auto reader = log::AofFileReader::open(disk, path);
  if (!reader) return std::unexpected(reader.error());
  auto file = disk.open_read(path);
  if (!file) return std::unexpected(file.error());
  uint64_t const size = reader->file_size();
  if (sound_up_to >= size) return AtRisk{};

  Search search(*reader, sound_up_to);
  BeginFinder finder(**file, size);
  uint64_t at = sound_up_to;
  while (at < size) {
    uint64_t const stopped_at = search.read_from(at);
    if (stopped_at >= size) break;
    if (search.exhausted()) {
      search.found().counted_all = false;
      break;
    }
    auto const next = finder.next(stopped_at + 1);
    if (!next) return std::unexpected(next.error());
    at = *next;
  }
  return search.found();
}

}  // namespace holdfast::tools
