#include "commands/stream_wait.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "commands/stream_access.h"
#include "commands/waiting.h"

namespace holdfast {

StreamWait::StreamWait(Args command, DataHandler handler, size_t first_key, std::vector<Place> places,
                       std::optional<std::string_view> group)
    : WaitRequest(command.span(), ValueType::kStream),
      handler_(handler),
      first_key_(first_key),
      places_(std::move(places)),
      group_(group) {
  for (Place const& place : places_) {
    if (std::ranges::find(keys, place.key) == keys.end()) keys.push_back(place.key);
  }
}

StreamWait::Place const& StreamWait::place(std::string_view key) const {
  auto const found = std::ranges::find(places_, key, &Place::key);
  CHECK(found != places_.end());
  return *found;
}

bool StreamWait::ready(std::string_view key, Record const* record) const {
  bool const is_stream = record && record->type() == ValueType::kStream;
  if (!group_) return is_stream && has_entries_after(stream_of(record), place(key).after);
  if (!is_stream) return true;
  StreamBody const& stream = stream_of(record);
  std::optional<size_t> const group = stream.find_group(*group_);
  return !group || has_entries_after(stream, stream.group(*group).last_id);
}

void StreamWait::run(Txn& txn, std::string_view key, Reply& reply) {
  if (group_) {
    Record const* record = txn.find(key, Lookup::kPeek);
    if (!record || record->type() != ValueType::kStream) {
      return reply.error("-UNBLOCKED the stream key no longer exists");
    }
    if (!stream_of(record).find_group(*group_)) {
      return reply.error("-NOGROUP the consumer group this client was blocked on no longer exists");
    }
  }
  std::vector<std::string_view> words(command().begin(), command().begin() + static_cast<ptrdiff_t>(first_key_));
  StreamIdText const after(place(key).after);
  words.push_back(key);
  words.push_back(group_ ? std::string_view(">") : after.view());
  run_served(txn, handler_, words, reply);
}

}  // namespace holdfast
