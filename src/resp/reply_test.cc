#include "resp/reply.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <functional>
#include <limits>
#include <string>

namespace holdfast {
namespace {

std::string written(int protocol, std::function<void(Reply&)> const& write) {
  OutputBuffer out;
  Reply reply(out, protocol);
  write(reply);
  return out.to_string();
}

struct Row {
  char const* name;
  std::function<void(Reply&)> write;
  std::string resp2;
  std::string resp3;
};

TEST(Reply, EveryKindInBothProtocols) {
  double const inf = std::numeric_limits<double>::infinity();
  Row const rows[] = {
      {"status", [](Reply& r) { r.status("PONG"); }, "+PONG\r\n", "+PONG\r\n"},
      {"ok", [](Reply& r) { r.ok(); }, "+OK\r\n", "+OK\r\n"},
      {"integer", [](Reply& r) { r.integer(7); }, ":7\r\n", ":7\r\n"},
      {"bulk", [](Reply& r) { r.bulk("Hello World"); }, "$11\r\nHello World\r\n", "$11\r\nHello World\r\n"},
      {"empty bulk", [](Reply& r) { r.bulk(""); }, "$0\r\n\r\n", "$0\r\n\r\n"},
      {"null", [](Reply& r) { r.null(); }, "$-1\r\n", "_\r\n"},
      {"null array", [](Reply& r) { r.null_array(); }, "*-1\r\n", "_\r\n"},
      {"array", [](Reply& r) { r.array(3); }, "*3\r\n", "*3\r\n"},
      {"long array", [](Reply& r) { r.array(1234567); }, "*1234567\r\n", "*1234567\r\n"},
      {"map", [](Reply& r) { r.map(3); }, "*6\r\n", "%3\r\n"},
      {"set", [](Reply& r) { r.set(3); }, "*3\r\n", "~3\r\n"},
      {"push", [](Reply& r) { r.push(2); }, "*2\r\n", ">2\r\n"},
      {"true", [](Reply& r) { r.boolean(true); }, ":1\r\n", "#t\r\n"},
      {"false", [](Reply& r) { r.boolean(false); }, ":0\r\n", "#f\r\n"},
      {"double", [](Reply& r) { r.number(3.141); }, "$5\r\n3.141\r\n", ",3.141\r\n"},
      {"infinity", [=](Reply& r) { r.number(inf); }, "$3\r\ninf\r\n", ",inf\r\n"},
      {"minus infinity", [=](Reply& r) { r.number(-inf); }, "$4\r\n-inf\r\n", ",-inf\r\n"},
      {"big number", [](Reply& r) { r.big_number("1234567999999999999999999999999999999"); },
       "$37\r\n1234567999999999999999999999999999999\r\n", "(1234567999999999999999999999999999999\r\n"},
      {"verbatim", [](Reply& r) { r.verbatim("txt", "This is a verbatim\nstring"); },
       "$25\r\nThis is a verbatim\nstring\r\n", "=29\r\ntxt:This is a verbatim\nstring\r\n"},
      {"raw", [](Reply& r) { r.raw(":1\r\n"); }, ":1\r\n", ":1\r\n"},
      {"integer as bulk", [](Reply& r) { r.bulk_integer(-120); }, "$4\r\n-120\r\n", "$4\r\n-120\r\n"},
  };
  for (Row const& row : rows) {
    EXPECT_EQ(written(2, row.write), row.resp2) << row.name;
    EXPECT_EQ(written(3, row.write), row.resp3) << row.name;
  }
}

TEST(Reply, AttributesAreLeftOutInResp2) {
  auto write = [](Reply& reply) {
    if (reply.attribute(1)) {
      reply.bulk("key-popularity");
      reply.integer(90);
    }
    reply.ok();
  };
  EXPECT_EQ(written(2, write), "+OK\r\n");
  EXPECT_EQ(written(3, write), "|1\r\n$14\r\nkey-popularity\r\n:90\r\n+OK\r\n");
}

TEST(Reply, IntegersOfEveryLength) {
  for (int64_t value : {int64_t{0}, int64_t{9}, int64_t{10}, int64_t{99}, int64_t{100}, int64_t{127}, int64_t{128},
                        int64_t{999}, int64_t{1000}, int64_t{-1}, int64_t{-128}, INT64_MAX, INT64_MIN}) {
    EXPECT_EQ(written(2, [&](Reply& r) { r.integer(value); }), ":" + std::to_string(value) + "\r\n");
  }
}

TEST(Reply, BulksOfEveryLength) {
  for (size_t size = 0; size < 300; size++) {
    std::string text(size, 'x');
    std::string expected = "$" + std::to_string(size) + "\r\n" + text + "\r\n";
    EXPECT_EQ(written(2, [&](Reply& r) { r.bulk(text); }), expected);
  }
  std::string text(70'000, 'y');
  EXPECT_EQ(written(2, [&](Reply& r) { r.bulk(text); }), "$70000\r\n" + text + "\r\n");
}

TEST(Reply, SharedBulksAreReferenced) {
  OutputBuffer out;
  Reply reply(out);
  SharedBufferRef value = SharedBuffer::copy_of(std::string(50'000, 'v'));
  reply.bulk(value);
  reply.ok();
  EXPECT_FALSE(value->unique());
  EXPECT_EQ(out.to_string(), "$50000\r\n" + std::string(value->view()) + "\r\n+OK\r\n");
}

TEST(Reply, ErrorsGetACodeAndStayOnOneLine) {
  OutputBuffer out;
  Reply reply(out);
  EXPECT_EQ(reply.errors(), 0u);
  EXPECT_EQ(reply.last_error_code(), "");
  reply.error("syntax error");
  EXPECT_EQ(reply.last_error_code(), "ERR");
  reply.error("-WRONGTYPE Operation against a key");
  EXPECT_EQ(reply.last_error_code(), "WRONGTYPE");
  reply.error("-CODE");
  EXPECT_EQ(reply.last_error_code(), "CODE");
  reply.error("a\rb\nc\r\n");
  EXPECT_EQ(reply.last_error_code(), "ERR");
  EXPECT_EQ(reply.errors(), 4u);
  EXPECT_EQ(out.to_string(), "-ERR syntax error\r\n-WRONGTYPE Operation against a key\r\n-CODE\r\n-ERR a b c  \r\n");
  reply.reset_errors();
  EXPECT_EQ(reply.errors(), 0u);
  EXPECT_EQ(reply.last_error_code(), "");
}

TEST(Reply, LongErrorCodesAreCutForStatisticsOnly) {
  OutputBuffer out;
  Reply reply(out);
  std::string code(100, 'C');
  reply.error("-" + code + " text");
  EXPECT_EQ(reply.last_error_code(), code.substr(0, Reply::kErrorCodeBytesMax));
  EXPECT_EQ(out.to_string(), "-" + code + " text\r\n");
}

TEST(Reply, FormattedErrorsOfAnyLength) {
  std::string name(2000, 'n');
  EXPECT_EQ(written(2, [&](Reply& r) { r.errorf("wrong number of arguments for '%s' command", "get"); }),
            "-ERR wrong number of arguments for 'get' command\r\n");
  EXPECT_EQ(written(2, [&](Reply& r) { r.errorf("-BAD %s %d", name.c_str(), 5); }), "-BAD " + name + " 5\r\n");
}

TEST(Reply, MutedDropsEverythingButCountsErrors) {
  OutputBuffer out;
  Reply reply(out, 3);
  reply.set_muted(true);
  reply.ok();
  reply.status("x");
  reply.integer(1);
  reply.integer(100000);
  reply.bulk("short");
  reply.bulk(std::string(1000, 'l'));
  reply.bulk(SharedBuffer::copy_of(std::string(50'000, 's')));
  reply.null();
  reply.null_array();
  reply.array(1);
  reply.map(1);
  reply.boolean(true);
  reply.number(1.5);
  reply.big_number("1");
  reply.verbatim("txt", "t");
  reply.raw("raw");
  size_t mark = reply.begin_deferred();
  reply.bulk("x");
  reply.end_deferred_array(mark, 1);
  reply.error("-NOPE no");
  EXPECT_EQ(out.size(), 0u);
  EXPECT_EQ(out.footprint(), 0u);
  EXPECT_EQ(reply.errors(), 1u);
  EXPECT_EQ(reply.last_error_code(), "NOPE");
  reply.set_muted(false);
  reply.ok();
  EXPECT_EQ(out.to_string(), "+OK\r\n");
}

TEST(Reply, DeferredAggregates) {
  auto write = [](Reply& reply) {
    size_t outer = reply.begin_deferred();
    for (int i = 0; i < 2; i++) {
      size_t inner = reply.begin_deferred();
      reply.bulk("k");
      reply.bulk("v");
      reply.end_deferred_map(inner, 1);
    }
    size_t empty = reply.begin_deferred();
    reply.end_deferred_set(empty, 0);
    reply.end_deferred_array(outer, 3);
    size_t push = reply.begin_deferred();
    reply.end_deferred_push(push, 0);
    reply.ok();
  };
  EXPECT_EQ(written(2, write), "*3\r\n*2\r\n$1\r\nk\r\n$1\r\nv\r\n*2\r\n$1\r\nk\r\n$1\r\nv\r\n*0\r\n*0\r\n+OK\r\n");
  EXPECT_EQ(written(3, write), "*3\r\n%1\r\n$1\r\nk\r\n$1\r\nv\r\n%1\r\n$1\r\nk\r\n$1\r\nv\r\n~0\r\n>0\r\n+OK\r\n");
}

TEST(Reply, DeferredArrayOverManyBlocks) {
  size_t const count = 100'000;
  std::string expected = "*100000\r\n";
  for (size_t i = 0; i < count; i++) expected += ":" + std::to_string(i) + "\r\n";
  EXPECT_EQ(written(2,
                    [&](Reply& reply) {
                      size_t mark = reply.begin_deferred();
                      for (size_t i = 0; i < count; i++) reply.integer(static_cast<int64_t>(i));
                      reply.end_deferred_array(mark, count);
                    }),
            expected);
}

}  // namespace
}  // namespace holdfast
