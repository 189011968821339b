#include <string>
#include <string_view>
#include <vector>

#include "base/random.h"
#include "commands/command_fixture.h"

namespace holdfast {
namespace {

class StreamsTest : public CommandTest {};

TEST_F(StreamsTest, xadd_gives_ids) {
  expect_dialogue(R"(
> XADD s * a 1
"1700000000000-0"
> XADD s * a 2
"1700000000000-1"
> XADD s 1700000000005-* a 3
"1700000000005-0"
> XADD s * a 4
"1700000000005-1"
> XADD s 1700000000005-1 a 5
-ERR The ID specified in XADD is equal or smaller than the target stream top item
> XADD s 0-0 a 5
-ERR The ID specified in XADD must be greater than 0-0
> XADD s NOMKSTREAM MAXLEN 2 1700000000006 a 6
"1700000000006-0"
> XADD missing NOMKSTREAM * a 1
nil
> XRANGE s - +
[["1700000000005-1" ["a" "4"]] ["1700000000006-0" ["a" "6"]]]
> XREVRANGE s + (1700000000005-1 COUNT 5
[["1700000000006-0" ["a" "6"]]]
)");
}

TEST_F(StreamsTest, the_clock_going_back_gives_no_lesser_id) {
  expect("XADD s * a 1", "\"1700000000000-0\"");
  move_clock(-1000);
  expect("XADD s * a 1", "\"1700000000000-1\"");
}

TEST_F(StreamsTest, a_group_delivers_once) {
  expect_dialogue(R"(
> XADD s 1-1 a 1
"1-1"
> XADD s 1-2 a 2
"1-2"
> XGROUP CREATE s g 0
+OK
> XREADGROUP GROUP g alice COUNT 1 STREAMS s >
[["s" [["1-1" ["a" "1"]]]]]
> XREADGROUP GROUP g bob STREAMS s >
[["s" [["1-2" ["a" "2"]]]]]
> XREADGROUP GROUP g bob STREAMS s >
nil
> XPENDING s g
[:2 "1-1" "1-2" [["alice" "1"] ["bob" "1"]]]
> XACK s g 1-1 1-1 7-7
:1
> XREADGROUP GROUP g alice STREAMS s 0
[["s" []]]
> XPENDING s g - + 10
[["1-2" "bob" :0 :1]]
)");
  move_clock(250);
  expect("XPENDING s g IDLE 250 - + 10", "[[\"1-2\" \"bob\" :250 :1]]");
  expect("XPENDING s g IDLE 251 - + 10", "[]");
  expect("XCLAIM s g alice 251 1-2", "[]");
  expect("XCLAIM s g alice 250 1-2 JUSTID", "[\"1-2\"]");
  expect("XPENDING s g - + 10", "[[\"1-2\" \"alice\" :0 :1]]");
}

TEST_F(StreamsTest, consumers_tell_since_when_they_are_inactive) {
  run("XADD s 1-1 a 1");
  run("XGROUP CREATE s g 0");
  run("XGROUP CREATECONSUMER s g c");
  expect("XINFO CONSUMERS s g", R"([["name" "c" "pending" :0 "idle" :0 "inactive" :-1]])");
  run("XREADGROUP GROUP g c STREAMS s >");
  move_clock(40);
  run("XREADGROUP GROUP g c STREAMS s >");
  move_clock(2);
  expect("XINFO CONSUMERS s g", R"([["name" "c" "pending" :1 "idle" :2 "inactive" :42]])");
}

TEST_F(StreamsTest, xautoclaim_walks_on) {
  for (char const* id : {"1-1", "1-2", "1-3", "1-4"}) run("XADD s " + std::string(id) + " a 1");
  run("XGROUP CREATE s g 0");
  run("XREADGROUP GROUP g alice STREAMS s >");
  run("XDEL s 1-2");
  move_clock(10);
  expect("XAUTOCLAIM s g bob 10 0 COUNT 2 JUSTID", "[\"1-3\" [\"1-1\"] [\"1-2\"]]");
  expect("XAUTOCLAIM s g bob 10 1-3 COUNT 2", "[\"0-0\" [[\"1-3\" [\"a\" \"1\"]] [\"1-4\" [\"a\" \"1\"]]] []]");
  expect("XPENDING s g", "[:3 \"1-1\" \"1-4\" [[\"bob\" \"3\"]]]");
}

TEST_F(StreamsTest, long_replies_come_in_pieces) {
  for (int i = 1; i <= 2500; i++) run("XADD s " + std::to_string(i) + " n " + std::to_string(i));
  run("XGROUP CREATE s g 0");
  std::string entries;
  for (int i = 1; i <= 2500; i++) {
    entries += (i > 1 ? " " : "") + ("[\"" + std::to_string(i) + "-0\" [\"n\" \"" + std::to_string(i) + "\"]]");
  }
  expect("XRANGE s - +", "[" + entries + "]");
  expect("XREAD STREAMS s 0", "[[\"s\" [" + entries + "]]]");
  expect("XREADGROUP GROUP g c STREAMS s >", "[[\"s\" [" + entries + "]]]");
  expect("XREADGROUP GROUP g c STREAMS s 0", "[[\"s\" [" + entries + "]]]");
  expect("XAUTOCLAIM s g d 0 0 COUNT 5000", "[\"0-0\" [" + entries + "] []]");
  std::string const backwards = run("XREVRANGE s + -");
  EXPECT_TRUE(backwards.starts_with(R"([["2500-0" ["n" "2500"]] ["2499-0")")) << backwards.substr(0, 80);
  EXPECT_TRUE(backwards.ends_with(R"(["1-0" ["n" "1"]]])"));
  EXPECT_EQ(backwards.size(), entries.size() + 2);
}

// ---- what is logged ----

TEST_F(StreamsTest, ids_are_logged_as_they_were_given) {
  expect_logged("XADD s * a 1", "SELECT 0 | XADD s 1700000000000-0 a 1");
  expect_logged("XADD s 1700000000000-* a 2", "XADD s 1700000000000-1 a 2");
  expect_logged("XADD s 1700000000001-5 a 3", "XADD s 1700000000001-5 a 3");
  expect_logged("XADD s NOMKSTREAM * a 4", "XADD s NOMKSTREAM 1700000000001-6 a 4");
  expect_logged("XADD s MAXLEN 2 * a 5", "XADD s MAXLEN 2 1700000000001-7 a 5");
  expect_logged("XADD s MAXLEN ~ 2 * a 6", "XADD s MAXLEN = 3 1700000000001-8 a 6");
  expect_logged("XADD missing NOMKSTREAM * a 1", "");
  expect_logged("XADD s 1-1 a 1", "");
}

TEST_F(StreamsTest, trims_are_logged_as_what_they_came_to) {
  keyspace_.limits.stream_node_max_entries = 3;
  for (int i = 1; i <= 10; i++) run("XADD s " + std::to_string(i) + " a 1");
  expect_logged("XTRIM s MAXLEN ~ 8", "");
  expect_logged("XTRIM s MAXLEN ~ 7 LIMIT 100", "XTRIM s MAXLEN = 7");
  expect_logged("XTRIM s MINID ~ 8", "XTRIM s MINID = 7-0");
  expect_logged("XADD s MINID ~ 10 11-0 a 1", "XADD s MINID = 10-0 11-0 a 1");
  expect_logged("XTRIM s MAXLEN 1", "XTRIM s MAXLEN 1");
  expect_logged("XTRIM s MAXLEN 1", "");
  expect_logged("XTRIM s MINID 99", "XTRIM s MINID 99");
  expect("XLEN s", ":0");
}

TEST_F(StreamsTest, an_approximate_trim_that_leaves_nothing_leaves_nothing_when_replayed) {
  run("XADD s 1-1 a 1");
  expect_logged("XTRIM s MINID ~ 7-7 LIMIT 100", "XTRIM s MINID = 7-7");
  expect_logged("XADD s MINID ~ 7-7 2-1 a 1", "XADD s MINID = 7-7 2-1 a 1");
  expect("XLEN s", ":0");
  run("XADD s 3-1 a 1");
  expect_logged("XTRIM s MAXLEN ~ 0", "XTRIM s MAXLEN = 0");
}

TEST_F(StreamsTest, deliveries_are_logged_as_claims) {
  run("XADD s 1-1 a 1");
  run("XADD s 1-2 a 2");
  run("XADD s 1-3 a 3");
  expect_logged("XGROUP CREATE s g 0", "XGROUP CREATE s g 0");
  expect_logged("XREADGROUP GROUP g c COUNT 2 STREAMS s >",
                "MULTI | XCLAIM s g c 0 1-1 TIME 1700000000000 RETRYCOUNT 1 FORCE JUSTID LASTID 1-1 "
                "| XCLAIM s g c 0 1-2 TIME 1700000000000 RETRYCOUNT 1 FORCE JUSTID LASTID 1-2 "
                "| XGROUP SETID s g 1-2 ENTRIESREAD 2 | EXEC");
  expect_logged("XREADGROUP GROUP g c STREAMS s 0", "");
  expect_logged("XREADGROUP GROUP g d NOACK STREAMS s >",
                "MULTI | XGROUP CREATECONSUMER s g d | XGROUP SETID s g 1-3 ENTRIESREAD 3 | EXEC");
  expect_logged("XREADGROUP GROUP g d NOACK STREAMS s >", "");
  expect_logged("XREADGROUP GROUP g e STREAMS s >", "");
  expect_logged("XREADGROUP GROUP g e STREAMS s 0", "XGROUP CREATECONSUMER s g e");
  expect_logged("XACK s g 1-1 9-9", "XACK s g 1-1 9-9");
  expect_logged("XACK s g 1-1 9-9", "");
}

TEST_F(StreamsTest, claims_are_logged_as_they_are_now) {
  for (char const* id : {"1-1", "1-2", "1-3"}) run("XADD s " + std::string(id) + " a 1");
  run("XGROUP CREATE s g 0");
  run("XREADGROUP GROUP g c STREAMS s >");
  move_clock(100);
  expect_logged("XCLAIM s g d 0 1-1 1-2 IDLE 30",
                "MULTI | XCLAIM s g d 0 1-1 TIME 1700000000070 RETRYCOUNT 2 FORCE JUSTID LASTID 1-3 "
                "| XCLAIM s g d 0 1-2 TIME 1700000000070 RETRYCOUNT 2 FORCE JUSTID LASTID 1-3 | EXEC");
  expect_logged("XCLAIM s g d 1000 1-3", "");
  expect_logged("XCLAIM s g d 1000 1-3 LASTID 5", "XGROUP SETID s g 5-0 ENTRIESREAD 3");
  run("XDEL s 1-2");
  expect_logged("XCLAIM s g e 0 1-2", "XACK s g 1-2");
  expect_logged("XAUTOCLAIM s g e 0 1-2 JUSTID",
                "XCLAIM s g e 0 1-3 TIME 1700000000100 RETRYCOUNT 1 FORCE JUSTID LASTID 5-0");
  run("XDEL s 1-3");
  expect_logged("XAUTOCLAIM s g e 0 1-2", "XACK s g 1-3");
}

TEST_F(StreamsTest, the_rest_is_logged_as_sent_if_it_did_something) {
  run("XADD s 1-1 a 1");
  expect_logged("XGROUP CREATE s g $ ENTRIESREAD 1", "XGROUP CREATE s g $ ENTRIESREAD 1");
  expect_logged("XGROUP CREATE t g $ MKSTREAM", "XGROUP CREATE t g $ MKSTREAM");
  expect_logged("XGROUP CREATE s g $", "");
  expect_logged("XGROUP CREATECONSUMER s g c", "XGROUP CREATECONSUMER s g c");
  expect_logged("XGROUP CREATECONSUMER s g c", "");
  expect_logged("XGROUP SETID s g 0", "XGROUP SETID s g 0");
  expect_logged("XGROUP DELCONSUMER s g nobody", "");
  expect_logged("XGROUP DELCONSUMER s g c", "XGROUP DELCONSUMER s g c");
  expect_logged("XGROUP DESTROY s nothing", "");
  expect_logged("XGROUP DESTROY s g", "XGROUP DESTROY s g");
  expect_logged("XSETID s 9-9 ENTRIESADDED 5 MAXDELETEDID 3", "XSETID s 9-9 ENTRIESADDED 5 MAXDELETEDID 3");
  expect_logged("XDEL s 7-7", "");
  expect_logged("XDEL s 7-7 1-1", "XDEL s 7-7 1-1");
}

/// Random commands about streams that change something.
class Speaker {
 public:
  explicit Speaker(uint64_t seed) : random_(seed) {}

  std::string next() {
    std::string const key = pick({"s", "t", "u"});
    std::string const group = pick({"g", "h"});
    std::string const who = key + " " + group;
    switch (random_.below(16)) {
      case 0: return "XDEL " + key + " " + id() + " " + id() + " " + id();
      case 1: return "XTRIM " + key + " " + trim();
      case 2: return "XGROUP CREATE " + who + " " + pick({"0", "$", id()}) + pick({"", " MKSTREAM", " ENTRIESREAD 3"});
      case 3: return "XGROUP SETID " + who + " " + pick({"0", "$", id()}) + pick({"", " ENTRIESREAD 7"});
      case 4: return "XACK " + who + " " + id() + " " + id() + " " + id();
      case 5: return "XCLAIM " + who + " " + consumer() + " 0 " + id() + " " + id() + claim_options();
      case 6: return "XAUTOCLAIM " + who + " " + consumer() + " 0 " + id() + " COUNT 3" + pick({"", " JUSTID"});
      case 7: return rare(who, key);
      case 8:
      case 9:
      case 10: {
        std::string const options = " COUNT " + std::to_string(1 + random_.below(5)) + pick({"", "", " NOACK"});
        return "XREADGROUP GROUP " + group + " " + consumer() + options + " STREAMS " + key + " >";
      }
      default: return "XADD " + key + pick({"", "", " " + trim()}) + " " + pick({"*", new_id()}) + " f v" + id() + " g 1";
    }
  }

 private:
  std::string pick(std::vector<std::string> const& options) { return options[random_.below(options.size())]; }
  std::string consumer() { return pick({"alice", "bob", "carol"}); }
  std::string new_id() { return id_of(++last_); }
  std::string id() { return id_of(last_ - random_.below(std::min<uint64_t>(last_, 200) + 1)); }
  static std::string id_of(uint64_t number) {
    return std::to_string(1'700'000'000'010 + number / 20) + "-" + std::to_string(number % 20);
  }
  std::string trim() {
    return pick({"MAXLEN ", "MAXLEN ~ ", "MAXLEN = "}) + std::to_string(random_.below(80));
  }
  std::string claim_options() {
    return pick({"", " FORCE", " FORCE"}) + pick({"", " JUSTID"}) + pick({"", " TIME 1000", " IDLE 50"}) +
           pick({"", " RETRYCOUNT 9"}) + pick({"", " LASTID " + id()});
  }
  std::string rare(std::string const& who, std::string const& key) {
    return pick({"XGROUP DESTROY " + who, "XGROUP DELCONSUMER " + who + " " + consumer(),
                 "XGROUP CREATECONSUMER " + who + " " + consumer(), "XSETID " + key + " " + new_id(),
                 "XTRIM " + key + " MINID ~ " + id() + " LIMIT 1000"});
  }

  Random random_;
  uint64_t last_ = 1;
};

/// When a consumer last got something is not logged.
std::string without_active_times(std::string reply) {
  static constexpr std::string_view kName = "\"active-time\" ";
  for (size_t at = 0; (at = reply.find(kName, at)) != std::string::npos;) {
    reply.erase(at, reply.find(' ', at + kName.size()) + 1 - at);
  }
  return reply;
}

TEST_F(StreamsTest, the_log_replayed_gives_the_same_streams) {
  keyspace_.limits.stream_node_max_entries = 7;
  Speaker speaker(3);
  for (int i = 0; i < 6000; i++) run(speaker.next());
  run("SET end 1");
  logged("PING");  // everything is written now
  std::string const log = disk_.contents("/data/appendonlydir/appendonly.aof.1.incr.aof");

  std::vector<std::string> before;
  std::vector<std::string> const questions = {"XINFO STREAM s FULL COUNT 0", "XINFO STREAM t FULL COUNT 0",
                                              "XINFO STREAM u FULL COUNT 0"};
  for (std::string const& question : questions) before.push_back(without_active_times(run(question)));
  run("FLUSHALL");
  size_t commands = 0;
  for (ReplyText effects(log); !effects.at_end(); commands++) {
    std::string const effect = effects.one();
    std::string const reply = run(effect.substr(1, effect.size() - 2));
    ASSERT_FALSE(reply.starts_with("-")) << effect << " " << reply;
  }
  EXPECT_GT(commands, 3000u);
  expect("GET end", "\"1\"");
  for (size_t i = 0; i < questions.size(); i++) EXPECT_EQ(without_active_times(run(questions[i])), before[i]);
}

}  // namespace
}  // namespace holdfast
