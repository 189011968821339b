// Any bytes, cut in any way, must give the same commands and the same error as the whole, with every argument inside
// the input or the batch. The first bytes choose the limits and the cuts.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "base/check.h"
#include "resp/request_parser.h"

namespace {

using namespace holdfast;

struct Outcome {
  /// All arguments, each with its length in front, and a mark behind each command.
  std::string commands;
  size_t count = 0;
  size_t consumed = 0;
  std::string error;
  bool operator==(Outcome const&) const = default;
};

Outcome feed(std::string_view input, RequestLimits const& limits, std::vector<size_t> const& pieces) {
  RequestParser parser;
  CommandBatch batch;
  Outcome outcome;
  size_t seen = 0;
  for (size_t turn = 0; seen < input.size(); turn++) {
    seen = std::min(input.size(), seen + pieces[turn % pieces.size()]);
    for (;;) {
      // A fresh copy each time: a view kept from the last input would be seen by the address sanitizer.
      std::string const buffer(input.substr(outcome.consumed, seen - outcome.consumed));
      size_t consumed = 0;
      RequestParser::Status status = parser.parse(buffer, limits, batch, consumed, outcome.error);
      CHECK(consumed <= buffer.size());
      for (size_t i = 0; i < batch.size(); i++) {
        CommandView command = batch[i];
        CHECK(command.argc > 0 && batch.end_offset(i) <= consumed && command.wire_bytes <= consumed);
        for (uint32_t arg = 0; arg < command.argc; arg++) {
          outcome.commands.append(std::to_string(command[arg].size())).append(" ").append(command[arg]);
        }
        outcome.commands.push_back('\n');
        outcome.count++;
      }
      outcome.consumed += consumed;
      if (status == RequestParser::Status::kError) return outcome;
      if (status == RequestParser::Status::kMore) break;
      CHECK(batch.size() > 0);
    }
  }
  return outcome;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(uint8_t const* data, size_t size) {
  constexpr size_t kChoices = 5;
  if (size <= kChoices) return 0;
  RequestLimits limits;
  limits.authenticated = data[0] % 2 == 0;
  if (data[0] % 4 >= 2) limits.bulk_bytes_max = 100;
  std::vector<size_t> pieces;
  for (size_t i = 1; i < kChoices; i++) pieces.push_back(1 + data[i]);

  std::string_view input(reinterpret_cast<char const*>(data) + kChoices, size - kChoices);
  Outcome whole = feed(input, limits, {input.size()});
  CHECK(whole == feed(input, limits, pieces));
  CHECK(whole == feed(input, limits, {1}));
  return 0;
}
