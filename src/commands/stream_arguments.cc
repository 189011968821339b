#include "commands/stream_arguments.h"

#include "base/number.h"

namespace holdfast {
namespace {

constexpr std::string_view kInvalidId = "Invalid stream ID specified as stream command argument";
/// Longest text of an id, bytes.
constexpr size_t kIdTextBytesMax = 127;

std::optional<StreamId> parse(std::string_view text, uint64_t missing_seq, StreamIdEnds ends) {
  if (ends == StreamIdEnds::kTaken && text == "-") return StreamId::min();
  if (ends == StreamIdEnds::kTaken && text == "+") return StreamId::max();
  return parse_stream_id(text, missing_seq);
}

}  // namespace

std::optional<StreamId> parse_stream_id(std::string_view text, uint64_t missing_seq) {
  if (text.size() > kIdTextBytesMax) return std::nullopt;
  size_t const dash = text.find('-');
  std::optional<uint64_t> const ms = parse_uint64_lenient(text.substr(0, dash));
  if (!ms) return std::nullopt;
  if (dash == std::string_view::npos) return StreamId{*ms, missing_seq};
  std::optional<uint64_t> const seq = parse_uint64_lenient(text.substr(dash + 1));
  if (!seq) return std::nullopt;
  return StreamId{*ms, *seq};
}

std::optional<StreamId> stream_id_argument(Args args, size_t index, uint64_t missing_seq, StreamIdEnds ends,
                                           Reply& reply) {
  std::optional<StreamId> const id = parse(args[index], missing_seq, ends);
  if (!id) reply.error(kInvalidId);
  return id;
}

std::optional<StreamId> stream_bound_argument(Args args, size_t index, StreamBound bound, Reply& reply) {
  uint64_t const missing_seq = bound == StreamBound::kStart ? 0 : UINT64_MAX;
  std::string_view text = args[index];
  if (text.size() < 2 || text[0] != '(') {
    return stream_id_argument(args, index, missing_seq, StreamIdEnds::kTaken, reply);
  }
  std::optional<StreamId> const id = parse(text.substr(1), missing_seq, StreamIdEnds::kRefused);
  if (!id) {
    reply.error(kInvalidId);
    return std::nullopt;
  }
  std::optional<StreamId> const inside = bound == StreamBound::kStart ? id->next() : id->previous();
  if (!inside) {
    reply.error(bound == StreamBound::kStart ? "invalid start ID for the interval" : "invalid end ID for the interval");
  }
  return inside;
}

}  // namespace holdfast
