#include "snapshot/payload.h"

#include <utility>

namespace holdfast::snapshot {

Status Payload::read(uint64_t offset, std::span<char> out) {
  if (reader_) return read_exactly(*reader_, out, offset);
  text_.copy(out.data(), out.size(), offset);
  return {};
}

void Payload::hold(std::string text) {
  text_ = std::move(text);
  bytes_.store(text_.size(), std::memory_order_release);
}

Status Payload::open(Disk& disk, std::string const& path) {
  auto reader = disk.open_read(path);
  if (!reader) return std::unexpected(reader.error());
  reader_ = std::move(*reader);
  return disk.unlink(path);
}

void Payload::begin(StreamIdentity identity) {
  identity_ = std::move(identity);
  state_.store(State::kGrowing, std::memory_order_release);
  changed_();
}

void Payload::grow(uint64_t bytes) {
  bytes_.store(bytes, std::memory_order_release);
  changed_();
}

void Payload::end(bool complete) {
  state_.store(complete ? State::kComplete : State::kFailed, std::memory_order_release);
  changed_();
}

}  // namespace holdfast::snapshot
