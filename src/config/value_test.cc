#include "config/value.h"

#include <gtest/gtest.h>

#include "config/choices.h"
#include "config/config.h"
#include "config/test_directory.h"

namespace holdfast::config {
namespace {

// One CONFIG SET without its rules on who may set what: the text of the new value or "! " and the message.
struct Case {
  char const* name;
  char const* text;
  char const* result;
};

std::string set_one(Case const& one) {
  auto const directive = find_directive(one.name);
  if (!directive) return "no such directive";
  Row const& row = row_of(*directive);
  std::string const before = default_value(row).text;
  auto const value = parse_value(row, {one.text}, {.before = before, .directory = "/"});
  return value ? value_text(row, *value) : "! " + value.error().message;
}

void expect_all(std::initializer_list<Case> cases) {
  for (Case const& one : cases) EXPECT_EQ(set_one(one), one.result) << one.name << " '" << one.text << "'";
}

TEST(Value, YesNo) {
  expect_all({{"activerehashing", "YES", "yes"},
              {"activerehashing", "no", "no"},
              {"activerehashing", "", "! argument must be 'yes' or 'no'"},
              {"activerehashing", "on", "! argument must be 'yes' or 'no'"},
              {"activerehashing", "1", "! argument must be 'yes' or 'no'"}});
}

TEST(Value, Choice) {
  expect_all({{"loglevel", "DEBUG", "debug"},
              {"loglevel", "x", "! argument(s) must be one of the following: debug, verbose, notice, warning"},
              {"loglevel", "", "! argument(s) must be one of the following: debug, verbose, notice, warning"},
              {"oom-score-adj", "relative", "yes"},
              {"oom-score-adj", "absolute", "absolute"},
              {"supervised", "auto", "auto"},
              {"maxmemory-policy", "x",
               "! argument(s) must be one of the following: volatile-lru, volatile-lfu, volatile-random, volatile-ttl, "
               "allkeys-lru, allkeys-lfu, allkeys-random, noeviction"}});
}

TEST(Value, ShutdownFlags) {
  constexpr char const* kUnknown = "! argument(s) must be one of the following: default, save, nosave, now, force";
  expect_all(
      {{"shutdown-on-sigterm", "default", "default"},
       {"shutdown-on-sigterm", "now save force", "save now force"},
       {"shutdown-on-sigterm", "default now", "now"},
       {"shutdown-on-sigterm", "x", kUnknown},
       {"shutdown-on-sigterm", "", kUnknown},
       {"shutdown-on-sigterm", "nosave save", "! shutdown options SAVE and NOSAVE can't be used simultaneously"}});
}

TEST(Value, Integer) {
  constexpr char const* kNoInteger = "! argument couldn't be parsed into an integer";
  expect_all(
      {{"timeout", "5", "5"},
       {"timeout", "2147483647", "2147483647"},
       {"timeout", "", kNoInteger},
       {"timeout", "x", kNoInteger},
       {"timeout", "1.5", kNoInteger},
       {"timeout", " 5", kNoInteger},
       {"timeout", "+5", kNoInteger},
       {"timeout", "007", kNoInteger},
       {"timeout", "1kb", kNoInteger},
       {"timeout", "99999999999999999999", kNoInteger},
       {"timeout", "-1", "! argument must be between 0 and 2147483647 inclusive"},
       {"timeout", "2147483648", "! argument must be between 0 and 2147483647 inclusive"},
       {"maxclients", "4294967295", "4294967295"},
       {"maxclients", "0", "! argument must be between 1 and 4294967295 inclusive"},
       {"slowlog-log-slower-than", "-1", "-1"},
       {"slowlog-log-slower-than", "-2", "! argument must be between -1 and 9223372036854775807 inclusive"},
       {"list-max-listpack-size", "-2147483648", "-2147483648"},
       {"list-max-listpack-size", "-2147483649", "! argument must be between -2147483648 and 2147483647 inclusive"},
       {"hz", "0", "1"},
       {"hz", "1000", "500"},
       {"hz", "-1", "! argument must be between 0 and 2147483647 inclusive"},
       {"threads", "512", "512"},
       {"io-threads", "513", "! argument must be between 0 and 512 inclusive"},
       {"partitions", "1024", "1024"},
       {"partitions", "8", "! argument must be between 16 and 16384 inclusive"},
       {"partitions", "100", "! argument must be a power of two"}});
}

TEST(Value, Memory) {
  constexpr char const* kNoMemory = "! argument must be a memory value";
  expect_all({{"maxmemory", "", "0"},
              {"maxmemory", "5KB", "5120"},
              {"maxmemory", "5k", "5000"},
              {"maxmemory", "5gB", "5368709120"},
              {"maxmemory", "1b", "1"},
              {"maxmemory", "18446744073709551615", "18446744073709551615"},
              {"maxmemory", "x", kNoMemory},
              {"maxmemory", "-1", kNoMemory},
              {"maxmemory", "1.5", kNoMemory},
              {"maxmemory", " 5", kNoMemory},
              {"maxmemory", "5 kb", kNoMemory},
              {"maxmemory", "5t", kNoMemory},
              {"maxmemory", "20000000000gb", kNoMemory},
              {"proto-max-bulk-len", "1mb", "1048576"},
              {"proto-max-bulk-len", "0", "! argument must be between 1048576 and 9223372036854775807 inclusive"},
              {"proto-max-bulk-len", "9223372036854775808",
               "! argument must be between 1048576 and 9223372036854775807 inclusive"}});
}

TEST(Value, MemoryOrPercent) {
  constexpr char const* kNoMemory = "! argument must be a memory or percent value";
  expect_all({{"maxmemory-clients", "50%", "50%"},
              {"maxmemory-clients", "100%", "100%"},
              {"maxmemory-clients", "0%", "0"},
              {"maxmemory-clients", "1mb", "1048576"},
              {"maxmemory-clients", "101%", "! percentage argument must be less or equal to 100"},
              {"maxmemory-clients", "-1%", kNoMemory},
              {"maxmemory-clients", "%", kNoMemory},
              {"maxmemory-clients", "1 %", kNoMemory},
              {"maxmemory-clients", "1%%", kNoMemory},
              {"maxmemory-clients", "x", kNoMemory}});
}

TEST(Value, Octal) {
  expect_all({{"unixsocketperm", "777", "777"},
              {"unixsocketperm", "0700", "700"},
              {"unixsocketperm", "", "0"},
              {"unixsocketperm", "8", "! argument couldn't be parsed as an octal number"},
              {"unixsocketperm", "7x", "! argument couldn't be parsed as an octal number"},
              {"unixsocketperm", "1000", "! argument must be between 0 and 777 inclusive"},
              {"unixsocketperm", "-1", "! argument must be between 0 and 777 inclusive"}});
}

TEST(Value, KeyspaceEvents) {
  expect_all({{"notify-keyspace-events", "", ""},
              {"notify-keyspace-events", "KEA", "AKE"},
              {"notify-keyspace-events", "g$lshzxet", "g$lshzxet"},
              {"notify-keyspace-events", "g$lshzxetdmnKE", "AKEm"},
              {"notify-keyspace-events", "An", "A"},
              {"notify-keyspace-events", "ntKm", "tnKm"},
              {"notify-keyspace-events", "kea", "! Invalid event class character. Use 'Ag$lshzxeKEtmdn'."}});
}

TEST(Value, NewKeyEventsSurviveAFile) {
  Row const& row = row_of(Directive::kNotifyKeyspaceEvents);
  auto const value = parse_value(row, {"KAn"}, {});
  ASSERT_TRUE(value);
  EXPECT_EQ(value_text_in_file(row, *value), "\"AnK\"");
}

TEST(Value, Save) {
  constexpr char const* kInvalid = "! Invalid save parameters";
  expect_all({{"save", "", ""},
              {"save", "1 0", "1 0"},
              {"save", "+1 0010", "1 10"},
              {"save", "3600 1 300 10", "3600 1 300 10"},
              {"save", "99999999999 1", "99999999999 1"},
              {"save", "1 ", "1 0"},
              {"save", "  ", kInvalid},
              {"save", "1  2", kInvalid},
              {"save", " 1 2", kInvalid},
              {"save", "9223372036854775808 1", kInvalid},
              {"save", "x", kInvalid},
              {"save", "1", kInvalid},
              {"save", "1 2 3", kInvalid},
              {"save", "0 1", kInvalid},
              {"save", "-1 1", kInvalid},
              {"save", "1 -1", kInvalid},
              {"save", "1 2147483648", kInvalid},
              {"save", "1.5 1", kInvalid}});
}

TEST(Value, OutputLimits) {
  constexpr char const* kCount = "! Wrong number of arguments in buffer limit configuration.";
  constexpr char const* kNumbers = "! Error in hard, soft or soft_seconds setting in buffer limit configuration.";
  expect_all({{"client-output-buffer-limit", "", "normal 0 0 0 slave 268435456 67108864 60 pubsub 33554432 8388608 60"},
              {"client-output-buffer-limit", "NORMAL 1 2 3",
               "normal 1 2 3 slave 268435456 67108864 60 pubsub 33554432 8388608 60"},
              {"client-output-buffer-limit", "replica 1mb 2mb 3 pubsub 0 0 0",
               "normal 0 0 0 slave 1048576 2097152 3 pubsub 0 0 0"},
              {"client-output-buffer-limit", "normal 0 0 1 normal 5 5 5",
               "normal 5 5 5 slave 268435456 67108864 60 pubsub 33554432 8388608 60"},
              {"client-output-buffer-limit", "normal 1  3",
               "normal 1 0 3 slave 268435456 67108864 60 pubsub 33554432 8388608 60"},
              {"client-output-buffer-limit", "normal 1 2", kCount},
              {"client-output-buffer-limit", "normal  1 2 3", kCount},
              {"client-output-buffer-limit", " ", kCount},
              {"client-output-buffer-limit", "master 0 0 0",
               "! Invalid client class specified in buffer limit configuration."},
              {"client-output-buffer-limit", "normal -1 0 0", kNumbers},
              {"client-output-buffer-limit", "normal 0 0 -1", kNumbers},
              {"client-output-buffer-limit", "normal 0 0 1x", kNumbers},
              {"client-output-buffer-limit", "normal 0 0 2147483648", kNumbers}});
}

TEST(Value, OomValues) {
  constexpr char const* kRange = "! Invalid oom-score-adj-values, elements must be between -2000 and 2000.";
  expect_all({{"oom-score-adj-values", "-2000 0 2000", "-2000 0 2000"},
              {"oom-score-adj-values", "+1 02 ", "1 2 0"},
              {"oom-score-adj-values", "0  1 2", "! wrong number of arguments"},
              {"oom-score-adj-values", "1x 0 0", kRange},
              {"oom-score-adj-values", "", "! wrong number of arguments"},
              {"oom-score-adj-values", "0 0", "! wrong number of arguments"},
              {"oom-score-adj-values", "0 200 800 1", "! wrong number of arguments"},
              {"oom-score-adj-values", "a b c", kRange},
              {"oom-score-adj-values", "-2001 0 0", kRange},
              {"oom-score-adj-values", "0 0 2001", kRange}});
}

TEST(Value, Percentiles) {
  constexpr char const* kInvalid = "! Invalid latency-tracking-info-percentiles parameters";
  constexpr char const* kRange = "! latency-tracking-info-percentiles parameters should sit between [0.0,100.0]";
  expect_all({{"latency-tracking-info-percentiles", "", ""},
              {"latency-tracking-info-percentiles", "0 100", "0 100"},
              {"latency-tracking-info-percentiles", "50.50 1e1 33.333333333333", "50.5 10 33.333333"},
              {"latency-tracking-info-percentiles", "0.00000000001", "0"},
              {"latency-tracking-info-percentiles", "0x10", "16"},
              {"latency-tracking-info-percentiles", "x", kInvalid},
              {"latency-tracking-info-percentiles", "50  60", kInvalid},
              {"latency-tracking-info-percentiles", "nan", kInvalid},
              {"latency-tracking-info-percentiles", "101", kRange},
              {"latency-tracking-info-percentiles", "-1", kRange},
              {"latency-tracking-info-percentiles", "inf", kRange}});
}

TEST(Value, BindAndReplicaOf) {
  expect_all({{"bind", "", ""},
              {"bind", "127.0.0.1 -::1", "127.0.0.1 -::1"},
              {"bind", "1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17", "! Too many bind addresses specified."},
              {"bind", " 127.0.0.1", "! Failed to bind to specified addresses."},
              {"replicaof", "LOCALhost 7", "LOCALhost 7"},
              {"replicaof", "NO one", ""},
              {"replicaof", "", "! wrong number of arguments"},
              {"replicaof", "a", "! wrong number of arguments"},
              {"replicaof", "a b", "! Invalid master port"},
              {"replicaof", "a 65536", "! Invalid master port"},
              {"replicaof", "a -1", "! Invalid master port"}});
}

TEST(Value, CheckedStrings) {
  constexpr char const* kTemplate = "! template format is invalid or contains unknown variables";
  std::string const long_name(256, 'a');
  expect_all(
      {{"dbfilename", "a b", "a b"},
       {"dbfilename", "a/b", "! dbfilename can't be a path, just a filename"},
       {"appendfilename", "", "! appendfilename can't be empty"},
       {"appendfilename", "a/b", "! appendfilename can't be a path, just a filename"},
       {"appenddirname", "", "! appenddirname can't be empty"},
       {"appenddirname", "a/b", "! appenddirname can't be a path, just a dirname"},
       {"cluster-announce-hostname", "a.b-c", "a.b-c"},
       {"cluster-announce-hostname", "a_b", "! Hostnames may only contain alphanumeric characters, hyphens or dots"},
       {"cluster-announce-hostname", long_name.c_str(), "! Hostnames must be less than 256 characters"},
       {"cluster-announce-human-nodename", "a b", "! Announced human node name contained invalid character"},
       {"cluster-announce-human-nodename", "a_b", "a_b"},
       {"locale-collate", "C", "C"},
       {"locale-collate", "nosuchlocale", "! Invalid locale name"},
       {"proc-title-template", "x {port} title}", "x {port} title}"},
       {"proc-title-template", "{{title}}", "{{title}}"},
       {"proc-title-template", "", kTemplate},
       {"proc-title-template", "{bad}", kTemplate},
       {"proc-title-template", "{title", kTemplate}});
}

TEST(Value, DirectoryIsMadeAbsoluteAndMustExist) {
  TestDirectory const place;
  std::filesystem::create_directory(place.path() + "/data");
  place.write("file", "");
  Row const& row = row_of(Directive::kDir);
  auto const in = [&](std::string const& text) {
    auto const value = parse_value(row, {text}, {.directory = place.path()});
    return value ? value->text : "! " + value.error().message;
  };
  EXPECT_EQ(in("data"), place.path() + "/data");
  EXPECT_EQ(in("."), place.path());
  EXPECT_EQ(in("data/../data/"), place.path() + "/data");
  EXPECT_EQ(in(place.path() + "/data"), place.path() + "/data");
  EXPECT_EQ(in("nosuch"), "! No such file or directory");
  EXPECT_EQ(in(""), "! No such file or directory");
  EXPECT_EQ(in("file"), "! Not a directory");
}

TEST(Value, WordsOfALineAndOneQuotedTextMeanTheSame) {
  Row const& row = row_of(Directive::kSave);
  auto const words = parse_value(row, {"1", "2", "3", "4"}, {});
  auto const text = parse_value(row, {"1 2 3 4"}, {});
  ASSERT_TRUE(words && text);
  EXPECT_EQ(*words, *text);
  auto const two = parse_value(row_of(Directive::kTimeout), {"1", "2"}, {});
  ASSERT_FALSE(two);
  EXPECT_EQ(two.error().message, "wrong number of arguments");
}

}  // namespace
}  // namespace holdfast::config
