#include "admin/admin_fixture.h"
#include "admin/latency_report.h"
#include "command/statistics.h"

namespace holdfast {
namespace {

class LatencyTest : public AdminTest {
 protected:
  static constexpr uint64_t kMillisecond = 1'000'000;  // ns

  void late(std::string_view event, uint64_t ms) { latency_.note(event, ms * kMillisecond); }
  CommandStatistics& called(std::string_view name) {
    return session_->worker().statistics.commands[services().commands.find_full_original(name)->id];
  }
};

TEST_F(LatencyTest, nothing_is_known_at_first) {
  expect("LATENCY LATEST", "[]");
  expect("LATENCY HISTORY command", "[]");
  expect("LATENCY RESET", ":0");
  expect("LATENCY RESET command", ":0");
  expect("LATENCY GRAPH command", "-ERR No samples available for event 'command'");
  EXPECT_NE(text("LATENCY DOCTOR").find("latency-monitor-threshold"), std::string::npos);
  expect("LATENCY", "-ERR wrong number of arguments for 'latency' command");
  expect("LATENCY FOO", "-ERR unknown subcommand 'FOO'. Try LATENCY HELP.");
}

TEST_F(LatencyTest, samples_of_events) {
  latency_.set_threshold_ms(5);
  late("command", 9);
  move_clock(2'000);
  late("command", 7);
  late("fast-command", 6);
  late("fast-command", 4);
  expect("LATENCY LATEST", "[[\"command\" :1700000002 :7 :9] [\"fast-command\" :1700000002 :6 :6]]");
  expect("LATENCY HISTORY command", "[[:1700000000 :9] [:1700000002 :7]]");
  expect("LATENCY RESET missing command", ":1");
  expect("LATENCY LATEST", "[[\"fast-command\" :1700000002 :6 :6]]");
  expect("LATENCY RESET", ":1");
}

TEST_F(LatencyTest, slow_commands_are_noted_under_the_class_of_their_row) {
  latency_.set_threshold_ms(1);
  started_us_ago_ = 50'000;
  run("GET k");
  EXPECT_GE(latency_.event("fast-command").longest_ms, 40);
  EXPECT_TRUE(latency_.event("command").samples.empty());
  run("DEL k");
  EXPECT_GE(latency_.event("command").longest_ms, 40);
}

TEST_F(LatencyTest, graph_is_drawn_as_by_redis) {
  // Measured with redis-server 7.0.15.
  LatencyMonitor::Event event{.name = "command", .samples = {}, .longest_ms = 100};
  int64_t const ages[] = {12, 10, 9, 8, 7, 6, 5, 3, 2, 1};
  int64_t const times[] = {10, 20, 30, 40, 5, 80, 100, 58, 64, 99};
  for (int i = 0; i < 10; i++) event.samples.push_back({1000 - ages[i], times[i]});
  EXPECT_EQ(latency_graph(event, 1000),
            "command - high 100 ms, low 5 ms (all time high 100 ms)\n" + std::string(80, '-') + "\n" +
                "     _#  #\n"
                "     ||_o|\n"
                "  _o |||||\n"
                "_o||_|||||\n"
                "          \n"
                "1198765321\n"
                "20ssssssss\n"
                "ss        \n");
  LatencyMonitor::Event one{.name = "x", .samples = {{1000, 50}}, .longest_ms = 50};
  EXPECT_TRUE(latency_graph(one, 1000).ends_with("-\n \n \n \n_\n \n0\ns\n"));
}

TEST_F(LatencyTest, doctor_names_what_was_late_and_what_helps) {
  latency_.set_threshold_ms(1);
  EXPECT_TRUE(config_.load_text("latency-monitor-threshold 1\n"));
  late("command", 10);
  move_clock(4'000);
  late("command", 20);
  late("aof-write", 300);
  std::string const report = text("LATENCY DOCTOR");
  EXPECT_NE(report.find("1. aof-write: 1 latency spikes (average 300ms, mean deviation 0ms, period 1.00 sec). Worst all time "
                        "event 300ms.\n"),
            std::string::npos)
      << report;
  EXPECT_NE(report.find("2. command: 2 latency spikes (average 15ms, mean deviation 5ms, period 2.00 sec). Worst all time "
                        "event 20ms.\n"),
            std::string::npos)
      << report;
  EXPECT_NE(report.find("Lower slowlog-log-slower-than"), std::string::npos) << report;
  EXPECT_EQ(report.find("appendfsync is always"), std::string::npos) << report;
}

TEST_F(LatencyTest, histograms_of_commands) {
  run("CONFIG RESETSTAT");
  called("get").latency.record(5'000);
  called("get").latency.record(70'000);
  called("config|get").latency.record(1'500'000'000);
  expect("LATENCY HISTOGRAM get missing set", R"(["get" ["calls" :2 "histogram_usec" [:8 :1 :132 :2]]])");
  expect("LATENCY HISTOGRAM config|get", R"(["config|get" ["calls" :1 "histogram_usec" [:1073741 :1]]])");
  std::string const container = run("LATENCY HISTOGRAM CONFIG");
  EXPECT_NE(container.find("\"config|get\""), std::string::npos);
  EXPECT_NE(container.find("\"config|resetstat\""), std::string::npos);
  EXPECT_NE(run("LATENCY HISTOGRAM").find("\"latency|histogram\""), std::string::npos);
  session_->set_protocol(3);
  expect("LATENCY HISTOGRAM get", R"({"get" {"calls" :2 "histogram_usec" {:8 :1 :132 :2}}})");
}

TEST_F(LatencyTest, percentiles_in_info) {
  called("get").latency.record(5'000);
  EXPECT_EQ(info_field("latencystats", "latency_percentiles_usec_get"), "p50=5.023,p99=5.023,p99.9=5.023");
  EXPECT_TRUE(config_.load_text("latency-tracking-info-percentiles 99.999 0\n"));
  EXPECT_EQ(info_field("latencystats", "latency_percentiles_usec_get"), "p99.999=5.023,p0=4.992");
  EXPECT_NE(info_field("latencystats", "latency_percentiles_usec_info"), "missing");
  run("CONFIG RESETSTAT");
  EXPECT_EQ(info_field("latencystats", "latency_percentiles_usec_get"), "missing");
}

TEST_F(LatencyTest, tracking_can_be_switched_off) {
  EXPECT_TRUE(config_.load_text("latency-tracking no\n"));
  run("GET k");
  expect("LATENCY HISTOGRAM get", "[]");
  EXPECT_TRUE(config_.load_text("latency-tracking yes\n"));
  run("GET k");
  EXPECT_NE(run("LATENCY HISTOGRAM get"), "[]");
}

TEST_F(LatencyTest, a_transaction_takes_as_long_as_its_commands) {
  run("MULTI");
  run("SET k v");
  started_us_ago_ = 50'000;
  run("EXEC");
  EXPECT_GE(called("exec").nanoseconds.get(), 40'000'000u);
  EXPECT_EQ(called("exec").calls.get(), 1u);
  EXPECT_EQ(called("exec").failed.get(), 0u);
  run("MULTI");
  run("SET k");
  run("EXEC");
  EXPECT_EQ(called("exec").failed.get(), 1u);
}

}  // namespace
}  // namespace holdfast
