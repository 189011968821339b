#include "command/client_line.h"

#include <algorithm>
#include <utility>

#include "base/number.h"
#include "command/memory_usage.h"

namespace holdfast {
namespace {

constexpr auto kOrder = std::memory_order_relaxed;

/// The letters of the states, in the order in which they are listed; N for none.
std::string flags_of(ClientCard& card) {
  std::string flags;
  if (card.replica.load(kOrder)) flags += 'S';
  if (card.primary) flags += 'M';
  if (card.monitors.load(kOrder)) flags += 'O';
  if (card.subscribed()) flags += 'P';
  if (card.queued_commands.load(kOrder) >= 0) flags += 'x';
  if (card.blocked.load(kOrder)) flags += 'b';
  if (card.tracks.load(kOrder)) flags += 't';
  if (card.broken_redirect.load(kOrder)) flags += 'R';
  if (card.tracks_broadcast.load(kOrder)) flags += 'B';
  if (card.watch_broken()) flags += 'd';
  if (card.closing.load(kOrder)) flags += 'c';
  if (card.killed.load(kOrder)) flags += 'A';
  if (card.unix_socket) flags += 'U';
  if (card.no_evict.load(kOrder)) flags += 'e';
  if (card.no_touch.load(kOrder)) flags += 'T';
  return flags.empty() ? "N" : flags;
}

class Line {
 public:
  Line& add(std::string_view name, std::string_view value) {
    if (!text_.empty()) text_ += ' ';
    text_.append(name).append("=").append(value);
    return *this;
  }
  Line& add(std::string_view name, int64_t value) { return add(name, std::string_view(to_text(value))); }
  Line& add(std::string_view name, uint64_t value) { return add(name, std::string_view(to_text_unsigned(value))); }
  std::string take() && {
    text_ += '\n';
    return std::move(text_);
  }

 private:
  std::string text_;
};

int64_t seconds_between(int64_t from_ms, int64_t to_ms) { return std::max<int64_t>(0, to_ms - from_ms) / 1000; }

}  // namespace

std::string client_line(ClientCard& card, CommandTable const& commands, int64_t now_ms) {
  uint16_t const last = card.last_command.load(kOrder);
  uint64_t const output_bytes = card.output_bytes.load(kOrder);
  auto const [library, version] = card.library();
  Line line;
  line.add("id", card.id)
      .add("addr", card.address)
      .add("laddr", card.local_address)
      .add("fd", int64_t{card.fd})
      .add("name", card.name())
      .add("age", seconds_between(card.created_ms, now_ms))
      .add("idle", seconds_between(card.last_interaction_ms.load(kOrder), now_ms))
      .add("flags", flags_of(card))
      .add("db", int64_t{card.db.load(kOrder)})
      .add("sub", int64_t{card.channels.load(kOrder)})
      .add("psub", int64_t{card.patterns.load(kOrder)})
      .add("ssub", int64_t{card.shard_channels.load(kOrder)})
      .add("multi", int64_t{card.queued_commands.load(kOrder)})
      .add("qbuf", card.input_bytes.load(kOrder))
      .add("qbuf-free", card.input_free_bytes.load(kOrder))
      .add("argv-mem", card.argument_bytes.load(kOrder))
      .add("multi-mem", card.queued_bytes.load(kOrder))
      // All replies live in one chain of blocks, so the static buffer that these four speak of is always empty.
      .add("rbs", int64_t{0})
      .add("rbp", int64_t{0})
      .add("obl", int64_t{0})
      .add("oll", card.output_blocks.load(kOrder))
      .add("omem", output_bytes)
      .add("tot-mem", client_memory(card))
      .add("events", output_bytes ? "rw" : "r")
      .add("cmd", last == ClientCard::kNoCommand ? std::string_view("NULL") : std::string_view(commands.by_id(last).full_name))
      .add("user", card.user())
      .add("redir", card.redirect.load(kOrder))
      .add("resp", int64_t{card.protocol.load(kOrder)})
      .add("lib-name", library)
      .add("lib-ver", version);
  return std::move(line).take();
}

}  // namespace holdfast
