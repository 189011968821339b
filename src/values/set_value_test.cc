#include "values/set_value.h"

#include <gtest/gtest.h>

#include <set>
#include <string>
#include <vector>

#include "base/random.h"
#include "structures/test_bytes.h"
#include "values/set_ops.h"

namespace holdfast {
namespace {

using Texts = std::set<std::string>;

Texts texts_of(ValueView const& value) {
  Texts texts;
  packed::TextScratch scratch;
  for (SetCursor cursor{SetReader(value)}; std::optional<packed::Element> member = cursor.next();) {
    EXPECT_TRUE(texts.emplace(member->as_text(scratch)).second);
  }
  return texts;
}

/// A set outside of any key, changed as a transaction does it.
class TestSet {
 public:
  TestSet() {
    change([](SetEditor&) {});
  }
  template <class Change>
  void change(Change&& change) {
    ValueEdit edit{.type = ValueType::kSet, .encoding = value.encoding, .bytes = value.bytes, .body = value.body.get()};
    SetEditor editor(edit, {hasher, limits});
    change(editor);
    value.encoding = edit.encoding;
    value.bytes = edit.bytes;
    if (edit.made) value.body = std::move(edit.made);
  }
  bool add(std::string_view member) {
    bool is_new = false;
    change([&](SetEditor& set) { is_new = set.add(member); });
    return is_new;
  }
  bool erase(std::string_view member) {
    bool was_there = false;
    change([&](SetEditor& set) { was_there = set.erase(member); });
    return was_there;
  }
  /// As one SADD does it.
  void add_at_once(std::vector<std::string> const& members) {
    change([&](SetEditor& set) {
      set.prepare(members[0], members.size());
      for (std::string const& member : members) set.add(member);
    });
  }
  SetReader reader() const { return SetReader(value.view()); }
  std::string_view encoding() const { return set_ops().encoding_name(value.view()); }
  DetachedValue frozen() const {
    if (value.body) return DetachedValue::of_body(ValueType::kSet, value.body->freeze());
    return DetachedValue::of_packed(ValueType::kSet, value.bytes, value.encoding);
  }

  KeyHasher hasher{1};
  ValueLimits limits;
  DetachedValue value = DetachedValue::of_packed(ValueType::kSet, {});
};

std::vector<std::string> numbered(std::string const& prefix, int count) {
  std::vector<std::string> texts;
  for (int i = 0; i < count; i++) texts.push_back(prefix + std::to_string(i));
  return texts;
}

/// As random_text, or a small number, so that sets stay of integers for a while.
std::string random_member(Random& random, size_t bytes_max, bool integers) {
  if (integers || random.below(4) == 0) return std::to_string(static_cast<int64_t>(random.below(900)) - 300);
  return random_text(random, bytes_max);
}

TEST(SetValue, DoesWhatAModelDoes) {
  for (uint64_t seed = 0; seed < 12; seed++) {
    Random random(seed);
    TestSet set;
    set.limits.set_max_listpack_entries = seed % 3 == 0 ? 128 : random.below(600);
    set.limits.set_max_intset_entries = seed % 3 == 0 ? 512 : random.below(600);
    size_t const bytes_max = seed % 2 == 0 ? 30 : 3000;
    Texts model;
    std::vector<std::pair<DetachedValue, Texts>> frozen;
    for (int step = 0; step < 3000; step++) {
      std::string const member = random_member(random, bytes_max, step < 200 * static_cast<int>(seed % 4));
      switch (random.below(5)) {
        case 0:
        case 1:
        case 2:
          ASSERT_EQ(set.add(member), model.insert(member).second);
          break;
        case 3: {
          std::string const victim = random.below(2) == 0 || model.empty() ? member : *model.begin();
          ASSERT_EQ(set.erase(victim), model.erase(victim) == 1);
          break;
        }
        default: {
          ASSERT_EQ(set.reader().contains(member), model.contains(member));
          SetNeedle needle(packed::Element::of(member));
          needle.set_hash(set.hasher(member));
          ASSERT_EQ(set.reader().contains(needle), model.contains(member));
        }
      }
      ASSERT_EQ(set.reader().size(), model.size());
      if (random.below(100) == 0) {
        ASSERT_EQ(texts_of(set.value.view()), model);
      }
      if (random.below(500) == 0) frozen.emplace_back(set.frozen(), model);
    }
    ASSERT_EQ(texts_of(set.value.view()), model);
    for (auto const& [value, texts] : frozen) ASSERT_EQ(texts_of(value.view()), texts);
  }
}

TEST(SetValue, IntegersAreAnIntSetUpToTheLimit) {
  TestSet set;
  for (std::string const& member : numbered("", 512)) set.add(member);
  EXPECT_EQ(set.encoding(), "intset");
  set.add("7");
  EXPECT_EQ(set.encoding(), "intset");
  set.add("512");
  EXPECT_EQ(set.encoding(), "hashtable");
  EXPECT_EQ(set.reader().size(), 513u);
  TestSet first_is_text;
  first_is_text.add("01");
  EXPECT_EQ(first_is_text.encoding(), "listpack");
}

TEST(SetValue, TheFirstTextMakesASmallIntSetAPackedList) {
  TestSet set;
  for (std::string const& member : numbered("", 127)) set.add(member);
  set.add("a");
  EXPECT_EQ(set.encoding(), "listpack");
  EXPECT_EQ(set.reader().size(), 128u);
  set.add("b");
  EXPECT_EQ(set.encoding(), "hashtable");

  TestSet larger;
  for (std::string const& member : numbered("", 128)) larger.add(member);
  EXPECT_EQ(larger.encoding(), "intset");
  larger.add("a");
  EXPECT_EQ(larger.encoding(), "hashtable");
}

TEST(SetValue, TheFormDependsOnTheLengthOfMembers) {
  TestSet set;
  set.add("1");
  set.add(std::string(64, 'x'));
  EXPECT_EQ(set.encoding(), "listpack");
  set.add(std::string(65, 'x'));
  EXPECT_EQ(set.encoding(), "hashtable");

  TestSet ints;
  ints.limits.set_max_listpack_value = 3;
  ints.add("-100");
  ints.add("a");
  EXPECT_EQ(ints.encoding(), "hashtable");
}

TEST(SetValue, ManyMembersAtOnce) {
  TestSet ints;
  ints.add_at_once(numbered("", 512));
  EXPECT_EQ(ints.encoding(), "intset");
  TestSet too_many;
  too_many.add_at_once(std::vector<std::string>(513, "1"));
  EXPECT_EQ(too_many.encoding(), "hashtable");
  TestSet packed;
  packed.add_at_once(numbered("m", 128));
  EXPECT_EQ(packed.encoding(), "listpack");
  packed.add_at_once(std::vector<std::string>(129, "m1"));
  EXPECT_EQ(packed.encoding(), "hashtable");
  TestSet few_ints_allowed;
  few_ints_allowed.limits.set_max_intset_entries = 2;
  few_ints_allowed.add_at_once(numbered("", 3));
  EXPECT_EQ(few_ints_allowed.encoding(), "listpack");
}

TEST(SetValue, NothingTurnsBack) {
  TestSet set;
  set.add_at_once(numbered("m", 200));
  for (std::string const& member : numbered("m", 199)) set.erase(member);
  EXPECT_EQ(set.encoding(), "hashtable");
  TestSet packed;
  packed.add_at_once({"a", "1"});
  packed.erase("a");
  EXPECT_EQ(packed.encoding(), "listpack");
}

TEST(SetValue, MembersAreRemovedByAWalk) {
  for (std::string const prefix : {"", "m"}) {
    TestSet set;
    set.add_at_once(numbered(prefix, 100));
    DetachedValue const before = set.frozen();
    packed::TextScratch scratch;
    set.change([&](SetEditor& editor) {
      editor.remove_if(SetReader(before.view()),
                       [&](packed::Element const& member) { return member.as_text(scratch).ends_with('7'); });
    });
    EXPECT_EQ(set.reader().size(), 90u);
    EXPECT_FALSE(set.reader().contains(prefix + "27"));
    EXPECT_TRUE(set.reader().contains(prefix + "28"));
  }
}

TEST(SetValue, ABuilderWithoutMembersMakesNothing) {
  TestSet set;
  SetBuilder empty({set.hasher, set.limits});
  EXPECT_FALSE(empty.finish());
  set.add_at_once({"a", "5", "c"});
  SetBuilder builder({set.hasher, set.limits});
  builder.add_all(set.reader());
  EXPECT_FALSE(builder.add(packed::Element::of("5")));
  EXPECT_EQ(texts_of(builder.finish()->view()), (Texts{"5", "a", "c"}));
}

}  // namespace
}  // namespace holdfast
