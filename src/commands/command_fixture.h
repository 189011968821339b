#pragma once

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "base/args.h"
#include "base/number.h"
#include "base/ticks.h"
#include "acl/access_log.h"
#include "acl/users.h"
#include "command/access_catalog.h"
#include "command/blocked_client.h"
#include "command/client_card.h"
#include "command/command_table.h"
#include "command/gate.h"
#include "command/pause.h"
#include "command/server_state.h"
#include "command/slowlog.h"
#include "command/task_runner.h"
#include "command/worker_context.h"
#include "command/write_guards.h"
#include "commands/families.h"
#include "config/config.h"
#include "disk/faulty_disk.h"
#include "keyspace/keyspace.h"
#include "log/log.h"
#include "resp/output_buffer.h"
#include "snapshot/persistence.h"

namespace holdfast {

/// Time that stands still until a test moves it. The log's thread reads it meanwhile.
class StoppedClock final : public Clock {
 public:
  int64_t unix_us() const override { return ms_ * 1000; }
  int64_t monotonic_us() const override { return ms_ * 1000; }
  int64_t ms() const { return ms_; }
  void move(int64_t ms) { ms_ += ms; }

 private:
  std::atomic<int64_t> ms_ = 1'700'000'000'000;
};

/// Turns reply bytes into the notation of the dialogues: `+OK`, `-ERR text`, `:1`, `"bulk"`, `nil`, `[a b]`,
/// `{key value}` (RESP3 maps).
class ReplyText {
 public:
  explicit ReplyText(std::string_view bytes) : bytes_(bytes) {}

  std::string one() {
    std::string_view line = this->line();
    char type = line.empty() ? '?' : line[0];
    std::string_view rest = line.empty() ? line : line.substr(1);
    switch (type) {
      case '$':
        return bulk(rest);
      case '*':
        return rest == "-1" ? "nil" : list(rest, 1, "[", "]");
      case '%':
        return list(rest, 2, "{", "}");
      case '_':
        return "nil";
      default:
        return std::string(line);
    }
  }
  bool at_end() const { return bytes_.empty(); }

 private:
  std::string_view line() {
    size_t end = bytes_.find("\r\n");
    if (end == std::string_view::npos) end = bytes_.size();
    std::string_view line = bytes_.substr(0, end);
    bytes_.remove_prefix(std::min(end + 2, bytes_.size()));
    return line;
  }
  std::string bulk(std::string_view length) {
    if (length == "-1") return "nil";
    size_t size = static_cast<size_t>(parse_int64(length).value_or(0));
    std::string text = quote(bytes_.substr(0, size));
    bytes_.remove_prefix(std::min(size + 2, bytes_.size()));
    return text;
  }
  std::string list(std::string_view count, int64_t per_item, std::string open, std::string const& close) {
    int64_t items = parse_int64(count).value_or(0) * per_item;
    for (int64_t i = 0; i < items; i++) open += (i ? " " : "") + one();
    return open + close;
  }

  std::string_view bytes_;
};

/// A connection without a network.
class TestSession final : public Session {
 public:
  TestSession(Services& services, std::shared_ptr<ClientCard> card, WorkerContext& worker)
      : Session(services, std::move(card), worker) {
    begin_as_default();
  }
  std::shared_ptr<Waiter> const& waiter() override { return waiter_; }

 private:
  class NoWaiter final : public Waiter {
   public:
    void wake() override {}
  };
  std::shared_ptr<Waiter> waiter_ = std::make_shared<NoWaiter>();
};

/// Replays an AOF.
class ReplaySession final : public Session {
 public:
  ReplaySession(Services& services, WorkerContext& worker)
      : Session(services, std::make_shared<ClientCard>(), worker, Peer::kLoader) {
    act_for_server();
  }
  std::shared_ptr<Waiter> const& waiter() override { return nobody_; }

 private:
  std::shared_ptr<Waiter> nobody_;
};

/// Speaks with the gate as a connection does: every family of this folder, one worker, a log on a disk in memory, and a
/// clock that stands still.
class CommandTest : public testing::Test {
 protected:
  CommandTest() : CommandTest(families()) {}
  /// With the rows of other families.
  explicit CommandTest(std::vector<CommandRows> const& rows) : commands_(rows) {
    EXPECT_TRUE(logger_.set_file("/dev/null"));
    EXPECT_TRUE(disk_.make_directory("/data"));
    EXPECT_TRUE(disk_.sync_directory("/"));
    auto plan = log::plan_recovery(directory_);
    disk_.put("/data/base", "");
    EXPECT_TRUE(log_.commit_base("/data/base", log::BaseFormat::kRdb, true));
    EXPECT_TRUE(plan && log_.start(*plan));
    keyspace_.attach_log(&log_);
    move_clock(0);
    clients_.add(card_);
    session_ = std::make_unique<TestSession>(services_, card_, worker_);
  }
  ~CommandTest() override {
    session_.reset();
    EXPECT_TRUE(log_.shutdown());
  }

  void move_clock(int64_t ms) {
    clock_.move(ms);
    worker_.now_ms = clock_.ms();
    keyspace_.access().clock.store(static_cast<uint32_t>(clock_.ms() / 1000), std::memory_order_relaxed);
  }

  /// The reply to a command of these arguments, as bytes. A task is driven to its end in slices of `slice_us`.
  std::string send(std::vector<std::string> const& words) {
    std::vector<std::string_view> argv(words.begin(), words.end());
    OutputBuffer out;
    Reply reply(out, session_->protocol());
    worker_.command_ticks = ticks() - tick_scale_.ticks_of_microseconds(started_us_ago_);
    Gate::Outcome outcome = gate_.execute(*session_, Args(argv), reply);
    slices_ = 0;
    if (outcome == Gate::Outcome::kRunning) {
      while (session_->running->slice(reply, slice_us_) != Task::Progress::kDone) slices_++;
      session_->running.reset();
    } else {
      EXPECT_EQ(outcome, Gate::Outcome::kDone) << words[0];
    }
    return out.to_string();
  }

  /// Another connection, whose command of this line waits for keys.
  std::unique_ptr<TestSession> waiting(std::string_view line) {
    auto card = std::make_shared<ClientCard>();
    clients_.add(card);
    auto other = std::make_unique<TestSession>(services_, card, worker_);
    other->set_protocol(session_->protocol());
    other->select(session_->db());
    auto words = split_args(line);
    std::vector<std::string_view> argv(words->begin(), words->end());
    OutputBuffer out;
    Reply reply(out, other->protocol());
    worker_.command_ticks = ticks();
    EXPECT_EQ(gate_.execute(*other, Args(argv), reply), Gate::Outcome::kBlocked) << line;
    EXPECT_TRUE(out.empty()) << line;
    return other;
  }
  /// What it is answered, in the notation of ReplyText; "waits" while it waits.
  std::string reply_to(TestSession& waiting) {
    if (!waiting.blocked->over()) return "waits";
    OutputBuffer out;
    Reply reply(out, waiting.protocol());
    if (gate_.finish_blocked(waiting, reply) == Gate::Outcome::kRunning) {
      while (waiting.running->slice(reply, slice_us_) != Task::Progress::kDone) continue;
      waiting.running.reset();
    }
    std::string const bytes = out.to_string();
    return ReplyText(bytes).one();
  }
  /// As a command that is replayed from an AOF.
  void replay(std::string_view line) {
    ReplaySession session(services_, worker_);
    auto words = split_args(line);
    std::vector<std::string_view> argv(words->begin(), words->end());
    OutputBuffer out;
    Reply reply(out);
    gate_.replay(session, Args(argv), reply);
  }
  CommandStatistics const& statistics_of(std::string_view command) {
    return worker_.statistics.commands[commands_.find(command)->id];
  }
  uint64_t end_of_log() const { return log_.appended_offset(); }

  Gate& gate() { return gate_; }
  Statistics& statistics() { return statistics_; }
  Gate::Outcome gate_execute(Args args, Reply& reply) { return gate_.execute(*session_, args, reply); }

  /// The reply to a line, in the notation of ReplyText.
  std::string run(std::string_view line) {
    auto words = split_args(line);
    EXPECT_TRUE(words) << line;
    std::string bytes = send(*words);
    ReplyText text(bytes);
    std::string reply = text.one();
    EXPECT_TRUE(text.at_end()) << "more than one reply to " << line;
    return reply;
  }

  void expect(std::string_view line, std::string_view reply) { EXPECT_EQ(run(line), reply) << "> " << line; }

  /// Several lines of a dialogue: `> command` and the reply below it.
  void expect_dialogue(std::string_view dialogue) {
    std::string command;
    while (!dialogue.empty()) {
      size_t end = std::min(dialogue.find('\n'), dialogue.size());
      std::string_view line = dialogue.substr(0, end);
      dialogue.remove_prefix(std::min(end + 1, dialogue.size()));
      if (line.starts_with("> ")) {
        command = line.substr(2);
      } else if (!line.empty()) {
        expect(command, line);
      }
    }
  }

  /// What a command adds to the log, as `word word | word word`. SELECT shows only where the database changes.
  std::string logged(std::string_view line) {
    settle_log();
    size_t before = increment().size();
    run(line);
    settle_log();
    return readable(increment().substr(before));
  }

  void expect_logged(std::string_view line, std::string_view effects) {
    EXPECT_EQ(logged(line), effects) << "> " << line;
  }

  /// Budget of a task's slice, us; 0 makes it stop as often as it can.
  int64_t slice_us_ = 1000;
  /// Time that every command seems to have taken before it came to the gate, us.
  uint64_t started_us_ago_ = 0;
  /// Slices after which the last task was not finished.
  int slices_ = 0;

  StoppedClock clock_;
  Logger logger_{clock_};
  FaultyDisk disk_;
  TickScale tick_scale_;
  config::Config config_{"/data"};
  LazyFree lazy_free_;
  Keyspace keyspace_{{.partitions = 16, .databases = 16, .concurrent = true, .hash_seed = 7}, lazy_free_};
  log::AofDirectory directory_{disk_, logger_, log::AofLocation{.data_dir = "/data"}};
  log::Log log_{directory_, clock_, {.policy = log::FsyncPolicy::kNo}};
  CommandTable commands_;
  LatencyMonitor latency_{clock_};
  std::unique_ptr<TestSession> session_;

 private:
  class Control final : public ServerControl {
   public:
    int worker_count() const override { return 1; }
    int64_t start_ms() const override { return 0; }
    std::string const& run_id() const override { return empty_; }
    std::string const& executable() const override { return empty_; }
    bool active_expiry() const override { return true; }
    void set_active_expiry(bool) override {}
    void exit_soon(int) override {}

   private:
    std::string empty_;
  };

  static std::vector<CommandRows> families() {
    static constexpr CommandRow kContainers[] = {
        {.name = "memory", .arity = -2, .flags = "", .keys = "", .categories = ""}};
    std::vector<CommandRows> families = command_families();
    families.push_back(kContainers);
    return families;
  }

  std::string increment() const { return disk_.contents("/data/appendonlydir/appendonly.aof.1.incr.aof"); }

  void settle_log() {
    for (int i = 0; i < 20'000 && log_.written_offset() != log_.appended_offset(); i++) {
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    ASSERT_EQ(log_.written_offset(), log_.appended_offset());
  }

  static std::string readable(std::string_view bytes) {
    std::string text;
    for (ReplyText commands(bytes); !commands.at_end();) {
      std::string command = commands.one();
      if (!text.empty()) text += " | ";
      auto words = split_args(std::string_view(command).substr(1, command.size() - 2));
      for (size_t i = 0; i < words->size(); i++) text += (i ? " " : "") + (*words)[i];
    }
    return text;
  }

  ClientRegistry clients_;
  Statistics statistics_{commands_.size()};
  WorkerContext worker_{statistics_.add_worker()};
  Pause pause_{keyspace_};
  WriteGuards guards_;
  SlowLog slow_log_{config_};
  ServerState state_;
  acl::Users users_{access_catalog(commands_)};
  acl::AccessLog access_log_;
  snapshot::Persistence persistence_{{clock_, logger_, config_, keyspace_, log_, disk_}};
  Control control_;
  Services services_{
      .clock = clock_,
      .logger = logger_,
      .tick_scale = tick_scale_,
      .config = config_,
      .keyspace = keyspace_,
      .commands = commands_,
      .clients = clients_,
      .statistics = statistics_,
      .pause = pause_,
      .guards = guards_,
      .slow_log = slow_log_,
      .latency = latency_,
      .state = state_,
      .users = users_,
      .access_log = access_log_,
      .disk = disk_,
      .persistence = persistence_,
      .log = log_,
      .control = control_,
  };
  Gate gate_{services_};
  std::shared_ptr<ClientCard> card_ = std::make_shared<ClientCard>();
};

}  // namespace holdfast
