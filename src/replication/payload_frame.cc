#include "replication/payload_frame.h"

#include <algorithm>

#include "base/number.h"

namespace holdfast::replication {
namespace {

constexpr size_t kMarkBytes = 40;
/// A header line is not longer.
constexpr size_t kHeaderBytesMax = 1024;
constexpr std::string_view kMarkHeader = "$EOF:";

}  // namespace

Result<size_t> PayloadFrame::take(std::string_view input, std::string& out) {
  size_t taken = 0;
  while (!begun_ && taken < input.size()) {
    char const byte = input[taken++];
    if (byte != '\n') {
      line_ += byte;
      if (line_.size() > kHeaderBytesMax) return fail("the header of the data set has no end");
      continue;
    }
    if (line_.ends_with('\r')) line_.pop_back();
    if (Status read = read_header(line_); !read) return std::unexpected(read.error());
    line_.clear();
  }
  if (!begun_ || complete_) return taken;
  std::string_view const rest = input.substr(taken);
  if (marked()) {
    take_marked(rest, out);
    return input.size();
  }
  size_t const part = static_cast<size_t>(std::min<uint64_t>(left_, rest.size()));
  out.append(rest.substr(0, part));
  left_ -= part;
  complete_ = left_ == 0;
  return taken + part;
}

Status PayloadFrame::read_header(std::string_view line) {
  if (line.empty()) return {};
  if (line[0] == '-') return fail("MASTER aborted replication with an error: " + std::string(line.substr(1)));
  if (line.starts_with(kMarkHeader) && line.size() == kMarkHeader.size() + kMarkBytes) {
    mark_ = line.substr(kMarkHeader.size());
    begun_ = true;
    return {};
  }
  auto const bytes = line[0] == '$' ? parse_int64(line.substr(1)) : std::nullopt;
  if (!bytes || *bytes < 0) {
    return fail("Bad protocol from MASTER, the first byte is not '$' (we received '" + std::string(line) +
                "'), are you sure the host and port are right?");
  }
  total_ = left_ = static_cast<uint64_t>(*bytes);
  begun_ = true;
  complete_ = left_ == 0;
  return {};
}

void PayloadFrame::take_marked(std::string_view input, std::string& out) {
  tail_.append(input);
  if (tail_.ends_with(mark_)) {
    out.append(tail_, 0, tail_.size() - kMarkBytes);
    tail_.clear();
    complete_ = true;
    return;
  }
  if (tail_.size() <= kMarkBytes) return;
  size_t const sure = tail_.size() - kMarkBytes;
  out.append(tail_, 0, sure);
  tail_.erase(0, sure);
}

}  // namespace holdfast::replication
