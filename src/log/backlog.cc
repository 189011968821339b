#include "log/backlog.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "log/increment_file.h"

namespace holdfast::log {

void Backlog::start(uint64_t offset) {
  std::deque<Segment> dropped;  // files are closed outside of the mutex
  MutexLock lock(mutex_);
  dropped.swap(segments_);
  begin_ = end_ = offset;
  lost_ = false;
  active_.store(true, std::memory_order_relaxed);
}

void Backlog::stop() {
  std::deque<Segment> dropped;
  MutexLock lock(mutex_);
  dropped.swap(segments_);
  active_.store(false, std::memory_order_relaxed);
}

Result<size_t> Backlog::read(uint64_t offset, std::span<char> out) {
  std::shared_ptr<IncrementFile> file;
  uint64_t in_file = 0;
  size_t bytes = 0;
  {
    MutexLock lock(mutex_);
    if (!active() || lost_ || offset < begin_) return fail("the backlog does not reach back to there");
    if (offset >= end_) return 0;
    auto const after = std::ranges::upper_bound(segments_, offset, {}, &Segment::begin);
    if (after == segments_.begin()) return fail("the backlog has no file of there");
    uint64_t const file_end = after == segments_.end() ? end_ : std::min(end_, after->begin);
    Segment const& segment = *std::prev(after);
    in_file = offset - segment.begin;
    bytes = static_cast<size_t>(std::min<uint64_t>(file_end - offset, out.size()));
    file = segment.file;
  }
  if (Status done = file->read_stream(in_file, out.first(bytes)); !done) return std::unexpected(done.error());
  return bytes;
}

bool Backlog::readable() const {
  MutexLock lock(mutex_);
  return active() && !lost_;
}

std::optional<Backlog::Window> Backlog::window() const {
  MutexLock lock(mutex_);
  if (!active() || lost_) return std::nullopt;
  return Window{begin_, end_};
}

void Backlog::trim(uint64_t keep_bytes) {
  std::deque<Segment> dropped;
  MutexLock lock(mutex_);
  while (segments_.size() > 1 && end_ >= segments_[1].begin && end_ - segments_[1].begin >= keep_bytes) {
    dropped.push_back(std::move(segments_.front()));
    segments_.pop_front();
    begin_ = segments_.front().begin;
  }
}

uint64_t Backlog::newest_bytes() const {
  MutexLock lock(mutex_);
  return segments_.empty() ? 0 : end_ - std::min(end_, segments_.back().begin);
}

void Backlog::begin_file(std::shared_ptr<IncrementFile> file, uint64_t offset) {
  MutexLock lock(mutex_);
  if (!active() || offset < begin_) return;
  if (std::exchange(lost_, false)) begin_ = end_ = offset;
  segments_.push_back({offset, std::move(file)});
}

void Backlog::advance(uint64_t end_offset) {
  MutexLock lock(mutex_);
  if (active() && end_offset > end_) end_ = end_offset;
}

void Backlog::lose(uint64_t end_offset) {
  std::deque<Segment> dropped;
  MutexLock lock(mutex_);
  if (!active() || end_offset <= end_) return;
  begin_ = end_ = end_offset;
  lost_ = true;
  dropped.swap(segments_);
}

}  // namespace holdfast::log
