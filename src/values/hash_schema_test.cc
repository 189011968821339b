#include "values/hash_schema.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <string>
#include <thread>
#include <vector>

#include "base/random.h"
#include "structures/test_pairs.h"
#include "values/hash_value.h"
#include "values/type_ops.h"

namespace holdfast {
namespace {

Pairs pairs_of(ValueView const& value) {
  Pairs pairs;
  packed::TextScratch field;
  packed::TextScratch text;
  for (HashCursor cursor(value); std::optional<HashEntry> entry = cursor.next();) {
    pairs.emplace_back(entry->field.as_text(field), entry->value.element.as_text(text));
  }
  return pairs;
}

ValueView view_of(std::string const& form) {
  return {.type = ValueType::kHash, .encoding = Encoding::kSchema, .bytes = form};
}

/// Fields that no other test has: schemas last.
Pairs person(std::string const& test, int number) {
  return {{test + "name", "someone"}, {test + "7", std::to_string(number)}, {"-12", test}, {test + "empty", ""}};
}

/// Meets the names so often that they have a schema.
void learn(Pairs const& pairs) {
  for (unsigned i = 0; i < HashSchema::kSightings; i++) {
    std::string bytes = packed_of(pairs);
    take_schema_form(bytes);
  }
}

TEST(HashSchema, NamesThatComeAgainAreKeptOnce) {
  unsigned packed = 0;
  for (int i = 0; i < 100; i++) {
    std::string const before = packed_of(person("again", i));
    std::string bytes = before;
    if (!take_schema_form(bytes)) {
      EXPECT_EQ(bytes, before);
      packed++;
      continue;
    }
    EXPECT_LT(bytes.size(), before.size() / 2);
    EXPECT_EQ(pairs_of(view_of(bytes)), person("again", i));
    EXPECT_EQ(packed_form(bytes), before);
  }
  EXPECT_EQ(packed, HashSchema::kSightings - 1);
}

TEST(HashSchema, OtherOrderIsAnotherSchema) {
  Pairs const one{{"order a", "1"}, {"order b", "2"}};
  Pairs const other{{"order b", "2"}, {"order a", "1"}};
  learn(one);
  learn(other);
  std::string first = packed_of(one);
  std::string second = packed_of(other);
  ASSERT_TRUE(take_schema_form(first));
  ASSERT_TRUE(take_schema_form(second));
  EXPECT_NE(&HashSchema::of(first), &HashSchema::of(second));
  EXPECT_EQ(pairs_of(view_of(first)), one);
  EXPECT_EQ(pairs_of(view_of(second)), other);
}

TEST(HashSchema, ManyOrLongNamesStayPacked) {
  Pairs many;
  for (size_t i = 0; i <= HashSchema::kFieldsMax; i++) many.emplace_back("many" + std::to_string(i), "x");
  Pairs const lengthy{{std::string(HashSchema::kNameBytesMax, 'n'), "x"}};
  for (Pairs const& pairs : {many, lengthy, Pairs{}}) {
    learn(pairs);
    std::string bytes = packed_of(pairs);
    EXPECT_FALSE(take_schema_form(bytes));
    EXPECT_EQ(bytes, packed_of(pairs));
  }
  many.pop_back();
  learn(many);
  std::string bytes = packed_of(many);
  ASSERT_TRUE(take_schema_form(bytes));
  EXPECT_EQ(pairs_of(view_of(bytes)), many);
}

TEST(HashSchema, NamesThatComeOnceLeaveNothing) {
  for (int i = 0; i < 20000; i++) {
    std::string bytes = packed_of({{"once " + std::to_string(i), "x"}});
    ASSERT_FALSE(take_schema_form(bytes));
  }
}

TEST(HashSchema, ReadersFindFieldsAndPlaces) {
  Pairs const pairs = person("read", 5);
  learn(pairs);
  std::string bytes = packed_of(pairs);
  ASSERT_TRUE(take_schema_form(bytes));
  HashReader const reader(view_of(bytes));
  EXPECT_EQ(reader.size(), pairs.size());
  EXPECT_FALSE(reader.contains("absent"));
  EXPECT_FALSE(reader.find("absent"));
  packed::TextScratch scratch;
  for (size_t i = 0; i < pairs.size(); i++) {
    EXPECT_TRUE(reader.contains(pairs[i].first));
    EXPECT_EQ(reader.find(pairs[i].first)->element.as_text(scratch), pairs[i].second);
    EXPECT_EQ(reader.entry(i).field.as_text(scratch), pairs[i].first);
    EXPECT_EQ(reader.entry(i).value.element.as_text(scratch), pairs[i].second);
  }
}

/// What a record keeps between commands, changed as commands do, against a simple model; limits change as well.
TEST(HashSchema, RandomChangesAgainstAModel) {
  KeyHasher const hasher{7};
  ValueLimits limits;
  ValueContext const context{hasher, limits};
  TypeOps const& ops = ops_of(ValueType::kHash);
  Random random(22);
  size_t in_schema = 0;
  for (int round = 0; round < 300; round++) {
    limits.hash_max_listpack_entries = random.below(4) == 0 ? 3 : 128;
    std::map<std::string, std::string> model;
    ValueEdit stored{.type = ValueType::kHash};
    for (int step = 0; step < 200; step++) {
      ValueEdit edit{.type = ValueType::kHash};
      if (stored.in_body()) {
        edit.become(std::move(stored.made));
      } else {
        edit.encoding = stored.encoding;
        edit.bytes = stored.bytes;
      }
      HashEditor editor(edit, context);
      std::string const field = random.below(3) == 0 ? std::to_string(random.below(3)) : "f" + std::to_string(random.below(3));
      if (random.below(4) == 0) {
        EXPECT_EQ(editor.erase(field), model.erase(field) > 0);
      } else {
        std::string value(random.below(random.below(20) == 0 ? 80 : 12), static_cast<char>('0' + random.below(3)));
        editor.prepare(std::vector<std::string_view>{field, value});
        EXPECT_EQ(editor.set(field, value), model.insert_or_assign(field, value).second);
      }
      if (edit.names_changed && !edit.in_body()) ops.compact(edit.bytes, edit.encoding);
      Pairs const pairs = pairs_of(edit.view());
      ASSERT_EQ((std::map<std::string, std::string>(pairs.begin(), pairs.end())), model);
      ASSERT_EQ(pairs.size(), model.size());
      std::string out;
      RdbWriter writer(out, false);
      ops.write_rdb(edit.view(), writer, {});
      if (!model.empty()) {
        ByteReader in(out);
        MaybeValue const again = ops.read_rdb(ops.rdb_type(edit.view()), in, context);
        ASSERT_TRUE(again && in.ok());
        if (!edit.in_body()) {
          ASSERT_EQ(pairs_of(again->view()), pairs);
        }
      }
      in_schema += edit.encoding == Encoding::kSchema;
      stored = std::move(edit);
      if (model.empty()) stored = ValueEdit{.type = ValueType::kHash};
    }
  }
  EXPECT_GT(in_schema, 10000u);
}

TEST(HashSchema, ThreadsLearnTheSameNames) {
  std::vector<std::thread> threads;
  for (int thread = 0; thread < 4; thread++) {
    threads.emplace_back([thread] {
      Random random(static_cast<uint64_t>(thread));
      for (int i = 0; i < 20000; i++) {
        Pairs const pairs = person("thread" + std::to_string(random.below(50)), i);
        std::string bytes = packed_of(pairs);
        if (take_schema_form(bytes)) {
          ASSERT_EQ(pairs_of(view_of(bytes)), pairs);
        }
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  std::vector<HashSchema const*> schemas;
  for (int i = 0; i < 50; i++) {
    std::string bytes = packed_of(person("thread" + std::to_string(i), i));
    ASSERT_TRUE(take_schema_form(bytes));
    schemas.push_back(&HashSchema::of(bytes));
  }
  std::ranges::sort(schemas);
  EXPECT_TRUE(std::ranges::adjacent_find(schemas) == schemas.end());
}

}  // namespace
}  // namespace holdfast
