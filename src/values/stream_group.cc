#include "values/stream_group.h"

#include <algorithm>

#include "base/check.h"

namespace holdfast {
namespace {

/// Of a string outside of the object.
size_t text_bytes(std::string const& text) {
  static size_t const kInside = std::string().capacity();
  return text.size() > kInside ? text.size() + 1 : 0;
}

}  // namespace

size_t StreamGroup::bytes_of(StreamConsumer const& consumer) {
  return sizeof(StreamConsumer) + CopyOnWrite<StreamConsumer>::kOverheadBytes + text_bytes(consumer.name) +
         consumer.pending.memory_bytes();
}

size_t StreamGroup::memory_bytes() const {
  return sizeof(StreamGroup) + CopyOnWrite<StreamGroup>::kOverheadBytes + text_bytes(name_) + pending_.memory_bytes() +
         consumers_.size() * sizeof(consumers_[0]) + by_name_.size() * sizeof(ConsumerIndex) + consumer_bytes_;
}

size_t StreamGroup::rank_of(std::string_view name) const {
  auto const at = std::lower_bound(by_name_.begin(), by_name_.end(), name, [this](ConsumerIndex index, std::string_view other) {
    return consumer(index).name < other;
  });
  return static_cast<size_t>(at - by_name_.begin());
}

std::optional<ConsumerIndex> StreamGroup::find_consumer(std::string_view name) const {
  size_t const rank = rank_of(name);
  if (rank == by_name_.size() || consumer(by_name_[rank]).name != name) return std::nullopt;
  return by_name_[rank];
}

ConsumerIndex StreamGroup::add_consumer(std::string_view name, int64_t now_ms) {
  size_t const rank = rank_of(name);
  StreamConsumer consumer;
  consumer.name = name;
  consumer.seen_ms = now_ms;
  consumer_bytes_ += bytes_of(consumer);
  auto place = std::find(consumers_.begin(), consumers_.end(), std::nullopt);
  if (place == consumers_.end()) place = consumers_.emplace(consumers_.end());
  place->emplace(std::move(consumer));
  auto const index = static_cast<ConsumerIndex>(place - consumers_.begin());
  by_name_.insert(by_name_.begin() + static_cast<ptrdiff_t>(rank), index);
  return index;
}

uint64_t StreamGroup::remove_consumer(ConsumerIndex index) {
  StreamConsumer const& consumer = this->consumer(index);
  uint64_t const pending = consumer.pending.size();
  for (auto at = consumer.pending.first(); at; at.next()) pending_.erase(at.id());
  by_name_.erase(by_name_.begin() + static_cast<ptrdiff_t>(rank_of(consumer.name)));
  consumer_bytes_ -= bytes_of(consumer);
  consumers_[index].reset();
  return pending;
}

void StreamGroup::see(ConsumerIndex index, int64_t now_ms, bool active) {
  StreamConsumer& consumer = own(index);
  consumer.seen_ms = now_ms;
  if (active) consumer.active_ms = now_ms;
}

void StreamGroup::set_times(ConsumerIndex index, int64_t seen_ms, int64_t active_ms) {
  StreamConsumer& consumer = own(index);
  consumer.seen_ms = seen_ms;
  consumer.active_ms = active_ms;
}

void StreamGroup::add_owned(ConsumerIndex index, StreamId id) {
  StreamConsumer& consumer = own(index);
  size_t const before = consumer.pending.memory_bytes();
  CHECK(consumer.pending.insert(id));
  consumer_bytes_ += consumer.pending.memory_bytes() - before;
}

void StreamGroup::remove_owned(ConsumerIndex index, StreamId id) {
  StreamConsumer& consumer = own(index);
  size_t const before = consumer.pending.memory_bytes();
  CHECK(consumer.pending.erase(id));
  consumer_bytes_ += consumer.pending.memory_bytes() - before;
}

void StreamGroup::assign(StreamId id, PendingEntry const& entry) {
  if (pending_.insert(id, entry)) {
    add_owned(entry.consumer, id);
    return;
  }
  PendingEntry* present = pending_.edit(id);
  ConsumerIndex const former = present->consumer;
  *present = entry;
  if (former == entry.consumer) return;
  if (former != PendingEntry::kNobody) remove_owned(former, id);
  add_owned(entry.consumer, id);
}

void StreamGroup::redeliver(StreamId id, int64_t now_ms) {
  PendingEntry* entry = pending_.edit(id);
  CHECK(entry);
  entry->delivered_ms = now_ms;
  entry->deliveries++;
}

bool StreamGroup::relocate(BlockMover& mover, uint64_t list) {
  if (list == 0) {
    mover.position = pending_.relocate(mover, mover.position);
    return mover.position >= pending_.size();
  }
  CopyOnWrite<StreamConsumer>& consumer = *consumers_[by_name_[list - 1]];
  if (!consumer.unique()) {
    mover.pass_over();
    return true;
  }
  IdTree<NoPayload>& pending = consumer.own().pending;
  mover.position = pending.relocate(mover, mover.position);
  return mover.position >= pending.size();
}

bool StreamGroup::acknowledge(StreamId id) {
  PendingEntry const* entry = pending_.find(id);
  if (!entry) return false;
  if (entry->consumer != PendingEntry::kNobody) remove_owned(entry->consumer, id);
  return pending_.erase(id);
}

}  // namespace holdfast
