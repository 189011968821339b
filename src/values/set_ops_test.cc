#include "values/set_ops.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

#include "base/random.h"
#include "rdb/test_vectors.h"
#include "structures/test_bytes.h"
#include "values/ops_fixture.h"
#include "values/set_value.h"

namespace holdfast {
namespace {

using Texts = std::set<std::string>;

class SetOpsTest : public OpsTest {
 protected:
  SetOpsTest() : OpsTest(set_ops()) {}

  DetachedValue made(Texts const& texts) const {
    SetBuilder builder(context_);
    for (std::string const& text : texts) builder.editor().add(text);
    return *builder.finish();
  }

  static Texts texts_of(ValueView const& value) {
    Texts texts;
    set_ops().for_digest(value, [&](std::string_view text, std::string_view) { texts.emplace(text); });
    return texts;
  }

  std::string_view encoding_read(RdbType type, std::string_view payload) const {
    return set_ops().encoding_name(read(type, payload)->view());
  }

  static Texts numbered(std::string const& prefix, int count) {
    Texts texts;
    for (int i = 0; i < count; i++) texts.insert(prefix + std::to_string(i));
    return texts;
  }
  /// A packed list as one string of a payload.
  static std::string packed_string(Texts const& texts) {
    PackedListBuilder list;
    for (std::string const& text : texts) list.append(text);
    std::string payload;
    RdbWriter(payload).string(list.finish());
    return payload;
  }
};

TEST_F(SetOpsTest, WhatIsWrittenIsReadBack) {
  for (Texts const& texts : {Texts{"a"}, Texts{"", "12", "-1", "012"}, numbered("", 3), numbered("", 512),
                             numbered("", 513), numbered("m", 128), numbered("m", 129), numbered("member:", 20'000),
                             Texts{std::string(2000, 'x'), std::string(100'000, 'y'), "1"}}) {
    DetachedValue const value = made(texts);
    EXPECT_EQ(set_ops().length(value.view()), texts.size());
    bool ok = false;
    MaybeValue const again = read(set_ops().rdb_type(value.view()), written(value.view()), &ok);
    ASSERT_TRUE(ok && again);
    EXPECT_EQ(texts_of(again->view()), texts);
    EXPECT_EQ(set_ops().encoding_name(again->view()), set_ops().encoding_name(value.view()));
  }
}

TEST_F(SetOpsTest, OnlyWhatRedis70ReadsIsWritten) {
  EXPECT_EQ(set_ops().rdb_type(made({"1", "2"}).view()), RdbType::kSetIntset);
  EXPECT_EQ(to_hex(written(made({"1", "2", "300"}).view())), "0e0200000003000000010002002c01");
  EXPECT_EQ(set_ops().rdb_type(made({"1", "b"}).view()), RdbType::kSet);
  EXPECT_EQ(to_hex(written(made({"1", "b"}).view())), "02c0010162");
  EXPECT_EQ(set_ops().rdb_type(made(numbered("m", 200)).view()), RdbType::kSet);
}

TEST_F(SetOpsTest, LongSetsAreWrittenInPieces) {
  DetachedValue const value = made(numbered("member:", 20'000));
  std::string whole;
  std::string out;
  RdbWriter writer(out, false);
  size_t longest = 0;
  ASSERT_TRUE(set_ops().write_rdb(value.view(), writer, [&] {
    longest = std::max(longest, out.size());
    whole += out;
    out.clear();
    return true;
  }));
  whole += out;
  EXPECT_GT(longest, 0u);
  EXPECT_LT(longest, kValuePieceBytes + 1000);
  EXPECT_EQ(texts_of(read(RdbType::kSet, whole)->view()).size(), 20'000u);
  out.clear();
  int pieces = 0;
  EXPECT_FALSE(set_ops().write_rdb(value.view(), writer, [&] { return ++pieces < 3; }));
  EXPECT_EQ(pieces, 3);
}

TEST_F(SetOpsTest, EveryFormIsRead) {
  Texts const expected[] = {{"a", "b"}, {"-5", "1", "1099511627776"}, {"1", "2", "300"}};
  size_t found = 0;
  for (DumpVector const& vector : kDumpVectors) {
    std::string const bytes = from_hex(vector.hex);
    auto const type = static_cast<RdbType>(bytes[0]);
    if (value_type_of(type) != ValueType::kSet) continue;
    MaybeValue const value = read(type, std::string_view(bytes).substr(1, bytes.size() - 11));
    ASSERT_TRUE(value) << vector.what;
    ASSERT_LT(found, std::size(expected));
    EXPECT_EQ(texts_of(value->view()), expected[found++]) << vector.what;
  }
  EXPECT_EQ(found, std::size(expected));
  // What Redis 7.2 writes.
  EXPECT_EQ(texts_of(read(RdbType::kSetListpack, packed_string({"1", "abc"}))->view()), (Texts{"1", "abc"}));
}

TEST_F(SetOpsTest, LimitsDecideWhatIsMadeOfIt) {
  EXPECT_EQ(encoding_read(RdbType::kSetListpack, packed_string(numbered("m", 128))), "listpack");
  EXPECT_EQ(encoding_read(RdbType::kSetListpack, packed_string(numbered("m", 129))), "hashtable");
  EXPECT_EQ(encoding_read(RdbType::kSetListpack, packed_string({"1"})), "listpack");
  std::string const ints = written(made(numbered("", 300)).view());
  EXPECT_EQ(encoding_read(RdbType::kSetIntset, ints), "intset");
  limits_.set_max_intset_entries = 299;
  EXPECT_EQ(encoding_read(RdbType::kSetIntset, ints), "hashtable");
  EXPECT_EQ(encoding_read(RdbType::kSet, std::string_view("\2\1a\1b", 5)), "listpack");
  limits_.set_max_intset_entries = 1;
  EXPECT_EQ(encoding_read(RdbType::kSet, std::string_view("\2\1a\1b", 5)), "hashtable");
}

TEST_F(SetOpsTest, SetsWithoutMembersAreNothing) {
  for (auto const& [type, payload] : {std::pair{RdbType::kSet, std::string("\0", 1)},
                                      {RdbType::kSetListpack, std::string("\7\7\0\0\0\0\0\xff", 8)}}) {
    bool ok = false;
    EXPECT_FALSE(read(type, payload, &ok));
    EXPECT_TRUE(ok);
  }
}

TEST_F(SetOpsTest, RepetitionsAreDamage) {
  EXPECT_FALSE(read(RdbType::kSet, std::string_view("\2\1a\1a", 5)));
  EXPECT_FALSE(read(RdbType::kSet, std::string_view("\2\1"
                                                    "1\1"
                                                    "1",
                                                    5)));
  PackedListBuilder list;
  for (char const* text : {"a", "b", "a"}) list.append(text);
  std::string payload;
  RdbWriter(payload).string(list.finish());
  EXPECT_FALSE(read(RdbType::kSetListpack, payload));
  limits_.set_max_listpack_entries = 2;
  EXPECT_FALSE(read(RdbType::kSetListpack, payload));
  EXPECT_FALSE(read(RdbType::kSetIntset, from_hex("0C020000000200000001000100")));
}

TEST_F(SetOpsTest, DamageIsFound) {
  std::vector<std::pair<RdbType, std::string>> payloads;
  for (Texts const& texts :
       {numbered("", 20), numbered("m", 20), numbered("m", 300), Texts{"a", std::string(2000, 'b')}}) {
    DetachedValue const value = made(texts);
    payloads.emplace_back(set_ops().rdb_type(value.view()), written(value.view()));
  }
  payloads.emplace_back(RdbType::kSetListpack, packed_string(numbered("m", 20)));
  payloads.emplace_back(RdbType::kSetListpack, packed_string(numbered("m", 140)));
  Random random(5);
  int refused = 0;
  for (int round = 0; round < 10'000; round++) {
    auto const& [type, payload] = payloads[random.below(payloads.size())];
    ExactBytes const bytes(damaged(payload, random));
    MaybeValue const value = read(type, bytes.view());
    if (!value) {
      refused++;
      continue;
    }
    // What was believed can be used and written.
    Texts const texts = texts_of(value->view());
    ASSERT_EQ(texts.size(), set_ops().length(value->view()));
    for (std::string const& text : texts) ASSERT_TRUE(SetReader(value->view()).contains(text));
    ASSERT_EQ(texts_of(read(set_ops().rdb_type(value->view()), written(value->view()))->view()), texts);
  }
  EXPECT_GT(refused, 1000);
  EXPECT_LT(refused, 10'000);
}

TEST_F(SetOpsTest, CommandsThatMakeIt) {
  std::string out;
  ASSERT_TRUE(set_ops().write_commands("key", made(numbered("", 130)).view(), out, {}));
  EXPECT_TRUE(out.starts_with("*66\r\n$4\r\nSADD\r\n$3\r\nkey\r\n$1\r\n0\r\n$1\r\n1\r\n"));
  EXPECT_TRUE(out.ends_with("*4\r\n$4\r\nSADD\r\n$3\r\nkey\r\n$3\r\n128\r\n$3\r\n129\r\n"));
  int pieces = 0;
  EXPECT_FALSE(set_ops().write_commands("key", made(numbered("m", 20'000)).view(), out, [&] { return ++pieces < 2; }));
  EXPECT_EQ(pieces, 2);
}

}  // namespace
}  // namespace holdfast
