#include "admin/debug.h"

#include <sys/mman.h>

#include <chrono>
#include <cstdlib>
#include <limits>
#include <string>
#include <thread>

#include "admin/debug_subcommands.h"
#include "admin/help.h"
#include "base/check.h"
#include "base/glob.h"
#include "base/number.h"
#include "base/strings.h"
#include "command/server_state.h"
#include "keyspace/keyspace.h"
#include "replication/replication.h"

namespace holdfast {
namespace {

/// The number at the beginning of the text, 0 when there is none: what Redis takes for seconds and switches here.
double leading_number(std::string_view text) { return std::strtod(std::string(text).c_str(), nullptr); }

/// Keeps its own connection waiting, and nobody else. Inside EXEC, where waiting is not possible, it sleeps with all locks.
class SleepTask final : public Task {
 public:
  explicit SleepTask(int64_t us) : us_(us) {}

  Progress step(TaskSlice& slice) override {
    Clock const& clock = slice.session().services().clock;
    if (slice.in_transaction()) {
      std::this_thread::sleep_for(std::chrono::microseconds(us_));
    } else {
      if (until_us_ == 0) until_us_ = clock.monotonic_us() + us_;
      if (clock.monotonic_us() < until_us_) return Progress::kWait;
    }
    slice.reply().ok();
    return Progress::kDone;
  }

 private:
  int64_t us_;
  int64_t until_us_ = 0;
};

std::unique_ptr<Task> debug_sleep(Session&, Args args, Reply&) {
  constexpr double kSecondsMax = 1e9;
  double const seconds = leading_number(args[2]);
  return std::make_unique<SleepTask>(seconds > 0 ? static_cast<int64_t>(std::min(seconds, kSecondsMax) * 1e6) : 0);
}

std::unique_ptr<Task> debug_set_active_expire(Session& session, Args args, Reply& reply) {
  session.services().control.set_active_expiry(static_cast<int>(leading_number(args[2])) != 0);
  reply.ok();
  return nullptr;
}

std::unique_ptr<Task> debug_force_defrag(Session& session, Args args, Reply& reply) {
  session.services().keyspace.defragmentation().force(static_cast<int>(leading_number(args[2])) != 0);
  reply.ok();
  return nullptr;
}

std::unique_ptr<Task> debug_error(Session&, Args args, Reply& reply) {
  reply.error("-" + std::string(args[2]));
  return nullptr;
}

std::unique_ptr<Task> debug_log(Session& session, Args args, Reply& reply) {
  session.services().logger.warning("DEBUG LOG: %.*s", static_cast<int>(std::min<size_t>(args[2].size(), 4096)),
                                    args[2].data());
  reply.ok();
  return nullptr;
}

std::unique_ptr<Task> debug_change_repl_id(Session& session, Args, Reply& reply) {
  session.services().logger.notice("Changing replication IDs after receiving change-repl-id");
  session.services().replication->change_id();
  reply.ok();
  return nullptr;
}

/// Matches random patterns and texts: it must only come back.
class GlobTask final : public Task {
 public:
  Progress step(TaskSlice& slice) override {
    while (round_ < kRounds) {
      glob_match(noise("*?[]\\-^abx"), noise("abx"));
      if (++round_ < kRounds && slice.expired()) return Progress::kAgain;
    }
    slice.reply().status("Apparently Redis did not crash: test passed");
    return Progress::kDone;
  }

 private:
  static constexpr int kRounds = 100'000;
  static constexpr uint64_t kLengthMax = 32;

  std::string noise(std::string_view alphabet) {
    std::string text(random_.below(kLengthMax), ' ');
    for (char& c : text) c = alphabet[random_.below(alphabet.size())];
    return text;
  }

  Random random_{system_random_u64()};
  int round_ = 0;
};

std::unique_ptr<Task> debug_stringmatch_test(Session&, Args, Reply&) { return std::make_unique<GlobTask>(); }

std::unique_ptr<Task> debug_stringmatch_len(Session&, Args args, Reply& reply) {
  constexpr int64_t kLengthMax = 1024 * 1024;
  auto const length = args.integer(2, reply);
  if (!length) return nullptr;
  if (*length < 0 || *length > kLengthMax) {
    reply.error("value is out of range");
    return nullptr;
  }
  reply.integer(glob_match(args[3], std::string(static_cast<size_t>(*length), 'a')) ? 1 : 0);
  return nullptr;
}

/// Writes to a page that may only be read.
std::unique_ptr<Task> debug_segfault(Session&, Args, Reply&) {
  constexpr size_t kBytes = 4096;
  void* const page = mmap(nullptr, kBytes, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  *static_cast<char volatile*>(page) = 'x';
  return nullptr;
}

std::unique_ptr<Task> debug_panic(Session& session, Args, Reply&) {
  std::string const text = "DEBUG PANIC called at Unix time " + to_text(session.services().clock.unix_ms() / 1000);
  panic(text.c_str(), __FILE__, __LINE__);
}

std::unique_ptr<Task> debug_assert(Session&, Args, Reply&) { check_failed("1 == 2", __FILE__, __LINE__); }

std::unique_ptr<Task> debug_help(Session& session, Args args, Reply& reply);

struct Subcommand {
  std::string_view name;
  /// Arguments of the whole command.
  size_t arguments_min;
  size_t arguments_max;
  TaskHandler run;
  std::string_view syntax;
  std::string_view help;
};

constexpr size_t kAny = std::numeric_limits<size_t>::max();

constexpr Subcommand kSubcommands[] = {
    {"ASSERT", 2, 2, debug_assert, "", "Ends the process with a failed assertion."},
    {"CHANGE-REPL-ID", 2, 2, debug_change_repl_id, "", "Draws a new replication id."},
    {"DIGEST", 2, 2, debug_digest, "", "Prints a hash of all keys and values."},
    {"DIGEST-VALUE", 2, kAny, debug_digest_value, "<key> [<key> ...]", "Prints a hash of each value."},
    {"ERROR", 3, 3, debug_error, "<text>", "Answers an error with this text."},
    {"FORCE-DEFRAG", 3, 3, debug_force_defrag, "0 | 1", "Moves everything in memory, again and again, until stopped."},
    {"HTSTATS", 3, 3, debug_htstats, "<db>", "Describes the tables of a database."},
    {"HTSTATS-KEY", 3, 3, debug_htstats_key, "<key>", "Describes the table of a value."},
    {"LOADAOF", 2, kAny, debug_loadaof, "", "Empties the data set and loads the append only files."},
    {"LOG", 3, 3, debug_log, "<text>", "Writes the text to the log."},
    {"OBJECT", 3, 3, debug_object, "<key>", "Tells how a key is stored."},
    {"PANIC", 2, 2, debug_panic, "", "Ends the process with a panic."},
    {"POPULATE", 3, 5, debug_populate, "<count> [<prefix>] [<size>]",
     "Creates keys <prefix>:<n>, of <size> bytes each; they are not logged."},
    {"PROTOCOL", 3, 3, debug_protocol, "<type>",
     "Answers a sample of string, integer, double, bignum, null, array, set, map, attrib, push, verbatim, true, false."},
    {"RELOAD", 2, kAny, debug_reload, "[MERGE | NOFLUSH | NOSAVE ...]", "Saves, empties and loads the data set."},
    {"SEGFAULT", 2, 2, debug_segfault, "", "Crashes the process."},
    {"SET-ACTIVE-EXPIRE", 3, 3, debug_set_active_expire, "0 | 1",
     "Stops or starts the deletion of expired keys that nobody looks at."},
    {"SLEEP", 3, 3, debug_sleep, "<seconds>", "Answers after this time; other connections go on."},
    {"STRINGMATCH-LEN", 4, 4, debug_stringmatch_len, "<length> <pattern>",
     "Tells whether the pattern fits a text of this many letters a."},
    {"STRINGMATCH-TEST", 2, 2, debug_stringmatch_test, "", "Matches random patterns and texts."},
    {"HELP", 2, 2, debug_help, "", "Prints this help."},
};

std::unique_ptr<Task> debug_help(Session&, Args, Reply& reply) {
  reply.array(1 + 2 * std::size(kSubcommands));
  reply.status("DEBUG <subcommand> [<arg> [value] [opt] ...]. Subcommands are:");
  for (Subcommand const& subcommand : kSubcommands) {
    std::string line(subcommand.name);
    if (!subcommand.syntax.empty()) line.append(" ").append(subcommand.syntax);
    reply.status(line);
    reply.status("    " + std::string(subcommand.help));
  }
  return nullptr;
}

std::unique_ptr<Task> cmd_debug(Session& session, Args args, Reply& reply) {
  for (Subcommand const& subcommand : kSubcommands) {
    if (!args.is(1, subcommand.name)) continue;
    if (args.size() < subcommand.arguments_min || args.size() > subcommand.arguments_max) break;
    return subcommand.run(session, args, reply);
  }
  reply_wrong_arguments(args, reply);
  return nullptr;
}

constexpr CommandRow kDebugRows[] = {
    {.name = "debug", .arity = -2, .flags = "admin noscript loading stale protected", .keys = "", .categories = "",
     .tips = "", .group = "server", .since = "1.0.0", .complexity = "Depends on the subcommand.",
     .summary = "Commands for tests.", .syntax = "", .handler = &cmd_debug},
};

}  // namespace

CommandRows debug_commands() { return kDebugRows; }

}  // namespace holdfast
