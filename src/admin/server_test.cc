#include "admin/admin_fixture.h"
#include "admin/info.h"
#include "admin/lolwut.h"
#include "admin/memory_doctor.h"

namespace holdfast {
namespace {

class ServerCommandTest : public AdminTest {};

TEST_F(ServerCommandTest, ConfigGetAndSet) {
  expect_dialogue(R"(
> config get hz HZ
["hz" "10"]
> config get nope
[]
> config set hz 20
+OK
> config get hz
["hz" "20"]
> config set nope 1
-ERR Unknown option or number of arguments for CONFIG SET - 'nope'
> config set hz 1 foo
-ERR syntax error
> config set hz
-ERR wrong number of arguments for 'config|set' command
> config set maxmemory x
-ERR CONFIG SET failed (possibly related to argument 'maxmemory') - argument must be a memory value
> config set hz 30 hz 40
-ERR CONFIG SET failed (possibly related to argument 'hz') - duplicate parameter
> config rewrite
-ERR The server is running without a config file
> multi
+OK
> config set hz 50
+QUEUED
> exec
[+OK]
> config get hz
["hz" "50"]
)");
}

TEST_F(ServerCommandTest, OneChangeOfTheConfigurationAtATime) {
  ASSERT_TRUE(services().state.config_change.try_begin());
  std::vector<std::string_view> const words = {"config", "set", "hz", "77"};
  OutputBuffer out;
  Reply reply(out);
  ASSERT_EQ(gate_execute(Args(words), reply), Gate::Outcome::kRunning);
  EXPECT_EQ(session_->running->slice(reply, 100), Task::Progress::kAgain);
  EXPECT_EQ(config_.integer(config::Directive::kHz), 10);
  services().state.config_change.end();
  EXPECT_EQ(session_->running->slice(reply, 100), Task::Progress::kDone);
  EXPECT_EQ(config_.integer(config::Directive::kHz), 77);
}

TEST_F(ServerCommandTest, ResetStat) {
  run("get nothing");
  run("set a 1");
  run("get a");
  EXPECT_EQ(info_field("stats", "keyspace_hits"), "1");
  EXPECT_EQ(info_field("stats", "keyspace_misses"), "1");
  EXPECT_NE(info_field("commandstats", "cmdstat_set"), "missing");
  expect("config resetstat", "+OK");
  EXPECT_EQ(info_field("stats", "keyspace_hits"), "0");
  EXPECT_EQ(info_field("stats", "keyspace_misses"), "0");
  EXPECT_EQ(info_field("commandstats", "cmdstat_set"), "missing");
}

TEST_F(ServerCommandTest, ResetStatForgetsSavesAndWhatWasFreed) {
  auto const ticket = services().persistence.foreground_save();
  ASSERT_TRUE(ticket);
  while (!services().persistence.save_result(*ticket)) services().persistence.slice(0, 50);
  EXPECT_EQ(info_field("persistence", "rdb_saves"), "1");
  lazy_free_.push(std::make_unique<Garbage>());
  for (int i = 0; i < 20'000 && lazy_free_.freed() == 0; i++) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  EXPECT_EQ(info_field("memory", "lazyfreed_objects"), "1");
  run("config resetstat");
  EXPECT_EQ(info_field("persistence", "rdb_saves"), "0");
  EXPECT_EQ(info_field("memory", "lazyfreed_objects"), "0");
}

TEST_F(ServerCommandTest, TurnsOfTheLoop) {
  WorkerStatistics& worker = session_->worker().statistics;
  services().statistics.sample(1'000'000);
  worker.loop_turns.add(10);
  worker.loop_microseconds.add(700);
  for (int i = 1; i <= 16; i++) {
    services().statistics.sample(1'000'000 + i * 100'000);
    worker.loop_turns.add(10);
    worker.loop_microseconds.add(700);
  }
  EXPECT_EQ(info_field("stats", "eventloop_cycles"), "170");
  EXPECT_EQ(info_field("stats", "eventloop_duration_sum"), "11900");
  EXPECT_EQ(info_field("stats", "instantaneous_eventloop_cycles_per_sec"), "100");
  EXPECT_EQ(info_field("stats", "instantaneous_eventloop_duration_usec"), "70");
  EXPECT_NE(info_field("stats", "eventloop_duration_cmd_sum"), "missing");
  run("config resetstat");
  EXPECT_EQ(info_field("stats", "eventloop_cycles"), "0");
  EXPECT_EQ(info_field("stats", "instantaneous_eventloop_cycles_per_sec"), "0");
}

std::vector<std::string> titles(std::string const& text) {
  std::vector<std::string> found;
  for (size_t at = 0; (at = text.find("# ", at)) != std::string::npos; at++) {
    found.push_back(text.substr(at + 2, text.find("\r\n", at) - at - 2));
  }
  return found;
}

TEST_F(ServerCommandTest, InfoSections) {
  using Titles = std::vector<std::string>;
  Titles const normal = {"Server",      "Clients", "Memory",  "Persistence", "Stats",
                         "Replication", "CPU",     "Modules", "Errorstats",  "Cluster", "Keyspace"};
  EXPECT_EQ(titles(text("info")), normal);
  EXPECT_EQ(titles(text("info default")), normal);
  EXPECT_EQ(titles(text("info everything")),
            (Titles{"Server", "Clients", "Memory", "Persistence", "Stats", "Replication", "CPU", "Modules",
                    "Commandstats", "Errorstats", "Latencystats", "Cluster", "Keyspace"}));
  EXPECT_EQ(titles(text("info all")), titles(text("info everything")));
  EXPECT_EQ(titles(text("info KEYSPACE nope cpu cpu")), (Titles{"CPU", "Keyspace"}));
  EXPECT_EQ(text("info modules cluster"), "# Modules\r\n\r\n# Cluster\r\ncluster_enabled:0\r\n");
  expect("info nope", "\"\"");
  session_->set_protocol(3);
  EXPECT_EQ(send({"info", "modules"}), "=15\r\ntxt:# Modules\r\n\r\n");
}

TEST_F(ServerCommandTest, InfoKeyspace) {
  EXPECT_EQ(text("info keyspace"), "# Keyspace\r\n");
  run("mset a 1 b 2 c 3");
  run("pexpire a 1000");
  run("pexpire b 3000");
  run("select 3");
  run("set d 4");
  EXPECT_EQ(text("info keyspace"),
            "# Keyspace\r\ndb0:keys=3,expires=2,avg_ttl=2000\r\ndb3:keys=1,expires=0,avg_ttl=0\r\n");
}

TEST_F(ServerCommandTest, InfoCounts) {
  run("get");
  run("set a 1");
  run("incr nothing");
  run("set b x");
  run("incr b");
  EXPECT_EQ(text("info errorstats"), "# Errorstats\r\nerrorstat_ERR:count=2\r\n");
  EXPECT_TRUE(info_field("commandstats", "cmdstat_get").ends_with("rejected_calls=1,failed_calls=0"));
  EXPECT_TRUE(info_field("commandstats", "cmdstat_incr").starts_with("calls=2,"));
  EXPECT_TRUE(info_field("commandstats", "cmdstat_incr").ends_with("rejected_calls=0,failed_calls=1"));
  EXPECT_EQ(info_field("stats", "total_error_replies"), "2");
  EXPECT_EQ(info_field("clients", "connected_clients"), "1");
  EXPECT_EQ(info_field("server", "redis_version"), "7.2.4");
  EXPECT_EQ(info_field("server", "threads"), "1");
  EXPECT_EQ(info_field("server", "partitions"), "16");
}

TEST_F(ServerCommandTest, ErrorsOfTasksAreCounted) {
  run("config set maxmemory x");
  EXPECT_EQ(text("info errorstats"), "# Errorstats\r\nerrorstat_ERR:count=1\r\n");
  EXPECT_TRUE(info_field("commandstats", "cmdstat_config|set").ends_with("rejected_calls=0,failed_calls=1"));
}

TEST_F(ServerCommandTest, InfoMemoryFollowsTheKeys) {
  auto bytes = [&](std::string_view field) { return *parse_int64(info_field("memory", field)); };
  int64_t const before = bytes("used_memory_dataset");
  run("set big " + std::string(1'000'000, 'x'));
  int64_t const used = bytes("used_memory");
  EXPECT_GT(bytes("used_memory_dataset"), before + 1'000'000);
  EXPECT_GT(used, 1'000'000);
  run("del big");
  EXPECT_LT(bytes("used_memory_dataset"), before + 100'000);
  EXPECT_GE(bytes("used_memory_peak"), used);
}

TEST_F(ServerCommandTest, Replication) {
  std::string const id = info_field("replication", "master_replid");
  EXPECT_EQ(id.size(), 40u);
  EXPECT_EQ(info_field("replication", "role"), "master");
  expect("debug change-repl-id", "+OK");
  EXPECT_NE(info_field("replication", "master_replid"), id);
  std::string const offset = to_text_unsigned(log_.appended_offset());
  EXPECT_EQ(info_field("replication", "master_repl_offset"), offset);
}

TEST_F(ServerCommandTest, SlowLog) {
  expect_dialogue(R"(
> slowlog get x
-ERR count should be greater than or equal to -1
> slowlog get -2
-ERR count should be greater than or equal to -1
> slowlog get 1 2
-ERR unknown subcommand or wrong number of arguments for 'get'. Try SLOWLOG HELP.
> config set slowlog-log-slower-than -1
+OK
> slowlog reset
+OK
> slowlog len
:0
> slowlog get
[]
> config set slowlog-log-slower-than 0
+OK
> client setname me
+OK
> get a
nil
> config set slowlog-log-slower-than -1
+OK
)");
  std::string const entries = run("slowlog get -1");
  EXPECT_NE(entries.find("[\"get\" \"a\"] \"\" \"me\"]"), std::string::npos) << entries;
  // The last one comes first.
  std::string const last = run("slowlog get 1");
  EXPECT_NE(last.find("[\"get\" \"a\"]"), std::string::npos) << last;
  EXPECT_EQ(last.find("setname"), std::string::npos) << last;
  EXPECT_LT(entries.find("[\"get\" \"a\"]"), entries.find("[\"client\" \"setname\" \"me\"]"));
}

TEST_F(ServerCommandTest, WaitForReplicasThatDoNotExist) {
  expect_dialogue(R"(
> wait x 1
-ERR value is not an integer or out of range
> wait 0 x
-ERR timeout is not an integer or out of range
> wait 0 -1
-ERR timeout is negative
> wait 0 0
:0
> wait -1 0
:0
> waitaof 2 0 0
-ERR value is out of range, must be between 0 and 1
> waitaof 0 -1 0
-ERR value is out of range, must be positive
> waitaof 0 0 0
[:1 :0]
> multi
+OK
> wait 1 0
+QUEUED
> exec
[:0]
)");
  std::vector<std::string_view> const words = {"wait", "1", "100"};
  OutputBuffer out;
  Reply reply(out);
  ASSERT_EQ(gate_execute(Args(words), reply), Gate::Outcome::kRunning);
  EXPECT_EQ(session_->running->slice(reply, 100), Task::Progress::kWait);
  move_clock(99);
  EXPECT_EQ(session_->running->slice(reply, 100), Task::Progress::kWait);
  move_clock(1);
  EXPECT_EQ(session_->running->slice(reply, 100), Task::Progress::kDone);
  EXPECT_EQ(out.to_string(), ":0\r\n");
}

TEST_F(ServerCommandTest, ShutdownArguments) {
  expect_dialogue(R"(
> shutdown foo
-ERR syntax error
> shutdown save nosave
-ERR syntax error
> shutdown abort now
-ERR syntax error
> shutdown abort
-ERR No shutdown in progress.
)");
}

TEST_F(ServerCommandTest, ShutdownWithoutSaveHoldsWritesAndEndsTheConnection) {
  EXPECT_EQ(send({"shutdown", "nosave"}), "");
  EXPECT_TRUE(session_->closing());
  EXPECT_EQ(services().pause.mode(clock_.ms()), Pause::Mode::kWrite);
  EXPECT_FALSE(services().state.shutdown.abort());
}

TEST_F(ServerCommandTest, ShutdownThatSavesCanBeAborted) {
  std::vector<std::string_view> const words = {"shutdown", "save"};
  OutputBuffer out;
  Reply reply(out);
  ASSERT_EQ(gate_execute(Args(words), reply), Gate::Outcome::kRunning);
  EXPECT_EQ(session_->running->slice(reply, 100), Task::Progress::kWait);
  EXPECT_EQ(services().pause.mode(clock_.ms()), Pause::Mode::kWrite);
  EXPECT_TRUE(services().state.shutdown.abort());
  EXPECT_EQ(session_->running->slice(reply, 100), Task::Progress::kDone);
  EXPECT_EQ(out.to_string(), "-ERR Errors trying to SHUTDOWN. Check logs.\r\n");
  EXPECT_EQ(services().pause.mode(clock_.ms()), Pause::Mode::kNone);
  EXPECT_FALSE(session_->closing());
}

TEST_F(ServerCommandTest, AClientThatGoesAwayTakesItsShutdownBack) {
  std::vector<std::string_view> const words = {"shutdown", "save"};
  OutputBuffer out;
  Reply reply(out);
  ASSERT_EQ(gate_execute(Args(words), reply), Gate::Outcome::kRunning);
  EXPECT_EQ(session_->running->slice(reply, 100), Task::Progress::kWait);
  session_->running.reset();
  EXPECT_EQ(services().pause.mode(clock_.ms()), Pause::Mode::kNone);
  expect("shutdown abort", "-ERR No shutdown in progress.");
}

TEST_F(ServerCommandTest, Memory) {
  slice_us_ = 0;
  expect("memory malloc-stats", "\"Stats not supported for the current allocator\"");
  expect("memory purge", "+OK");
  run("set a 1");
  std::string const stats = run("memory stats");
  EXPECT_TRUE(stats.starts_with("[\"peak.allocated\" :")) << stats;
  EXPECT_NE(stats.find("\"db.0\" [\"overhead.hashtable.main\" :"), std::string::npos);
  EXPECT_NE(stats.find("\"keys.count\" :1 "), std::string::npos);
  session_->set_protocol(3);
  EXPECT_TRUE(send({"memory", "stats"}).starts_with("%28\r\n"));
}

TEST(MemoryDoctor, NamesWhatIsWrong) {
  MemoryReport report;
  report.figures.keys = 1024;
  report.used = report.peak = report.resident = 1024;
  EXPECT_NE(diagnose_memory(report, 1).find("too little"), std::string::npos);
  report.figures.keys = report.used = report.peak = report.resident = 100 << 20;
  EXPECT_EQ(diagnose_memory(report, 1), "No problem found.\n");
  report.peak = 200 << 20;
  EXPECT_NE(diagnose_memory(report, 1).find("Peak"), std::string::npos);
  report.resident = 150 << 20;  // the program, its stacks: nothing that anybody could mend
  EXPECT_EQ(diagnose_memory(report, 1).find("Fragmentation"), std::string::npos);
  report.holes.heap_holes = 50 << 20;
  EXPECT_NE(diagnose_memory(report, 1).find("Fragmentation"), std::string::npos);
  EXPECT_EQ(diagnose_memory(report, 1).find("MEMORY PURGE"), std::string::npos);
  report.holes = {.kept = 50 << 20};
  EXPECT_EQ(diagnose_memory(report, 1).find("Fragmentation"), std::string::npos);
  EXPECT_NE(diagnose_memory(report, 1).find("MEMORY PURGE"), std::string::npos);
  report.figures.clients = 10 << 20;
  EXPECT_EQ(diagnose_memory(report, 100).find("Clients"), std::string::npos);
  EXPECT_NE(diagnose_memory(report, 10).find("Clients"), std::string::npos);
}

TEST_F(ServerCommandTest, TimeAndLolwut) {
  expect("time", "[\"1700000000\" \"0\"]");
  EXPECT_TRUE(text("lolwut").ends_with("Redis ver. 7.2.4\n"));
  expect("lolwut version x", "-ERR value is not an integer or out of range");
}

TEST(Lolwut, PictureHasItsSize) {
  for (uint64_t seed = 0; seed < 50; seed++) {
    Random random(seed);
    std::string const picture = draw_fortress(random);
    EXPECT_EQ(picture.size(), 16u * 65u) << seed;
    EXPECT_TRUE(picture.ends_with(std::string(64, '=') + "\n"));
  }
}

}  // namespace
}  // namespace holdfast
