#include "values/list_ops.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "base/random.h"
#include "rdb/test_vectors.h"
#include "structures/test_bytes.h"
#include "values/list_builder.h"
#include "values/list_value.h"
#include "values/ops_fixture.h"

namespace holdfast {
namespace {

using Texts = std::vector<std::string>;

class ListOpsTest : public OpsTest {
 protected:
  ListOpsTest() : OpsTest(list_ops()) {}

  DetachedValue made(Texts const& texts) const {
    ListBuilder builder;
    for (std::string const& text : texts) builder.append(text);
    return *builder.finish(ListLimit::of(limits_.list_max_listpack_size));
  }

  static Texts texts_of(ValueView const& value) {
    Texts texts;
    list_ops().for_digest(value, [&](std::string_view text, std::string_view) { texts.emplace_back(text); });
    return texts;
  }

  static Texts numbered(int count, size_t bytes) {
    Texts texts;
    for (int i = 0; i < count; i++) texts.push_back(std::to_string(i) + std::string(i % 3 == 0 ? 0 : bytes, 'x'));
    return texts;
  }
};

TEST_F(ListOpsTest, WhatIsWrittenIsReadBack) {
  std::vector<Texts> lists = {{"a"}, {"", "12", "-1", "012"}, numbered(20, 5), numbered(400, 10), numbered(20'000, 30)};
  lists.push_back({"short", std::string(2000, 'b'), "x", std::string(100'000, 'c'), std::string(8300, 'd')});
  lists.push_back({std::string(1025, 'a'), std::string(1024, 'b')});
  for (Texts const& texts : lists) {
    DetachedValue const value = made(texts);
    EXPECT_EQ(list_ops().length(value.view()), texts.size());
    std::string const payload = written(value.view());
    bool ok = false;
    MaybeValue const again = read(list_ops().rdb_type(value.view()), payload, &ok);
    ASSERT_TRUE(ok && again);
    EXPECT_EQ(texts_of(again->view()), texts);
    EXPECT_EQ(list_ops().encoding_name(again->view()), list_ops().encoding_name(value.view()));
    EXPECT_EQ(again->encoding, value.encoding);
  }
}

TEST_F(ListOpsTest, ASmallListIsOneNode) {
  EXPECT_EQ(to_hex(written(made({"a", "1"}).view())), "01020c0c00000002008161020101ff");
}

TEST_F(ListOpsTest, LongListsAreWrittenInPieces) {
  DetachedValue const value = made(numbered(20'000, 30));
  std::string whole;
  std::string out;
  RdbWriter writer(out, false);
  int pieces = 0;
  size_t longest = 0;
  ASSERT_TRUE(list_ops().write_rdb(value.view(), writer, [&] {
    pieces++;
    longest = std::max(longest, out.size());
    whole += out;
    out.clear();
    return true;
  }));
  whole += out;
  EXPECT_GT(pieces, 5);
  EXPECT_LT(longest, kValuePieceBytes + 10'000);
  EXPECT_EQ(texts_of(read(RdbType::kListQuicklist2, whole)->view()), numbered(20'000, 30));
  pieces = 0;
  out.clear();
  EXPECT_FALSE(list_ops().write_rdb(value.view(), writer, [&] { return ++pieces < 3; }));
  EXPECT_EQ(pieces, 3);
}

TEST_F(ListOpsTest, OldFormsAreRead) {
  std::vector<Texts> const expected = {
      {"a", "5", "ccc"},
      {"a", "1"},
      {"abcdef", "a", "b"},
  };
  size_t found = 0;
  for (DumpVector const& vector : kDumpVectors) {
    std::string const bytes = from_hex(vector.hex);
    std::optional<ValueType> const type = value_type_of(static_cast<RdbType>(bytes[0]));
    if (type != ValueType::kList) continue;
    std::string_view const payload = std::string_view(bytes).substr(1, bytes.size() - 11);
    MaybeValue const value = read(static_cast<RdbType>(bytes[0]), payload);
    ASSERT_TRUE(value) << vector.what;
    ASSERT_LT(found, expected.size());
    EXPECT_EQ(texts_of(value->view()), expected[found++]) << vector.what;
  }
  EXPECT_EQ(found, expected.size());
  // A ziplist of its own (type 10): the first node of the vector of type 14.
  std::string const ziplist = from_hex("100000000D000000020000016103F2FF");
  EXPECT_EQ(texts_of(read(RdbType::kListZiplist, "\x10" + ziplist)->view()), (Texts{"a", "1"}));
}

TEST_F(ListOpsTest, SeveralNodesAreAQuicklist) {
  std::string const node = std::string("\2\x0a\x0a\0\0\0\1\0\x81\x61\2\xff", 12);
  EXPECT_EQ(list_ops().encoding_name(read(RdbType::kListQuicklist2, "\1" + node)->view()), "listpack");
  EXPECT_EQ(list_ops().encoding_name(read(RdbType::kListQuicklist2, "\2" + node + node)->view()), "quicklist");
}

TEST_F(ListOpsTest, ListsWithoutElementsAreNothing) {
  for (auto const& [type, payload] : {std::pair{RdbType::kList, std::string("\0", 1)},
                                      {RdbType::kListQuicklist, std::string("\0", 1)},
                                      {RdbType::kListQuicklist2, std::string("\0", 1)},
                                      {RdbType::kListQuicklist2, std::string("\1\2\7\7\0\0\0\0\0\xff", 10)}}) {
    bool ok = false;
    EXPECT_FALSE(read(type, payload, &ok));
    EXPECT_TRUE(ok);
  }
}

TEST_F(ListOpsTest, DamageIsFound) {
  std::vector<std::pair<RdbType, std::string>> payloads;
  payloads.emplace_back(RdbType::kListQuicklist2, written(made(numbered(20, 5)).view()));
  payloads.emplace_back(RdbType::kListQuicklist2, written(made(numbered(700, 20)).view()));
  payloads.emplace_back(RdbType::kListQuicklist2, written(made({"a", std::string(9000, 'b'), "c"}).view()));
  for (DumpVector const& vector : kDumpVectors) {
    std::string const bytes = from_hex(vector.hex);
    auto const type = static_cast<RdbType>(bytes[0]);
    if (value_type_of(type) == ValueType::kList) payloads.emplace_back(type, bytes.substr(1, bytes.size() - 11));
  }
  Random random(5);
  int refused = 0;
  for (int round = 0; round < 8000; round++) {
    auto const& [type, payload] = payloads[random.below(payloads.size())];
    ExactBytes const bytes(damaged(payload, random));
    MaybeValue const value = read(type, bytes.view());
    if (!value) {
      refused++;
      continue;
    }
    // What was believed can be used and written.
    Texts const texts = texts_of(value->view());
    ASSERT_EQ(texts.size(), list_ops().length(value->view()));
    ASSERT_EQ(texts_of(read(RdbType::kListQuicklist2, written(value->view()))->view()), texts);
  }
  EXPECT_GT(refused, 1000);
  EXPECT_LT(refused, 8000);
}

TEST_F(ListOpsTest, CommandsThatMakeIt) {
  std::string out;
  DetachedValue const value = made(numbered(130, 2));
  ASSERT_TRUE(list_ops().write_commands("key", value.view(), out, {}));
  EXPECT_TRUE(out.starts_with("*66\r\n$5\r\nRPUSH\r\n$3\r\nkey\r\n$1\r\n0\r\n$3\r\n1xx\r\n"));
  size_t commands = 0;
  for (size_t at = out.find("RPUSH"); at != std::string::npos; at = out.find("RPUSH", at + 1)) commands++;
  EXPECT_EQ(commands, 3u);
  EXPECT_NE(out.find("*4\r\n$5\r\nRPUSH\r\n$3\r\nkey\r\n$5\r\n128xx\r\n$3\r\n129\r\n"), std::string::npos);
}

}  // namespace
}  // namespace holdfast
