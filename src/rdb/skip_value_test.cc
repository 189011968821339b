#include "rdb/skip_value.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "base/random.h"
#include "rdb/dump_payload.h"
#include "rdb/test_vectors.h"
#include "rdb/writer.h"

namespace holdfast {
namespace {

// Payloads without type byte and footer. Types that the vectors have no example of are made here.
struct Value {
  std::string what;
  RdbType type;
  std::string payload;
};

std::string stream_version_3() {
  std::string out;
  RdbWriter w(out);
  w.length(1);
  w.stream_node_key(1000, 1);
  w.string("node contents");
  for (uint64_t const field : {1u, 1000u, 1u, 1000u, 1u, 0u, 0u, 1u}) w.length(field);
  w.length(1);  // groups
  w.string("g");
  w.length(1000);
  w.length(1);
  w.length(UINT64_MAX);
  w.length(1);  // pending
  w.stream_id(1000, 1);
  w.fixed64(1700000000000);
  w.length(3);
  w.length(1);  // consumers
  w.string("c");
  w.fixed64(1700000000000);
  w.fixed64_signed(-1);
  w.length(1);
  w.stream_id(1000, 1);
  return out;
}

std::string expiring_hash(bool absolute) {
  std::string out;
  RdbWriter w(out);
  if (!absolute) w.fixed64(1700000000000);
  w.length(2);
  w.length(absolute ? 1700000000000 : 1);
  w.string("field");
  w.string("value");
  w.length(0);
  w.string("other");
  w.string("7");
  return out;
}

std::string module_value() {
  std::string out;
  RdbWriter w(out);
  w.length(0x123456789ABCDEF0);
  w.length(1);
  w.length(UINT64_MAX);
  w.length(2);
  w.length(9);
  w.length(3);
  out += "abcd";
  w.length(4);
  w.binary64(2.5);
  w.length(5);
  w.string("text");
  w.length(0);
  return out;
}

std::vector<Value> values() {
  std::vector<Value> all;
  for (DumpVector const& vector : kDumpVectors) {
    std::string const payload = from_hex(vector.hex);
    auto const body = verify_dump_payload(payload);
    EXPECT_TRUE(body.has_value()) << vector.what;
    all.push_back({std::string(vector.what), static_cast<RdbType>(body->front()), std::string(body->substr(1))});
  }
  std::string zset2;
  RdbWriter w(zset2);
  w.length(2);
  w.string("a");
  w.binary64(1.5);
  w.string("12345");
  w.binary64(-2);
  all.push_back({"zset 2", RdbType::kZset2, zset2});
  all.push_back(
      {"list ziplist", RdbType::kListZiplist, from_hex("1919000000150000000400000568656c6c6f07f102fd02fe0dff")});
  all.push_back({"set listpack", RdbType::kSetListpack, from_hex("0a0a0000000100816102ff")});
  all.push_back({"stream 3", RdbType::kStreamListpacks3, stream_version_3()});
  all.push_back({"module", RdbType::kModule2, module_value()});
  all.push_back({"hash metadata pre", RdbType::kHashMetadataPreGa, expiring_hash(true)});
  all.push_back({"hash metadata", RdbType::kHashMetadata, expiring_hash(false)});
  all.push_back({"hash listpack ex pre", RdbType::kHashListpackExPreGa, from_hex("03616263")});
  all.push_back({"hash listpack ex", RdbType::kHashListpackEx, from_hex("000000000000000003616263")});
  return all;
}

TEST(SkipValue, EveryTypeHasAnExample) {
  bool seen[26] = {};
  for (Value const& value : values()) seen[static_cast<size_t>(value.type)] = true;
  for (uint8_t type = 0; type < 26; ++type) EXPECT_EQ(seen[type], is_rdb_value_type(type)) << int{type};
}

TEST(SkipValue, StopsRightBehindTheValue) {
  for (Value const& value : values()) {
    std::string const input = value.payload + "next";
    ByteReader in(input);
    skip_value(value.type, in);
    EXPECT_TRUE(in.ok()) << value.what;
    EXPECT_EQ(in.offset(), value.payload.size()) << value.what;
  }
}

TEST(SkipValue, EveryPrefixIsAShortRead) {
  for (Value const& value : values()) {
    for (size_t cut = 0; cut < value.payload.size(); ++cut) {
      ByteReader in(std::string_view(value.payload).substr(0, cut));
      skip_value(value.type, in);
      ASSERT_EQ(in.fault(), RdbFault::kShortRead) << value.what << " cut at " << cut;
      ASSERT_GT(in.missing_bytes(), 0u);
      ASSERT_LE(in.missing_bytes(), value.payload.size() - cut) << "must not ask for more than there is to come";
    }
  }
}

TEST(SkipValue, MutatedValuesEndInOneOfThreeWays) {
  Random random(20);
  for (Value const& value : values()) {
    for (int round = 0; round < 300; ++round) {
      std::string bytes = value.payload;
      for (uint64_t i = 0; i <= random.below(3); ++i)
        bytes[random.below(bytes.size())] = static_cast<char>(random.next());
      // A heap copy of the exact size lets the address sanitizer see a step over the end.
      std::vector<char> const exact(bytes.begin(), bytes.end());
      auto const type = round % 4 == 0 ? static_cast<RdbType>(random.below(26)) : value.type;
      ByteReader in({exact.data(), exact.size()});
      skip_value(type, in);
      ASSERT_LE(in.offset(), exact.size());
      if (in.ok()) {
        // What was skipped once is skipped again with nothing behind it.
        ByteReader again({exact.data(), in.offset()});
        skip_value(type, again);
        ASSERT_TRUE(again.ok() && again.at_end());
      }
    }
  }
}

TEST(SkipValue, CorruptForms) {
  struct Case {
    RdbType type;
    char const* hex;
  };
  for (Case const& c : {Case{RdbType::kModulePreGa, "0000"}, Case{RdbType::kString, "c4616263"},
                        Case{RdbType::kListQuicklist2, "01030161"}, Case{RdbType::kModule2, "000600"},
                        Case{RdbType::kList, "c101"}, Case{static_cast<RdbType>(8), "00"}}) {
    std::string const bytes = from_hex(c.hex);
    ByteReader in(bytes);
    skip_value(c.type, in);
    EXPECT_EQ(in.fault(), RdbFault::kCorrupt) << c.hex;
  }
}

}  // namespace
}  // namespace holdfast
