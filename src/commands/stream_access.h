#pragma once

#include <array>
#include <string_view>

#include "base/check.h"
#include "command/errors.h"
#include "commands/value_reply.h"
#include "keyspace/keyspace.h"
#include "keyspace/txn.h"
#include "values/stream_value.h"

namespace holdfast {

/// The stream of a record that is one.
inline StreamBody const& stream_of(Record const* record) { return *static_cast<StreamBody const*>(record->body()); }

/// A stream while a command changes it: opens the edit and writes it back.
class StreamEdit {
 public:
  /// `record` is of `key`, right before, or null: a new stream, which comes to be unless nothing is changed.
  StreamEdit(Txn& txn, std::string_view key, Record* record)
      : entries_changed(record == nullptr),
        txn_(txn),
        key_(key),
        edit_(txn.edit(key, record, ValueType::kStream)),
        stream_(open_stream(edit_)) {}
  StreamEdit(StreamEdit const&) = delete;
  StreamEdit& operator=(StreamEdit const&) = delete;
  ~StreamEdit() {
    edit_.unseen = !entries_changed;
    txn_.finish_edit(key_, edit_, false, changes);
    for (size_t i = 0; i < events_; i++) txn_.notify(config::kEventStream, event_[i], key_);
  }

  StreamBody& operator*() { return stream_; }
  StreamBody* operator->() { return &stream_; }

  /// Is notified when the edit is written back; at most four.
  void notify(std::string_view event) {
    DCHECK(events_ < event_.size());
    event_[events_++] = event;
  }

  uint64_t changes = 0;  ///< what it counts for; 0: nothing that is kept was changed
  /// Else only groups or ids, which WATCH and the caches of clients do not see, as in Redis.
  bool entries_changed;

 private:
  Txn& txn_;
  std::string_view key_;
  ValueEdit edit_;
  StreamBody& stream_;
  std::array<std::string_view, 4> event_;
  size_t events_ = 0;
};

}  // namespace holdfast
