#include "values/zset_value.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <string>
#include <vector>

#include "base/number.h"
#include "base/random.h"
#include "rdb/test_vectors.h"
#include "structures/test_bytes.h"
#include "values/ops_fixture.h"
#include "values/zset_ops.h"

namespace holdfast {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
using Pair = std::pair<double, std::string>;

class ZsetValueTest : public OpsTest {
 protected:
  ZsetValueTest() : OpsTest(zset_ops()) {}

  ZsetEditor editor() { return ZsetEditor(edit_, context_); }
  ZsetReader reader() const { return ZsetReader(edit_.view()); }

  static std::vector<Pair> pairs_of(ValueView const& value) {
    std::vector<Pair> pairs;
    packed::TextScratch scratch;
    ZsetReader const zset(value);
    uint64_t left = zset.size();
    for (ZsetCursor at = zset.at(0); left > 0; left--, at.next()) {
      pairs.emplace_back(at.score(), at.member().as_text(scratch));
    }
    return pairs;
  }

  ValueEdit edit_{.type = ValueType::kZset};
};

TEST_F(ZsetValueTest, BecomesASkiplistBeyondTheLimits) {
  limits_.zset_max_listpack_entries = 3;
  limits_.zset_max_listpack_value = 5;
  for (std::string_view member : {"a", "b", "12345"}) editor().put(member, 1);
  EXPECT_FALSE(edit_.in_body());
  editor().put("a", 7);
  EXPECT_FALSE(edit_.in_body());
  editor().put("c", -1);
  EXPECT_TRUE(edit_.in_body());
  EXPECT_EQ(pairs_of(edit_.view()), (std::vector<Pair>{{-1, "c"}, {1, "12345"}, {1, "b"}, {7, "a"}}));
}

TEST_F(ZsetValueTest, ALongMemberMakesASkiplist) {
  editor().put(std::string(64, 'x'), 1);
  EXPECT_FALSE(edit_.in_body());
  editor().put(std::string(65, 'x'), 1);
  EXPECT_TRUE(edit_.in_body());
}

TEST_F(ZsetValueTest, ScoresKeepTheirValue) {
  std::vector<double> const scores = {0,     1,       -1,      0.1,     1e17,        9.3e18,           -9.3e18, 0x1p62,
                                      1e300, -1e-300, 0x1p-53, 1.0 / 3, kInfinity, -kInfinity, 4611686018427388928.0};
  for (double score : scores) editor().put(format_double(score) + "m", score);
  EXPECT_FALSE(edit_.in_body());
  for (double score : scores) EXPECT_EQ(reader().score(format_double(score) + "m"), score);
  editor().put("zero", -0.0);
  EXPECT_FALSE(std::signbit(*reader().score("zero")));
  limits_.zset_max_listpack_entries = 0;
  editor().put("negative zero", -0.0);
  EXPECT_TRUE(std::signbit(*reader().score("negative zero")));
  for (double score : scores) EXPECT_EQ(reader().score(format_double(score) + "m"), score);
}

TEST_F(ZsetValueTest, ChangeSeesWhatIsThere) {
  for (uint64_t entries : {128, 0}) {
    limits_.zset_max_listpack_entries = entries;
    ValueEdit edit{.type = ValueType::kZset};
    ZsetEditor zset(edit, context_);
    auto add = [](std::optional<double> present) { return std::optional(present.value_or(10) + 1); };
    auto leave = [](std::optional<double>) { return std::optional<double>(); };
    EXPECT_EQ(zset.change("a", leave), ZsetEditor::Put::kSame);
    EXPECT_TRUE(zset.empty());
    EXPECT_EQ(zset.change("a", add), ZsetEditor::Put::kAdded);
    EXPECT_EQ(zset.change("a", add), ZsetEditor::Put::kUpdated);
    EXPECT_EQ(zset.change("a", leave), ZsetEditor::Put::kSame);
    EXPECT_EQ(ZsetReader(edit.view()).score("a"), 12);
    EXPECT_EQ(edit.in_body(), entries == 0);
  }
}

TEST_F(ZsetValueTest, LexRangesOfMixedScoresAreWhatAWalkMeets) {
  // In order: b(1) d(1) a(2) c(2)
  for (auto [member, score] : {std::pair("b", 1), {"d", 1}, {"a", 2}, {"c", 2}}) editor().put(member, score);
  LexBound const min{LexBound::Kind::kInclusive, "a"};
  LexBound const max{LexBound::Kind::kInclusive, "c"};
  RankRange const forward = reader().range(min, max);
  EXPECT_EQ((std::pair(forward.first, forward.last)), (std::pair<uint64_t, uint64_t>(0, 1)));
  RankRange const backward = reader().range(min, max, true);
  EXPECT_EQ((std::pair(backward.first, backward.last)), (std::pair<uint64_t, uint64_t>(0, 4)));
}

/// A sorted set as a map and a sorted vector.
class Model {
 public:
  void put(std::string const& member, double score) { scores_[member] = score; }
  bool erase(std::string const& member) { return scores_.erase(member) > 0; }
  std::vector<Pair> pairs() const {
    std::vector<Pair> pairs;
    for (auto const& [member, score] : scores_) pairs.emplace_back(score, member);
    std::sort(pairs.begin(), pairs.end());
    return pairs;
  }
  std::map<std::string, double> const& scores() const { return scores_; }

 private:
  std::map<std::string, double> scores_;
};

TEST_F(ZsetValueTest, RandomOperationsOverBothForms) {
  Random random(11);
  for (uint64_t limit : {0, 20, 128, 400}) {
    limits_.zset_max_listpack_entries = limit;
    edit_ = ValueEdit{.type = ValueType::kZset};
    EXPECT_TRUE(editor().empty());
    Model model;
    auto member = [&] {
      uint64_t const number = random.below(300);
      return number % 3 == 0 ? std::to_string(number) : "m" + std::to_string(number);
    };
    auto score = [&] { return static_cast<double>(random.below(60)) / static_cast<double>(1 + random.below(3)) - 10; };
    for (int i = 0; i < 3000; i++) {
      std::string const name = member();
      switch (random.below(8)) {
        case 0: EXPECT_EQ(editor().erase(name), model.erase(name)); break;
        case 1: {
          if (random.below(20) != 0) break;
          std::vector<Pair> const pairs = model.pairs();
          uint64_t const first = random.below(pairs.size() + 1);
          uint64_t const last = first + random.below(std::min<uint64_t>(pairs.size() - first, 30) + 1);
          editor().erase_range({first, last});
          for (uint64_t rank = first; rank < last; rank++) model.erase(pairs[rank].second);
          break;
        }
        default: {
          double const value = score();
          editor().put(name, value);
          model.put(name, value);
        }
      }
      if (i % 50 != 0) continue;
      std::vector<Pair> const pairs = model.pairs();
      ASSERT_EQ(pairs_of(edit_.view()), pairs);
      ScoreBound const min{score(), random.below(2) == 0};
      ScoreBound const max{score(), random.below(2) == 0};
      RankRange const range = reader().range(min, max);
      auto inside = [&](Pair const& pair) {
        return (min.exclusive ? pair.first > min.score : pair.first >= min.score) &&
               (max.exclusive ? pair.first < max.score : pair.first <= max.score);
      };
      EXPECT_EQ(range.size(), static_cast<uint64_t>(std::count_if(pairs.begin(), pairs.end(), inside)));
      if (!range.empty()) {
        EXPECT_TRUE(inside(pairs[range.first]) && inside(pairs[range.last - 1]));
      }
      std::optional<ZsetPlace> const place = reader().place(name);
      ASSERT_EQ(place.has_value(), model.scores().contains(name));
      if (place) {
        EXPECT_EQ(pairs[place->rank], Pair(place->score, name));
      }
    }
    EXPECT_EQ(edit_.in_body(), limit < 300);
  }
}

TEST_F(ZsetValueTest, WhatIsWrittenIsReadBack) {
  for (int count : {1, 5, 128, 129, 20'000}) {
    ValueEdit edit{.type = ValueType::kZset};
    ZsetEditor zset(edit, context_);
    for (int i = 0; i < count; i++) zset.put(i % 5 == 0 ? std::to_string(i) : "member " + std::to_string(i), i / 7.0 - 3);
    if (count == 5) zset.put("long " + std::string(5000, 'x'), kInfinity);
    std::string const payload = written(edit.view());
    bool sound = false;
    MaybeValue const again = read(zset_ops().rdb_type(edit.view()), payload, &sound);
    ASSERT_TRUE(again && sound);
    EXPECT_EQ(pairs_of(again->view()), pairs_of(edit.view()));
    EXPECT_EQ(zset_ops().encoding_name(again->view()), zset_ops().encoding_name(edit.view()));
    EXPECT_EQ(written(again->view()), payload);
  }
}

TEST_F(ZsetValueTest, AllFormsThatWereEverWritten) {
  std::vector<Pair> const mixed = {{-kInfinity, "c"}, {1.5, "a"}, {17, "d"}, {kInfinity, "b"}};
  MaybeValue value = read(RdbType::kZset, from_hex("04016103312e350162fe0163ff0164023137"));
  ASSERT_TRUE(value);
  EXPECT_EQ(pairs_of(value->view()), mixed);
  EXPECT_EQ(value->encoding, Encoding::kPacked);
  value = read(RdbType::kZset2, from_hex("020162000000000000f03f01610000000000000040"));
  ASSERT_TRUE(value);
  EXPECT_EQ(pairs_of(value->view()), (std::vector<Pair>{{1, "b"}, {2, "a"}}));
  value = read(RdbType::kZsetZiplist, from_hex("181800000012000000040000016103f20201620303322e35ff"));
  ASSERT_TRUE(value);
  EXPECT_EQ(pairs_of(value->view()), (std::vector<Pair>{{1, "a"}, {2.5, "b"}}));
  value = read(RdbType::kZsetListpack, from_hex("1c1c000000060081610283312e3504816202020181630283696e6604ff"));
  ASSERT_TRUE(value);
  EXPECT_EQ(pairs_of(value->view()), (std::vector<Pair>{{1.5, "a"}, {2, "b"}, {kInfinity, "c"}}));
}

TEST_F(ZsetValueTest, MorePairsThanTheLimitMakeASkiplist) {
  editor().put("a", 1);
  editor().put("b", 2);
  std::string const payload = written(edit_.view());
  limits_.zset_max_listpack_entries = 1;
  MaybeValue const value = read(RdbType::kZsetListpack, payload);
  ASSERT_TRUE(value && value->body);
  EXPECT_EQ(pairs_of(value->view()), (std::vector<Pair>{{1, "a"}, {2, "b"}}));
}

TEST_F(ZsetValueTest, WhatCannotBeIsDamage) {
  auto packed = [](std::vector<std::string> const& texts) {
    PackedListBuilder builder;
    for (std::string const& text : texts) builder.append(text);
    std::string payload;
    RdbWriter(payload).string(builder.finish());
    return payload;
  };
  bool sound = true;
  EXPECT_TRUE(read(RdbType::kZsetListpack, packed({"a", "1", "b", "1"}), &sound) && sound);
  for (std::vector<std::string> const& texts : std::vector<std::vector<std::string>>{
           {"a"}, {"a", "1", "b"}, {"a", "x"}, {"a", "nan"}, {"a", ""}, {"b", "1", "a", "1"}, {"a", "2", "b", "1"},
           {"a", "1", "a", "2"}, {"a", "1", "a", "1"}}) {
    EXPECT_FALSE(read(RdbType::kZsetListpack, packed(texts), &sound));
    EXPECT_FALSE(sound) << texts.size() << texts[0];
  }
  for (std::string_view payload : {"02016100000000000000000161000000000000f03f", "010161000000000000f87f", "ff",
                                   "8100000000ffffffff", "02016100000000000000"}) {
    EXPECT_FALSE(read(RdbType::kZset2, from_hex(payload), &sound));
    EXPECT_FALSE(sound) << payload;
  }
  EXPECT_FALSE(read(RdbType::kZset, from_hex("010161fd"), &sound));
  EXPECT_FALSE(sound);
  EXPECT_FALSE(read(RdbType::kZset2, from_hex("00"), &sound));
  EXPECT_TRUE(sound) << "nothing is no damage";
}

TEST_F(ZsetValueTest, DamagedBytesEndInAFaultOrASoundSet) {
  Random random(17);
  std::vector<std::pair<RdbType, std::string>> payloads;
  for (int count : {3, 60, 200}) {
    ValueEdit edit{.type = ValueType::kZset};
    ZsetEditor zset(edit, context_);
    for (int i = 0; i < count; i++) zset.put("m" + std::to_string(i), i % 4 == 0 ? i : i / 3.0);
    payloads.emplace_back(zset_ops().rdb_type(edit.view()), written(edit.view()));
  }
  payloads.emplace_back(RdbType::kZset, from_hex("04016103312e350162fe0163ff0164023137"));
  payloads.emplace_back(RdbType::kZsetZiplist, from_hex("181800000012000000040000016103f20201620303322e35ff"));
  for (int round = 0; round < 8000; round++) {
    auto [type, bytes] = payloads[random.below(payloads.size())];
    for (uint64_t changes = 1 + random.below(3); changes > 0; changes--) {
      bytes[random.below(bytes.size())] = static_cast<char>(random.next());
    }
    if (random.below(5) == 0) bytes.resize(random.below(bytes.size()));
    MaybeValue const value = read(type, bytes);
    if (!value) continue;
    std::vector<Pair> const pairs = pairs_of(value->view());
    EXPECT_TRUE(std::is_sorted(pairs.begin(), pairs.end()));
    ZsetReader const zset(value->view());
    EXPECT_EQ(pairs.size(), zset.size());
    for (Pair const& pair : pairs) EXPECT_EQ(zset.score(pair.second), pair.first);
  }
}

TEST_F(ZsetValueTest, CommandsRebuildItInBatches) {
  for (int i = 0; i < 70; i++) editor().put("m" + std::to_string(i), i + 0.5);
  std::string out;
  EXPECT_TRUE(zset_ops().write_commands("key", edit_.view(), out, {}));
  EXPECT_TRUE(out.starts_with("*130\r\n$4\r\nZADD\r\n$3\r\nkey\r\n$3\r\n0.5\r\n$2\r\nm0\r\n"));
  EXPECT_TRUE(out.contains("*14\r\n$4\r\nZADD\r\n$3\r\nkey\r\n$4\r\n64.5\r\n$3\r\nm64\r\n"));
}

TEST_F(ZsetValueTest, WritingStopsWhenItIsTold) {
  for (int i = 0; i < 20'000; i++) editor().put("m" + std::to_string(i), i);
  std::string payload;
  RdbWriter writer(payload);
  EXPECT_FALSE(zset_ops().write_rdb(edit_.view(), writer, [] { return false; }));
  EXPECT_LT(payload.size(), kValuePieceBytes + 100);
}

TEST_F(ZsetValueTest, TheDigestSeesSeventeenDigits) {
  editor().put("a", 0.1);
  editor().put("b", kInfinity);
  std::vector<std::string> texts;
  zset_ops().for_digest(edit_.view(), [&](std::string_view member, std::string_view score) {
    texts.push_back(std::string(member) + "=" + std::string(score));
  });
  EXPECT_EQ(texts, (std::vector<std::string>{"a=0.10000000000000001", "b=inf"}));
}

}  // namespace
}  // namespace holdfast
