// Servers that write, follow one another, are promoted, lose connections and power, and come back: may who is let go on
// go on? The histories, the handshake and the file of the history are the real ones; data set, stream and AOF are a list
// of numbers. What is checked: whoever is continued partially has exactly the beginning of what its primary has, and in
// the end, when the faults have ended, all have the same.
//
//   HOLDFAST_EFFORT=10 replication_test --gtest_filter=Simulation.*      # ten times as many runs

#include <gtest/gtest.h>

#include <cstdlib>
#include <deque>
#include <random>

#include "base/args.h"
#include "disk/faulty_disk.h"
#include "replication/handshake.h"
#include "replication/history_file.h"

namespace holdfast::replication {
namespace {

constexpr int kServers = 4;
constexpr int kSteps = 500;
constexpr uint64_t kSeeds = 2000;
constexpr int kNobody = -1;

/// One server. Its stream is at `base + data.size()`: each write is a byte of it, but for those that go nowhere.
struct Server {
  Server(int number, std::string id) : index(number), history(std::move(id)) {
    static_cast<void>(disk.make_directory("/a"));
    static_cast<void>(disk.sync_directory("/"));
  }

  int64_t end() const { return base + static_cast<int64_t>(data.size()); }

  int index;
  FaultyDisk disk;
  HistoryFile file{disk, "/a/appendonly.aof.history"};
  History history;
  std::vector<uint32_t> data;
  int64_t base = 0;

  /// The AOF in force on the disk: while `append_only`, the first `synced` or more of `data`; else what was there before.
  bool append_only = true;
  size_t synced = 0;
  std::vector<uint32_t> old_data;
  int64_t old_base = 0;

  bool backlog = false;
  int64_t held_from = 0;

  bool alive = true;
  int follows = kNobody;
  bool linked = false;
  std::deque<uint32_t> on_the_way;  // from the primary
  int64_t sent = 0;                 // the primary has sent up to there
};

class Simulation {
 public:
  explicit Simulation(uint64_t seed) : random_(seed) {
    for (int i = 0; i < kServers; i++) servers_.emplace_back(i, fresh_id());
    for (int i = 1; i < kServers; i++) servers_[static_cast<size_t>(i)].follows = chance(4) ? kNobody : 0;
  }

  void run() {
    for (int i = 0; i < kSteps && !testing::Test::HasFailure(); i++) step();
    if (!testing::Test::HasFailure()) settle();
  }

  uint64_t continued = 0;
  uint64_t full = 0;
  uint64_t continued_after_restart = 0;

 private:
  // ---- dice ----

  uint64_t up_to(uint64_t most) { return std::uniform_int_distribution<uint64_t>(0, most)(random_); }
  /// Once in `of`.
  bool chance(uint64_t of) { return up_to(of - 1) == 0; }
  std::string fresh_id() {
    std::string id(kIdDigits, '0');
    for (char& digit : id) digit = "0123456789abcdef"[up_to(15)];
    return id;
  }
  Server& any() { return servers_[up_to(kServers - 1)]; }

  // ---- what servers do ----

  void write(Server& server) {
    if (!server.alive || server.follows != kNobody) return;
    server.data.push_back(++last_write_);
    // Nobody counts what goes nowhere.
    if (!server.append_only && !server.backlog) server.base--;
  }

  void drop_replicas(Server const& of) {
    for (Server& each : servers_) {
      if (each.follows == of.index) unlink(each);
    }
  }

  /// The connection ends; what is on the way may still arrive.
  void unlink(Server& replica) {
    if (chance(2)) deliver(replica);
    replica.linked = false;
    replica.on_the_way.clear();
  }

  void note(Server& server) {
    if (server.alive && server.append_only && server.backlog) static_cast<void>(server.file.write(server.history));
  }

  /// A change of the history: the file says nothing meanwhile. Power may fail at each step. False: it has.
  template <class Change>
  bool change_history(Server& server, Change&& change) {
    static_cast<void>(server.file.remove());
    if (chance(12)) return crash(server), false;
    change();
    drop_replicas(server);
    if (chance(12)) return crash(server), false;
    if (chance(2)) note(server);  // or later: others write meanwhile
    return true;
  }

  void promote(Server& server) {
    if (!server.alive || server.follows == kNobody) return;
    unlink(server);
    change_history(server, [&] {
      server.follows = kNobody;
      server.history.branch(fresh_id(), static_cast<uint64_t>(server.end()));
    });
  }

  void demote(Server& server, int primary) {
    if (!server.alive || primary == server.index) return;
    if (server.follows != kNobody) unlink(server);
    server.follows = primary;
  }

  void turn_off(Server& server) {
    if (!server.alive || !server.append_only) return;
    server.append_only = false;
    server.old_data = server.data;
    server.old_base = server.base;
    if (!server.backlog && server.follows == kNobody) server.history.adopt(fresh_id());
  }

  void turn_on(Server& server) {
    if (!server.alive || server.append_only) return;
    static_cast<void>(server.file.remove());
    if (chance(6)) return crash(server);
    server.append_only = true;
    server.synced = server.data.size();
    if (chance(6)) return crash(server);
    if (chance(2)) note(server);
  }

  void crash(Server& server) {
    if (!server.alive) return;
    server.alive = false;
    if (server.follows != kNobody) unlink(server);
    drop_replicas(server);
    server.disk.crash(random_());
    if (server.append_only) {
      server.data.resize(server.synced + up_to(server.data.size() - server.synced));
    } else {
      server.data = server.old_data;
      server.base = server.old_base;
    }
  }

  void restart(Server& server) {
    if (server.alive) return;
    server.alive = true;
    server.append_only = true;
    server.synced = server.data.size();
    if (chance(3)) server.follows = server.follows == kNobody ? static_cast<int>(up_to(kServers - 1)) : kNobody;
    if (server.follows == server.index) server.follows = kNobody;
    auto const saved = server.file.read();
    server.backlog = saved.has_value();
    server.history = saved ? *saved : History(fresh_id());
    if (!saved) return static_cast<void>(server.file.remove());
    server.held_from = server.base + static_cast<int64_t>(up_to(server.data.size()));
    if (server.follows == kNobody) server.history.branch(fresh_id(), static_cast<uint64_t>(server.end()));
    restarted_ = true;
    note(server);
  }

  // ---- the link ----

  void connect(Server& replica) {
    if (!replica.alive || replica.follows == kNobody || replica.linked) return;
    Server& primary = servers_[static_cast<size_t>(replica.follows)];
    if (!primary.alive) return;
    Handshake handshake({.port = 1, .resume = Handshake::Terms::Place{replica.history.id(), static_cast<uint64_t>(replica.end())}});
    Handshake::Step step = handshake.begin();
    std::string psync;
    for (std::string_view answer : {"+PONG", "+OK", "+OK"}) {
      step = handshake.on_line(answer);
      if (!step.send.empty()) psync = step.send;
    }
    ASSERT_NE(psync.find("PSYNC"), psync.npos);
    step = handshake.on_line(answer_of(primary, replica));
    if (step.verdict == Handshake::Verdict::kContinue) return resume(replica, primary, step.place.id);
    if (step.verdict == Handshake::Verdict::kFull) return copy(replica, primary, step.place);
  }

  std::string answer_of(Server& primary, Server const& replica) {
    if (primary.follows != kNobody && !primary.linked) return "-NOMASTERLINK Can't SYNC while not connected with my master";
    if (primary.backlog && primary.history.may_resume(replica.history.id(), replica.end() + 1, static_cast<uint64_t>(primary.held_from),
                                                      static_cast<uint64_t>(primary.end()))) {
      return "+CONTINUE " + primary.history.id();
    }
    if (!primary.backlog) {
      primary.backlog = true;
      primary.held_from = primary.end();
    }
    return "+FULLRESYNC " + primary.history.id() + " " + std::to_string(primary.end());
  }

  void resume(Server& replica, Server& primary, std::string const& id) {
    continued++;
    if (restarted_) continued_after_restart++;
    ASSERT_EQ(replica.base, primary.base);
    ASSERT_LE(replica.data.size(), primary.data.size());
    ASSERT_TRUE(std::equal(replica.data.begin(), replica.data.end(), primary.data.begin())) << "the histories have diverged";
    if (!id.empty() && !change_history(replica, [&] { replica.history.branch(id, static_cast<uint64_t>(replica.end())); })) return;
    if (!replica.backlog) {
      replica.backlog = true;
      replica.held_from = replica.end();
    }
    link(replica);
  }

  void copy(Server& replica, Server const& primary, Handshake::Terms::Place const& place) {
    full++;
    std::vector<uint32_t> const data = primary.data;
    int64_t const base = primary.base;
    static_cast<void>(replica.file.remove());
    drop_replicas(replica);
    if (replica.append_only) {
      // On the disk the old data set stays in force until the new one has its first base.
      replica.old_data = replica.data;
      replica.old_data.resize(replica.synced + up_to(replica.data.size() - replica.synced));
      replica.old_base = replica.base;
      replica.append_only = false;
    }
    replica.data = data;
    replica.base = base;
    ASSERT_EQ(replica.end(), static_cast<int64_t>(place.offset));
    replica.history.adopt(place.id);
    replica.backlog = true;
    replica.held_from = replica.end();
    link(replica);
  }

  void link(Server& replica) {
    replica.linked = true;
    replica.on_the_way.clear();
    replica.sent = replica.end();
  }

  void send(Server& replica) {
    if (!replica.linked) return;
    Server const& primary = servers_[static_cast<size_t>(replica.follows)];
    auto const left = static_cast<uint64_t>(primary.end() - replica.sent);
    for (uint64_t count = up_to(left); count > 0; count--) {
      replica.on_the_way.push_back(primary.data[static_cast<size_t>(replica.sent++ - primary.base)]);
    }
  }

  void deliver(Server& replica) {
    if (!replica.alive || !replica.linked) return;
    for (uint64_t count = up_to(replica.on_the_way.size()); count > 0; count--) {
      replica.data.push_back(replica.on_the_way.front());
      replica.on_the_way.pop_front();
    }
  }

  void sync(Server& server) {
    if (server.alive && server.append_only) server.synced = server.data.size();
  }

  /// The oldest files of the backlog are given up.
  void forget_beginning(Server& server) {
    server.held_from += static_cast<int64_t>(up_to(static_cast<uint64_t>(std::max<int64_t>(server.end() - server.held_from, 0))));
  }

  // ---- a run ----

  void step() {
    Server& server = any();
    uint64_t dice = up_to(59);
    auto const falls = [&](uint64_t weight) { return dice < weight ? true : (dice -= weight, false); };
    if (falls(1)) return crash(server);
    if (falls(1)) return promote(server);
    if (falls(1)) return demote(server, chance(2) ? 0 : static_cast<int>(up_to(kServers - 1)));
    if (falls(1)) return turn_off(server);
    if (falls(1)) return forget_beginning(server);
    if (falls(2)) return unlink(server);
    if (falls(2)) return turn_on(server);
    if (falls(3)) return restart(server);
    if (falls(3)) return note(server);
    if (falls(3)) return sync(server);
    if (falls(6)) return connect(server);
    if (falls(9)) return send(server);
    if (falls(9)) return deliver(server);
    write(server);
  }

  /// No more faults: one primary, and all follow it.
  void settle() {
    for (Server& each : servers_) restart(each);
    Server& primary = servers_[0];
    while (primary.follows != kNobody || !primary.alive) {
      promote(primary);
      restart(primary);
    }
    for (int round = 0; round < 200; round++) {
      for (Server& each : servers_) {
        restart(each);
        if (&each == &primary) continue;
        if (each.follows != 0) demote(each, 0);
        connect(each);
        if (testing::Test::HasFailure()) return;
        send(each);
        deliver(each);
      }
      if (primary.follows != kNobody) promote(primary);
    }
    for (Server const& each : servers_) {
      EXPECT_EQ(each.data, primary.data) << each.index;
      EXPECT_EQ(each.end(), primary.end()) << each.index;
      EXPECT_EQ(each.history.id(), primary.history.id()) << each.index;
    }
  }

  std::mt19937_64 random_;
  std::deque<Server> servers_;
  uint32_t last_write_ = 0;
  bool restarted_ = false;
};

TEST(Simulation, NobodyGoesOnFromWhatIsNotTheBeginning) {
  char const* effort = std::getenv("HOLDFAST_EFFORT");
  uint64_t const seeds = kSeeds * std::max(1, effort ? std::atoi(effort) : 1);
  uint64_t continued = 0;
  uint64_t after_restart = 0;
  uint64_t full = 0;
  for (uint64_t seed = 1; seed <= seeds && !HasFailure(); seed++) {
    SCOPED_TRACE(seed);
    Simulation simulation(seed);
    simulation.run();
    continued += simulation.continued;
    after_restart += simulation.continued_after_restart;
    full += simulation.full;
  }
  // The runs are about something.
  EXPECT_GT(continued, seeds);
  EXPECT_GT(after_restart, seeds / 4);
  EXPECT_GT(full, seeds);
}

}  // namespace
}  // namespace holdfast::replication
