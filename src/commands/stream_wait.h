#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "command/args.h"
#include "command/command_row.h"
#include "keyspace/wait_request.h"
#include "values/stream_value.h"

namespace holdfast {

/// Whether a stream has entries over `after`.
inline bool has_entries_after(StreamBody const& stream, StreamId after) {
  return stream.size() > 0 && after < stream.entries().last_id();
}

/// XREAD or XREADGROUP waiting for entries. A reader of a group also stops waiting, with an error, when the stream or the group
/// is gone.
class StreamWait final : public WaitRequest {
 public:
  struct Place {
    std::string key;
    StreamId after;  ///< of XREAD: entries over this one
  };
  /// `first_key`: argument index. `group`: of XREADGROUP. Of several places with the same key the first counts.
  StreamWait(Args command, DataHandler handler, size_t first_key, std::vector<Place> places,
             std::optional<std::string_view> group);

  bool ready(std::string_view key, Record const* record) const override;
  void run(Txn& txn, std::string_view key, Reply& reply) override;

 private:
  Place const& place(std::string_view key) const;

  DataHandler handler_;
  size_t first_key_;
  std::vector<Place> places_;
  std::optional<std::string> group_;
};

}  // namespace holdfast
