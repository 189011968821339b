#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "memory/copy_on_write.h"
#include "structures/id_tree.h"
#include "structures/stream_id.h"

namespace holdfast {

/// A consumer of a group, by its place there. Places of deleted consumers are given again.
using ConsumerIndex = uint32_t;

/// An entry that was delivered and not acknowledged.
struct [[gnu::packed, gnu::aligned(4)]] PendingEntry {
  static constexpr ConsumerIndex kNobody = UINT32_MAX;

  int64_t delivered_ms;   ///< Unix time
  uint64_t deliveries;
  ConsumerIndex consumer;  ///< kNobody only while a command claims the entry, or a file is read
};
static_assert(sizeof(PendingEntry) == 20);

/// Who reads in a group, and what it has not acknowledged.
struct StreamConsumer {
  std::string name;
  int64_t seen_ms = 0;     ///< Unix time of the last attempt to read or claim
  int64_t active_ms = -1;  ///< of the last one that got something; -1: never
  IdTree<NoPayload> pending;

  StreamConsumer() = default;
  StreamConsumer(StreamConsumer const& other)
      : name(other.name), seen_ms(other.seen_ms), active_ms(other.active_ms), pending(other.pending.freeze()) {}
  StreamConsumer(StreamConsumer&&) = default;
};

/// A consumer group: how far it was read, and its pending list twice: of the group, with the details, and of each
/// consumer, ids only; so that what a consumer has is found without a look at the others. 56 bytes for a pending entry.
///
/// Copies are O(consumers) and share the rest. Guarded as the stream.
class StreamGroup {
 public:
  static constexpr int64_t kUnknown = -1;

  StreamGroup(std::string name, StreamId last, int64_t read)
      : last_id(last), entries_read(read), name_(std::move(name)) {}
  StreamGroup(StreamGroup const& other)
      : last_id(other.last_id),
        entries_read(other.entries_read),
        name_(other.name_),
        pending_(other.pending_.freeze()),
        consumers_(other.consumers_),
        by_name_(other.by_name_),
        consumer_bytes_(other.consumer_bytes_) {}
  StreamGroup(StreamGroup&&) = default;

  StreamId last_id;      ///< the last one that was delivered
  int64_t entries_read;  ///< of all that were ever added, up to last_id; kUnknown

  std::string const& name() const { return name_; }
  size_t memory_bytes() const;

  // ---- consumers ----

  size_t consumers() const { return by_name_.size(); }
  /// In the order of their names. Precondition: rank < consumers().
  ConsumerIndex consumer_at(size_t rank) const { return by_name_[rank]; }
  StreamConsumer const& consumer(ConsumerIndex index) const { return **consumers_[index]; }
  std::optional<ConsumerIndex> find_consumer(std::string_view name) const;
  /// Precondition: there is none of this name.
  ConsumerIndex add_consumer(std::string_view name, int64_t now_ms);
  /// With everything it has pending; returns how much that was.
  uint64_t remove_consumer(ConsumerIndex index);
  /// Notes an attempt to read or claim, and whether it got something.
  void see(ConsumerIndex index, int64_t now_ms, bool active);
  void set_times(ConsumerIndex index, int64_t seen_ms, int64_t active_ms);

  // ---- pending entries ----

  /// Moves blocks of a pending list, from mover.position on: list 0 is the group's, list i that of the consumer of rank
  /// i - 1. False when there is more of it.
  bool relocate(BlockMover& mover, uint64_t list);
  IdTree<PendingEntry> const& pending() const { return pending_; }
  PendingEntry const* find_pending(StreamId id) const { return pending_.find(id); }
  /// Gives an entry to a consumer, whoever had it.
  void assign(StreamId id, PendingEntry const& entry);
  /// Puts in an entry that nobody has yet; for reading files. False when there is one.
  bool add_unowned(StreamId id, PendingEntry const& entry) { return pending_.insert(id, entry); }
  /// Notes another delivery to the consumer that has it. Precondition: it is pending.
  void redeliver(StreamId id, int64_t now_ms);
  /// False when it is not pending.
  bool acknowledge(StreamId id);

 private:
  StreamConsumer& own(ConsumerIndex index) { return consumers_[index]->own(); }
  size_t rank_of(std::string_view name) const;
  static size_t bytes_of(StreamConsumer const& consumer);
  void add_owned(ConsumerIndex index, StreamId id);
  void remove_owned(ConsumerIndex index, StreamId id);

  std::string name_;
  IdTree<PendingEntry> pending_;
  std::vector<std::optional<CopyOnWrite<StreamConsumer>>> consumers_;  // empty places can be given again
  std::vector<ConsumerIndex> by_name_;
  size_t consumer_bytes_ = 0;
};

}  // namespace holdfast
