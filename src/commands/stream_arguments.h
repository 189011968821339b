#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "command/args.h"
#include "structures/stream_id.h"

namespace holdfast {

/// A stream id as clients write it: `ms-seq`, or `ms` with the number left out.
std::optional<StreamId> parse_stream_id(std::string_view text, uint64_t missing_seq);

/// The same at `index`; on failure writes the error. `ends`: `-` and `+` are the least and the greatest id.
enum class StreamIdEnds : uint8_t { kRefused, kTaken };
std::optional<StreamId> stream_id_argument(Args args, size_t index, uint64_t missing_seq, StreamIdEnds ends, Reply& reply);

/// One end of an interval: `-`, `+`, an id, or `(` and an id for the one behind (of a start) or before it (of an end).
/// On failure writes the error.
enum class StreamBound : uint8_t { kStart, kEnd };
std::optional<StreamId> stream_bound_argument(Args args, size_t index, StreamBound bound, Reply& reply);

}  // namespace holdfast
