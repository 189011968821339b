#include "values/list_value.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "base/random.h"
#include "structures/test_bytes.h"
#include "values/detached_value.h"
#include "values/list_ops.h"

namespace holdfast {
namespace {

using Texts = std::vector<std::string>;

/// A list outside of any key, changed as a transaction does it.
class TestList {
 public:
  explicit TestList(int64_t limit = -2) { limits.list_max_listpack_size = limit; }

  template <class Change>
  void change(Change&& change) {
    ValueEdit edit{.type = ValueType::kList, .encoding = value.encoding, .bytes = value.bytes, .body = value.body.get()};
    ListEditor editor(edit, limits);
    change(editor);
    value.encoding = edit.encoding;
    value.bytes = edit.bytes;
    if (edit.made) value.body = std::move(edit.made);
  }
  void push(ListEnd end, std::vector<std::string_view> const& texts) {
    change([&](ListEditor& list) { list.push(end, texts); });
  }
  void fill(uint64_t count, std::string_view text) {
    for (uint64_t i = 0; i < count; i++) push(ListEnd::kTail, {text});
  }
  void erase(uint64_t first, uint64_t last) {
    change([&](ListEditor& list) { list.erase(first, last); });
  }

  ListReader reader() const { return ListReader(value.view()); }
  std::string_view encoding() const { return list_ops().encoding_name(value.view()); }
  Texts texts() const {
    Texts texts;
    packed::TextScratch scratch;
    reader().for_each(0, UINT64_MAX, [&](packed::Element const& element, SharedBuffer*) {
      texts.emplace_back(element.as_text(scratch));
    });
    return texts;
  }
  DetachedValue frozen() const {
    if (value.body) return DetachedValue::of_body(ValueType::kList, value.body->freeze());
    return DetachedValue::of_packed(ValueType::kList, value.bytes);
  }

  ValueLimits limits;
  DetachedValue value = DetachedValue::of_packed(ValueType::kList, {});
};

Texts texts_of(DetachedValue const& value) {
  Texts texts;
  packed::TextScratch scratch;
  ListReader(value.view()).for_each(0, UINT64_MAX, [&](packed::Element const& element, SharedBuffer*) {
    texts.emplace_back(element.as_text(scratch));
  });
  return texts;
}

uint64_t remove_from(Texts& model, std::string const& text, uint64_t limit, bool from_tail) {
  if (from_tail) std::ranges::reverse(model);
  uint64_t removed = 0;
  std::erase_if(model, [&](std::string const& each) { return each == text && removed < limit && ++removed > 0; });
  if (from_tail) std::ranges::reverse(model);
  return removed;
}

/// Does the same to both and compares what is answered.
void change_randomly(TestList& list, Texts& model, Random& random, size_t bytes_max) {
  ListEnd const end = random.below(2) == 0 ? ListEnd::kHead : ListEnd::kTail;
  std::string const text = random_text(random, bytes_max);
  uint64_t const at = model.empty() ? 0 : random.below(model.size());
  switch (model.empty() ? random.below(3) : random.below(9)) {
    case 0:
    case 1:
    case 2: {
      Texts texts(1 + random.below(random.below(20) == 0 ? 100 : 3));
      for (std::string& each : texts) each = random_text(random, bytes_max);
      list.push(end, {texts.begin(), texts.end()});
      if (end == ListEnd::kHead) std::ranges::reverse(texts);
      model.insert(end == ListEnd::kHead ? model.begin() : model.end(), texts.begin(), texts.end());
      break;
    }
    case 3:
      list.change([&](ListEditor& editor) { editor.set(at, text); });
      model[at] = text;
      break;
    case 4:
      list.change([&](ListEditor& editor) { editor.insert(at, text); });
      model.insert(model.begin() + static_cast<ptrdiff_t>(at), text);
      break;
    case 5: {
      std::string const victim = random.below(2) == 0 ? text : model[at];
      uint64_t const limit = random.below(4) == 0 ? UINT64_MAX : 1 + random.below(3);
      uint64_t removed = 0;
      list.change([&](ListEditor& editor) { removed = editor.remove(victim, limit, end); });
      ASSERT_EQ(removed, remove_from(model, victim, limit, end == ListEnd::kTail));
      break;
    }
    case 6: {
      uint64_t const index = end == ListEnd::kHead ? 0 : model.size() - 1;
      list.erase(index, index + 1);
      model.erase(model.begin() + static_cast<ptrdiff_t>(index));
      break;
    }
    case 7: {
      uint64_t const last = at + random.below(std::min<uint64_t>(model.size() - at + 1, random.below(8) == 0 ? 1000 : 4));
      list.erase(at, last);
      model.erase(model.begin() + static_cast<ptrdiff_t>(at), model.begin() + static_cast<ptrdiff_t>(last));
      break;
    }
    default: {
      packed::TextScratch scratch;
      ListReader::Cursor cursor = list.reader().at(at);
      ASSERT_EQ(cursor.element().as_text(scratch), model[at]);
      ASSERT_TRUE(cursor.matches(packed::Needle(model[at])));
      cursor.next();
      ASSERT_EQ(static_cast<bool>(cursor), at + 1 < model.size());
      cursor = list.reader().at(at);
      cursor.previous();
      ASSERT_EQ(static_cast<bool>(cursor), at > 0);
      if (at > 0) {
        ASSERT_EQ(cursor.element().as_text(scratch), model[at - 1]);
      }
    }
  }
}

TEST(ListValue, DoesWhatAModelDoes) {
  for (uint64_t seed = 0; seed < 12; seed++) {
    Random random(seed);
    TestList list(seed % 3 == 0 ? -2 : seed % 3 == 1 ? -1 : static_cast<int64_t>(random.below(200)));
    Texts model;
    size_t const bytes_max = seed % 2 == 0 ? 30 : 3000;
    std::vector<std::pair<DetachedValue, Texts>> frozen;
    for (int step = 0; step < 1500; step++) {
      change_randomly(list, model, random, bytes_max);
      ASSERT_EQ(list.reader().size(), model.size());
      if (random.below(50) == 0) {
        ASSERT_EQ(list.texts(), model);
      }
      if (random.below(200) == 0) frozen.emplace_back(list.frozen(), model);
    }
    ASSERT_EQ(list.texts(), model);
    for (auto const& [value, texts] : frozen) ASSERT_EQ(texts_of(value), texts);
  }
}

TEST(ListValue, StaysInItsRecordUpToALimit) {
  TestList list;
  list.fill(80, "0123456789");
  EXPECT_EQ(list.value.encoding, Encoding::kPacked);
  list.fill(20, "0123456789");
  EXPECT_EQ(list.value.encoding, Encoding::kBody);
  EXPECT_EQ(list.encoding(), "listpack");
}

TEST(ListValue, IsAQuicklistBeyondTheBytesOfTheLimit) {
  // Held against the limit: the packed list, where an element of 100 bytes takes 103, and the bare text that comes.
  for (auto const& [limit, bytes] : {std::pair{-1, 4096}, {-2, 8192}, {-3, 16384}, {-4, 32768}, {-5, 65536}, {-9, 65536}}) {
    TestList list(limit);
    std::string const text(100, 'x');
    int count = 0;
    while (7 + count * 103 + 100 <= bytes) {
      list.push(ListEnd::kHead, {text});
      count++;
      ASSERT_EQ(list.encoding(), "listpack") << limit << " " << count;
    }
    list.push(ListEnd::kHead, {text});
    EXPECT_EQ(list.encoding(), "quicklist") << limit;
  }
}

TEST(ListValue, IsAQuicklistBeyondTheElementsOfTheLimit) {
  TestList list(4);
  list.fill(4, "a");
  EXPECT_EQ(list.encoding(), "listpack");
  list.fill(1, "a");
  EXPECT_EQ(list.encoding(), "quicklist");
  list.erase(0, 1);
  list.erase(0, 1);
  EXPECT_EQ(list.encoding(), "quicklist");
  list.erase(0, 1);
  EXPECT_EQ(list.encoding(), "listpack");
  list.fill(2, "a");
  EXPECT_EQ(list.encoding(), "listpack");
  TestList none(0);
  none.fill(1, "a");
  EXPECT_EQ(none.encoding(), "listpack");
  none.fill(1, "a");
  EXPECT_EQ(none.encoding(), "quicklist");
}

TEST(ListValue, IsAListpackAgainFromHalfTheLimitOn) {
  std::string const text(100, 'x');  // 103 bytes in a packed list
  TestList list;
  list.fill(300, text);
  ASSERT_EQ(list.encoding(), "quicklist");
  while (7 + list.reader().size() * 103 > 4096 + 103) {
    list.erase(list.reader().size() - 1, list.reader().size());
    ASSERT_EQ(list.encoding(), "quicklist") << list.reader().size();
  }
  list.erase(0, 1);
  EXPECT_EQ(list.encoding(), "listpack");
  list.fill(300, text);
  list.erase(10, 320);
  EXPECT_EQ(list.encoding(), "listpack");
  list.fill(300, "y");
  list.fill(100, text);
  EXPECT_EQ(list.encoding(), "quicklist");
  list.change([&](ListEditor& editor) { editor.remove(text, UINT64_MAX, ListEnd::kTail); });
  EXPECT_EQ(list.encoding(), "listpack");
  list.push(ListEnd::kTail, {std::string(10'000, 'z')});
  EXPECT_EQ(list.encoding(), "quicklist");
  list.change([&](ListEditor& editor) { editor.set(editor.size() - 1, "z"); });
  EXPECT_EQ(list.encoding(), "listpack");
}

TEST(ListValue, OneLongTextMakesAQuicklist) {
  TestList list;
  list.push(ListEnd::kTail, {std::string(8185, 'x')});
  EXPECT_EQ(list.encoding(), "listpack");
  TestList longer;
  longer.push(ListEnd::kTail, {std::string(8186, 'x')});
  EXPECT_EQ(longer.encoding(), "quicklist");
}

}  // namespace
}  // namespace holdfast
