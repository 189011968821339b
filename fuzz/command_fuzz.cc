// Any bytes of a connection that may do everything: parsed in pieces, executed by the gate with every family of commands but
// the scripts, and answered. Each reply must be whole RESP. There is no socket: what a connection does with bytes is done
// here. A mutator of its own writes the words of the command table, so that most lines are commands.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "admin/admin_fixture.h"
#include "base/check.h"
#include "base/strings.h"
#include "resp/request_parser.h"

extern "C" size_t LLVMFuzzerMutate(uint8_t* data, size_t size, size_t max_size);

namespace {

using namespace holdfast;

/// A longer batch would only make what was found harder to read.
constexpr size_t kCommandsMax = 64;
/// Slices of a task that comes to no end.
constexpr int kSlicesMax = 100'000;
/// Begun anew after so many inputs, so that what one leaves behind is not kept for ever.
constexpr int kInputsOfAnEndpoint = 2'000;
constexpr int64_t kCountMax = 2'000;

/// What would leave this process, wait for others, or ask for as much memory as one likes.
bool is_left_out(Args args) {
  static std::set<std::string, std::less<>> const kNever = {
      "shutdown", "debug",  "replicaof", "slaveof", "failover", "replconf",     "psync",  "sync",
      "wait",     "waitaof", "save",      "bgsave",  "monitor",  "bgrewriteaof", "lolwut",
  };
  std::string const name = to_lower(args[0]);
  if (kNever.contains(name)) return true;
  auto const is = [&](size_t at, std::string_view word) { return args.size() > at && iequals(args[at], word); };
  if (name == "config") return is(1, "set") || is(1, "rewrite");
  if (name == "client") return is(1, "pause");
  if (name == "acl") return is(1, "load") || is(1, "save") || is(2, "default");
  if (name.find("randmember") != std::string::npos || name == "hrandfield") {
    auto const count = args.size() > 2 ? parse_int64(args[2]) : std::nullopt;
    return count && (*count > kCountMax || *count < -kCountMax);
  }
  return false;
}

/// A whole value at the beginning of `bytes`, which is taken away. False: there is none.
bool take_reply(std::string_view& bytes, int depth = 0) {
  size_t const end = bytes.find("\r\n");
  if (end == std::string_view::npos || end == 0 || depth > 100) return false;
  char const kind = bytes[0];
  std::string_view const head = bytes.substr(1, end - 1);
  bytes.remove_prefix(end + 2);
  auto const number = parse_int64(head);
  switch (kind) {
    case '+':
    case '-':
    case '_':
    case '#':
    case ',':
    case '(':
      return true;
    case ':':
      return number.has_value();
    case '$':
    case '=':
      if (!number || *number < -1) return false;
      if (*number == -1) return true;
      if (bytes.size() < static_cast<size_t>(*number) + 2) return false;
      bytes.remove_prefix(static_cast<size_t>(*number));
      if (!bytes.starts_with("\r\n")) return false;
      bytes.remove_prefix(2);
      return true;
    case '*':
    case '~':
    case '>':
    case '%':
    case '|': {
      if (!number || *number < -1) return false;
      int64_t const values = *number * (kind == '%' || kind == '|' ? 2 : 1) + (kind == '|' ? 1 : 0);
      for (int64_t i = 0; i < values; i++) {
        if (!take_reply(bytes, depth + 1)) return false;
      }
      return true;
    }
    default:
      return false;
  }
}

class Endpoint final : public AdminTest {
 public:
  Endpoint() {
    // A string may have this many bytes, so that nobody asks for half a gigabyte.
    CHECK(config_.load_text("proto-max-bulk-len 1mb\nenable-debug-command no\n"));
    services().clients.close_connection = [](ClientCard&) {};
  }
  void TestBody() override {}

  void play(std::string_view input, std::vector<size_t> const& pieces) {
    RequestParser parser;
    CommandBatch batch;
    RequestLimits limits;
    limits.bulk_bytes_max = 1024 * 1024;
    std::string error;
    size_t executed = 0;
    size_t consumed_before = 0;
    size_t seen = 0;
    for (size_t turn = 0; seen < input.size(); turn++) {
      seen = std::min(input.size(), seen + pieces[turn % pieces.size()]);
      for (;;) {
        std::string const buffer(input.substr(consumed_before, seen - consumed_before));
        size_t consumed = 0;
        RequestParser::Status const status = parser.parse(buffer, limits, batch, consumed, error);
        for (size_t i = 0; i < batch.size(); i++) {
          CommandView const command = batch[i];
          if (executed++ == kCommandsMax || !execute(Args(command.argv, command.argc))) return;
        }
        consumed_before += consumed;
        if (status == RequestParser::Status::kError) return;
        if (status == RequestParser::Status::kMore) break;
      }
    }
  }

  /// Empty databases, and another connection.
  void clean() {
    Services& parts = services();
    WorkerContext& worker = session_->worker();
    parts.clients.remove(session_->card().id);
    session_.reset();
    auto const card = std::make_shared<ClientCard>();
    parts.clients.add(card);
    session_ = std::make_unique<TestSession>(parts, card, worker);
    std::string_view const flush = "flushall";
    CHECK(execute(Args(&flush, 1)));
  }

 private:
  /// False: the connection ends.
  bool execute(Args args) {
    if (is_left_out(args)) return true;
    OutputBuffer out;
    Reply reply(out, session_->protocol());
    if (session_->reply_mode == Session::ReplyMode::kOff) reply.set_muted(true);
    auto outcome = gate_execute(args, reply);
    if (outcome == Gate::Outcome::kBlocked) {
      CHECK(session_->blocked->unblock(Unblockable::Reason::kTimeout));
      outcome = gate().finish_blocked(*session_, reply);
    }
    if (outcome == Gate::Outcome::kRunning) {
      int slices = 0;
      while (session_->running->slice(reply, slice_us_) != Task::Progress::kDone) CHECK(++slices < kSlicesMax);
      session_->running.reset();
    } else {
      CHECK(outcome == Gate::Outcome::kDone);
    }
    std::string const bytes = out.to_string();
    for (std::string_view rest = bytes; !rest.empty();) CHECK(take_reply(rest));
    move_clock(1);
    return !session_->closing();
  }
};

/// Names of commands and all words of their syntax.
std::vector<std::string> const& words() {
  static std::vector<std::string> const all = [] {
    std::set<std::string> found = {"k", "l", "h", "s", "z", "x", "f", "v", "0", "1", "-1", "10", "1.5", "inf", "(1", "[a", "-", "+", "*", "$",
                                   "0-0", "1-1", ">", "\"\"", "\"a\\x00b\"", "99999999999", "-9223372036854775808", "1e400", "EX", "u8"};
    Endpoint const endpoint;
    std::vector<CommandRows> families = command_families();
    families.push_back(subscribe_commands());
    for (CommandRows const rows : admin_families()) families.push_back(rows);
    for (CommandRows const rows : families) {
      for (CommandRow const& row : rows) {
        std::string name(row.name);
        std::ranges::replace(name, '|', ' ');
        found.insert(name);
        std::string word;
        for (char const c : std::string(row.syntax) + " ") {
          if ((c >= 'A' && c <= 'Z') || (c == '-' && !word.empty())) {
            word.push_back(c);
          } else {
            if (word.size() > 1) found.insert(word);
            word.clear();
          }
        }
      }
    }
    return std::vector<std::string>(found.begin(), found.end());
  }();
  return all;
}

}  // namespace

/// Half of the time a word of ours is put somewhere, or a line of them.
extern "C" size_t LLVMFuzzerCustomMutator(uint8_t* data, size_t size, size_t max_size, unsigned int seed) {
  uint32_t state = seed * 2654435761u + 1;
  auto const choose = [&](size_t below) {
    state = state * 1664525u + 1013904223u;
    return static_cast<size_t>(state >> 8) % below;
  };
  if (choose(2) == 0) return LLVMFuzzerMutate(data, size, max_size);
  std::string insert;
  size_t const count = choose(3) == 0 ? 1 : 2 + choose(5);
  for (size_t i = 0; i < count; i++) insert += words()[choose(words().size())] + (i + 1 == count && count > 1 ? "\r\n" : " ");
  if (size + insert.size() > max_size) return LLVMFuzzerMutate(data, size, max_size);
  // Between two words if there are any, so that what stands there stays what it is.
  size_t at = size == 0 ? 0 : choose(size + 1);
  while (at < size && data[at] != ' ' && data[at] != '\n') at++;
  if (at < size) at++;
  std::copy_backward(data + at, data + size, data + size + insert.size());
  std::copy(insert.begin(), insert.end(), data + at);
  return size + insert.size();
}

extern "C" int LLVMFuzzerTestOneInput(uint8_t const* data, size_t size) {
  static std::unique_ptr<Endpoint> endpoint;
  static int inputs = 0;
  if (!endpoint || ++inputs % kInputsOfAnEndpoint == 0) {
    endpoint.reset();
    endpoint = std::make_unique<Endpoint>();
  }
  std::string_view const input(reinterpret_cast<char const*>(data), size);
  size_t const piece = size == 0 ? 1 : 1 + data[size - 1];
  endpoint->play(input, {input.size() + 1});
  endpoint->clean();
  endpoint->play(input, {piece, 3});
  endpoint->clean();
  return 0;
}
