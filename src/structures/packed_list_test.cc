#include "structures/packed_list.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <iterator>
#include <set>
#include <string>
#include <vector>

#include "base/random.h"
#include "base/strings.h"
#include "structures/test_bytes.h"

namespace holdfast {
namespace {

using packed::Element;

std::vector<Element> elements_of(std::vector<std::string> const& texts) {
  std::vector<Element> elements;
  for (std::string const& text : texts) elements.push_back(Element::of(text));
  return elements;
}

std::string list_of(std::vector<std::string> const& texts) {
  PackedListBuilder builder;
  for (std::string const& text : texts) builder.append(text);
  EXPECT_EQ(builder.count(), texts.size());
  size_t const announced = builder.size_bytes();
  std::string list = builder.finish();
  EXPECT_EQ(announced, list.size());
  return list;
}

std::string text_at(char const* at) {
  packed::TextScratch scratch;
  return std::string(packed::read_entry(at).as_text(scratch));
}

std::vector<std::string> texts_of(PackedListView list) {
  std::vector<std::string> texts;
  for (auto it = list.begin(); it != list.end(); ++it) texts.push_back(text_at(it.at()));
  return texts;
}

std::vector<std::string> texts_backwards(PackedListView list) {
  std::vector<std::string> texts;
  for (auto it = list.end(); it != list.begin();) texts.push_back(text_at((--it).at()));
  std::ranges::reverse(texts);
  return texts;
}

uint16_t count_field(std::string_view list) {
  return static_cast<uint16_t>(static_cast<uint8_t>(list[4]) | static_cast<uint8_t>(list[5]) << 8);
}

TEST(PackedList, BytesAreThoseOfRedis) {
  EXPECT_EQ(to_hex(list_of({})), "070000000000ff");
  EXPECT_EQ(to_hex(list_of({"f", "v", "n", "-5", "big", "70000"})),
            "1d0000000600816602817602816e02dffb028362696704f27011010"
            "4ff");
  EXPECT_EQ(to_hex(list_of({"f", "1", "g", "v"})), "1200000004008166020101816702817602ff");
  EXPECT_EQ(to_hex(list_of({"a", "1.5", "b", "2", "c", "inf"})),
            "1c000000060081610283312e3504816202020181630283696e6604ff");
  EXPECT_EQ(to_hex(list_of({"a", "b"})), "0d0000000200816102816202ff");
}

TEST(PackedList, EveryWriterMakesTheSameBytes) {
  Random random(1);
  std::vector<std::string> texts;
  for (size_t i = 0; i < 200; ++i) texts.push_back(random_text(random, 300));
  std::vector<Element> const elements = elements_of(texts);
  std::string const built = list_of(texts);

  std::string written(built.size(), '\0');
  EXPECT_EQ(write_packed_list(written.data(), elements), written.size());
  EXPECT_EQ(written, built);

  std::string edited = list_of({});
  apply_edit(edited, PackedEdit::append(PackedListView(edited), elements));
  EXPECT_EQ(edited, built);

  PackedListBuilder copier;
  PackedListView const view(built);
  for (auto it = view.begin(); it != view.end(); ++it) copier.append_entry(it.at());
  EXPECT_EQ(copier.finish(), built);
  EXPECT_EQ(to_hex(copier.finish()), "070000000000ff");
}

TEST(PackedList, SeeksFromBothEnds) {
  std::string const bytes = list_of({"a", "1", "ccc", "-4000", "e"});
  PackedListView const list(bytes);
  EXPECT_EQ(list.count(), 5u);
  std::vector<std::string> const texts = texts_of(list);
  for (int64_t i = 0; i < 5; ++i) {
    EXPECT_EQ(text_at(list.seek(i)), texts[static_cast<size_t>(i)]);
    EXPECT_EQ(list.seek(i - 5), list.seek(i));
  }
  EXPECT_EQ(list.seek(0), list.first());
  EXPECT_EQ(list.seek(-1), list.last());
  for (int64_t index : {int64_t{5}, int64_t{-6}, INT64_MIN, INT64_MAX}) EXPECT_EQ(list.seek(index), nullptr);
  std::string const none = list_of({});
  EXPECT_TRUE(PackedListView(none).empty());
  EXPECT_EQ(PackedListView(none).seek(0), nullptr);
  EXPECT_EQ(PackedListView(none).seek(-1), nullptr);
}

TEST(PackedList, FindsFieldsAndNotValues) {
  std::string const bytes = list_of({"name", "age", "age", "7", "7", "name"});
  PackedListView const list(bytes);
  EXPECT_EQ(list.find("age", 1), list.seek(2));
  EXPECT_EQ(list.find("7", 1), list.seek(4));
  EXPECT_EQ(list.find("name", 1), list.first());
  EXPECT_EQ(list.find("7"), list.seek(3));
  EXPECT_EQ(list.find("07"), nullptr);
  EXPECT_EQ(list.find(packed::Needle("name"), 0, list.seek(1)), list.seek(5));
}

TEST(PackedList, SeesDuplicatesOfTheStepOnly) {
  std::string const bytes = list_of({"a", "x", "b", "x", "12", "x"});
  EXPECT_FALSE(PackedListView(bytes).has_duplicates(2));
  EXPECT_TRUE(PackedListView(bytes).has_duplicates(1));
  // "12" as a number and as a text.
  std::string const foreign = bytes_of_hex("0c0000000200 0c01 82313203 ff");
  std::string const fixed = bytes_of_hex("0d0000000200 0c01 82313203 ff");
  EXPECT_FALSE(PackedListView::validate(foreign, true));
  ASSERT_TRUE(PackedListView::validate(fixed, true));
  EXPECT_TRUE(PackedListView(fixed).has_duplicates(1));
}

TEST(PackedList, EditsAgreeWithAModel) {
  Random random(7);
  std::vector<std::string> model;
  auto bytes = std::make_unique<ExactBytes>(std::string_view(list_of({})));
  for (size_t step = 0; step < 150'000; ++step) {
    PackedListView const list(bytes->view());
    size_t const offset = random.below(model.size() + 1);
    size_t const removed = random.below(model.size() > 60 ? 6 : 3);
    std::vector<std::string> texts(random.below(3));
    for (std::string& text : texts) text = random_text(random, step % 512 == 0 ? 20000 : 200);
    std::vector<Element> const elements = elements_of(texts);

    char const* const at = packed::advance(list.first(), list.terminator(), offset);
    PackedEdit const edit = PackedEdit::replace(list, at, removed, elements);
    size_t const after = edit.bytes_after(list);
    auto const first = model.begin() + static_cast<std::ptrdiff_t>(offset);
    auto const gone = static_cast<std::ptrdiff_t>(std::min(removed, model.size() - offset));
    ASSERT_EQ(edit.removed_count, static_cast<size_t>(gone));

    // In its place with just enough room.
    auto changed = std::make_unique<ExactBytes>(after);
    ExactBytes room(std::max(after, list.size_bytes()));
    std::ranges::copy(list.bytes(), room.data());
    ASSERT_EQ(edit.apply(room.data()), after);
    std::ranges::copy(room.view().substr(0, after), changed->data());
    bytes = std::move(changed);
    model.insert(model.erase(first, first + gone), texts.begin(), texts.end());

    PackedListView const now(bytes->view());
    ASSERT_EQ(now.count(), model.size());
    ASSERT_EQ(PackedListView::at(bytes->data()).size_bytes(), after);
    if (!model.empty()) {
      size_t const index = random.below(model.size());
      ASSERT_EQ(text_at(now.seek(static_cast<int64_t>(index))), model[index]);
      char const* const found = now.find(model[index]);
      ASSERT_NE(found, nullptr);
      ASSERT_EQ(text_at(found), model[index]);
    }
    if (step % 64 == 0) {
      ASSERT_TRUE(PackedListView::validate(bytes->view(), true));
      ASSERT_EQ(texts_of(now), model);
      ASSERT_EQ(texts_backwards(now), model);
      ASSERT_EQ(bytes->view(), list_of(model));
      ASSERT_EQ(now.has_duplicates(1), std::set(model.begin(), model.end()).size() != model.size());
    }
  }
}

TEST(PackedList, ShorthandsOfEdits) {
  std::string list = list_of({"b", "c"});
  Element const a[] = {Element::of("a")};
  Element const d[] = {Element::of("d"), Element::of_integer(4)};
  apply_edit(list, PackedEdit::prepend(PackedListView(list), a));
  apply_edit(list, PackedEdit::append(PackedListView(list), d));
  EXPECT_EQ(list, list_of({"a", "b", "c", "d", "4"}));
  apply_edit(list, PackedEdit::erase(PackedListView(list), PackedListView(list).seek(1), 2));
  EXPECT_EQ(list, list_of({"a", "d", "4"}));
  apply_edit(list, PackedEdit::insert(PackedListView(list), PackedListView(list).seek(1), d));
  EXPECT_EQ(list, list_of({"a", "d", "4", "d", "4"}));
  apply_edit(list, PackedEdit::erase(PackedListView(list), PackedListView(list).seek(3), 99));
  apply_edit(list, PackedEdit::erase(PackedListView(list), PackedListView(list).first(), 3));
  EXPECT_EQ(list, list_of({}));
}

TEST(PackedList, ACountOverTheFieldIsFoundByWalking) {
  PackedListBuilder builder;
  for (size_t i = 0; i < 65534; ++i) builder.append("x");
  std::string list = builder.finish();
  EXPECT_EQ(count_field(list), 65534);
  Element const one[] = {Element::of("y")};
  apply_edit(list, PackedEdit::append(PackedListView(list), one));
  EXPECT_EQ(count_field(list), 0xFFFF);
  EXPECT_EQ(PackedListView(list).count(), 65535u);
  apply_edit(list, PackedEdit::append(PackedListView(list), one));
  EXPECT_EQ(count_field(list), 0xFFFF);
  EXPECT_EQ(PackedListView(list).count(), 65536u);
  EXPECT_EQ(text_at(PackedListView(list).seek(65535)), "y");
  EXPECT_EQ(text_at(PackedListView(list).seek(-3)), "x");
  EXPECT_TRUE(PackedListView::validate(list, true));

  apply_edit(list, PackedEdit::erase(PackedListView(list), PackedListView(list).first(), 10));
  EXPECT_EQ(count_field(list), 0xFFFF);
  EXPECT_EQ(PackedListView(list).count(), 65526u);
  // So short that the count must fit the field: it is known again.
  apply_edit(list, PackedEdit::erase(PackedListView(list), PackedListView(list).first(), 30000));
  EXPECT_EQ(count_field(list), 35526);
  EXPECT_TRUE(PackedListView::validate(list, true));
}

TEST(PackedList, ValidationSeesWrongHeaders) {
  std::string const good = list_of({"a", "1"});
  ASSERT_TRUE(PackedListView::validate(good, true));
  for (size_t size = 0; size < good.size(); ++size) {
    ExactBytes const cut(std::string_view(good).substr(0, size));
    EXPECT_FALSE(PackedListView::validate(cut.view(), false));
  }
  EXPECT_FALSE(PackedListView::validate(good + "\xFF", false));
  std::string wrong_count = good;
  wrong_count[4] = 3;
  EXPECT_TRUE(PackedListView::validate(wrong_count, false));
  EXPECT_FALSE(PackedListView::validate(wrong_count, true));
  std::string unknown_count = good;
  unknown_count[4] = unknown_count[5] = '\xFF';
  EXPECT_TRUE(PackedListView::validate(unknown_count, true));
  EXPECT_EQ(PackedListView(unknown_count).count(), 2u);
  // A terminator before the end.
  EXPECT_FALSE(PackedListView::validate(bytes_of_hex("0a0000000100 0101 ffff"), true));
}

TEST(PackedList, DamagedListsAreRefusedOrSafeToRead) {
  Random random(11);
  size_t accepted = 0;
  for (size_t round = 0; round < 60'000; ++round) {
    std::vector<std::string> texts(1 + random.below(8));
    for (std::string& text : texts) text = random_text(random, 150);
    std::string damaged_list = damaged(list_of(texts), random);
    // Half of them with a good frame, so that the entries are looked at.
    if (random.below(2) == 0 && damaged_list.size() >= kPackedEmptyBytes) {
      auto const total = static_cast<uint32_t>(damaged_list.size());
      std::memcpy(damaged_list.data(), &total, sizeof total);
      damaged_list.back() = '\xFF';
      if (random.below(2) == 0) damaged_list[4] = damaged_list[5] = '\xFF';
    }
    ExactBytes const bytes((std::string_view(damaged_list)));
    (void)PackedListView::validate(bytes.view(), false);
    if (!PackedListView::validate(bytes.view(), true)) continue;
    ++accepted;
    PackedListView const list(bytes.view());
    std::vector<std::string> const read = texts_of(list);
    ASSERT_EQ(read.size(), list.count());
    ASSERT_EQ(texts_backwards(list), read);
    for (std::string const& text : read) ASSERT_EQ(text_at(list.find(text)), text);
    (void)list.has_duplicates(2);
  }
  EXPECT_GT(accepted, 1000u);
}

}  // namespace
}  // namespace holdfast
