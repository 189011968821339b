#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "resp/reply.h"
#include "values/stream_value.h"

namespace holdfast {

/// One stream in the reply of XREAD and XREADGROUP: its name, and entries from a place on.
class StreamReadPart {
 public:
  /// Entries from `start` on; `count` of them are there.
  StreamReadPart(std::string_view key, StreamBody& stream, StreamId start, uint64_t count)
      : key_(key), stream_(&stream), next_(start), left_(count), count_(count) {}
  /// The same of a consumer's pending list; entries that are deleted are answered as null.
  StreamReadPart(std::string_view key, StreamBody& stream, StreamId start, uint64_t count, IdTree<NoPayload> pending)
      : key_(key), stream_(&stream), next_(start), left_(count), count_(count), pending_(std::move(pending)) {}

  uint64_t left() const { return left_; }
  /// Lives on after the locks are released.
  void freeze();
  /// Writes at most `entries_max` more entries, the name in front of the first. Returns how many.
  uint64_t write(Reply& reply, uint64_t entries_max);
  bool done() const { return begun_ && left_ == 0; }

 private:
  uint64_t write_entries(Reply& reply, uint64_t count);
  uint64_t write_pending(Reply& reply, uint64_t count);

  std::string_view key_;
  std::string own_key_;
  StreamBody* stream_;
  std::unique_ptr<Body> frozen_;
  StreamId next_;
  uint64_t left_;
  uint64_t count_;
  std::optional<IdTree<NoPayload>> pending_;
  bool begun_ = false;
};

/// Writes the reply of all parts, of which there is one at least. The streams must not change until the handler ends.
void reply_streams(std::vector<StreamReadPart> parts, Reply& reply);

}  // namespace holdfast
