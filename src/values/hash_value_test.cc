#include "values/hash_value.h"

#include <gtest/gtest.h>

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/random.h"
#include "structures/test_bytes.h"
#include "values/type_ops.h"

namespace holdfast {
namespace {

struct Expected {
  std::string value;
  std::optional<int64_t> expire_ms;
  bool operator==(Expected const&) const = default;
};
using Model = std::map<std::string, Expected>;

struct World {
  KeyHasher hasher{20};
  ValueLimits limits;
  ValueContext context{hasher, limits};

  World() { limits.hash_max_listpack_entries = 16; }
};

/// A hash in the hands of a test: what a record would keep.
class HashValueTest : public testing::Test, protected World {
 protected:
  HashValueTest() { edit_.type = ValueType::kHash; }

  HashEditor editor() { return HashEditor(edit_, context); }
  std::string_view encoding() { return ops_of(ValueType::kHash).encoding_name(edit_.view()); }
  bool set(std::string_view field, std::string_view value) { return editor().set(field, value); }

  ValueEdit edit_;
};

Model content(ValueView const& value) {
  Model model;
  packed::TextScratch field;
  packed::TextScratch text;
  for (HashCursor cursor(value); std::optional<HashEntry> entry = cursor.next();) {
    bool const is_new = model
                            .emplace(entry->field.as_text(field),
                                     Expected{std::string(entry->value.element.as_text(text)), entry->value.expire_ms})
                            .second;
    EXPECT_TRUE(is_new);
  }
  EXPECT_EQ(HashReader(value).size(), model.size());
  return model;
}

std::string payload_of(ValueView const& value, bool compress = true) {
  std::string bytes;
  RdbWriter writer(bytes, compress);
  EXPECT_TRUE(ops_of(ValueType::kHash).write_rdb(value, writer, {}));
  return bytes;
}

std::optional<DetachedValue> read_payload(RdbType type, std::string_view bytes, ValueContext const& context) {
  ByteReader in(bytes);
  std::optional<DetachedValue> value = read_rdb_value(type, in, context);
  if (!in.ok() || !in.at_end()) return std::nullopt;
  return value;
}

TEST_F(HashValueTest, BecomesAHashTableBeyondTheLimits) {
  for (int i = 0; i < 16; i++) EXPECT_TRUE(set("f" + std::to_string(i), "v"));
  EXPECT_EQ(encoding(), "listpack");
  EXPECT_FALSE(set("f3", "other"));
  EXPECT_EQ(encoding(), "listpack");
  EXPECT_TRUE(set("f16", "v"));
  EXPECT_EQ(encoding(), "hashtable");
  for (int i = 1; i < 17; i++) EXPECT_TRUE(editor().erase("f" + std::to_string(i)));
  EXPECT_EQ(encoding(), "hashtable");
  EXPECT_EQ(content(edit_.view()), (Model{{"f0", {"v", {}}}}));
}

TEST_F(HashValueTest, ALongTextMakesAHashTable) {
  set("f", std::string(64, 'v'));
  EXPECT_EQ(encoding(), "listpack");
  set(std::string(65, 'f'), "v");
  EXPECT_EQ(encoding(), "hashtable");
}

TEST_F(HashValueTest, PrepareLooksAtAllTextsFirst) {
  std::string const long_text(65, 'x');
  std::vector<std::string_view> const pairs = {"a", "1", "b", long_text};
  editor().prepare(pairs);
  EXPECT_EQ(encoding(), "hashtable");
}

TEST_F(HashValueTest, AnExpiryMakesABodyThatCountsAsSmall) {
  set("a", "1");
  set("b", "2");
  editor().set_expiry("a", std::nullopt);
  EXPECT_EQ(encoding(), "listpack");
  editor().set_expiry("a", 5000);
  EXPECT_EQ(encoding(), "listpackex");
  EXPECT_EQ(edit_.body->expiring_elements(), 1u);
  EXPECT_LE(edit_.body->next_expiry_ms(), 5000);
  EXPECT_EQ(content(edit_.view()), (Model{{"a", {"1", 5000}}, {"b", {"2", {}}}}));
  editor().set_expiry("a", std::nullopt);
  EXPECT_EQ(edit_.body->next_expiry_ms(), Body::kNoExpiry);
  EXPECT_EQ(encoding(), "listpackex");
  set("c", std::string(65, 'x'));
  EXPECT_EQ(encoding(), "hashtable");
}

TEST_F(HashValueTest, SettingAFieldRemovesItsExpiryUnlessItIsGiven) {
  editor().set("a", "1", 5000);
  editor().set("b", "1", 5000);
  editor().set("a", "2");
  editor().set("b", "2", 6000);
  EXPECT_EQ(content(edit_.view()), (Model{{"a", {"2", {}}}, {"b", {"2", 6000}}}));
}

TEST_F(HashValueTest, RemovesWhatHasExpiredAndNotWhatExpiresNow) {
  for (int i = 0; i < 100; i++) editor().set("f" + std::to_string(i), "v", 1000 + i);
  std::vector<std::string> gone;
  auto const visit = [&](FieldEntry const& entry) { gone.emplace_back(entry.field); };
  EXPECT_EQ(editor().remove_expired(1010, 4, visit), 4u);
  EXPECT_EQ(editor().remove_expired(1010, 100, visit), 6u);
  EXPECT_EQ(gone.size(), 10u);
  EXPECT_EQ(editor().size(), 90u);
  EXPECT_TRUE(HashReader(edit_.view()).contains("f10"));
}

// Random operations, held against a map. Every so often the hash is written and read back, and a frozen copy must stay.
TEST(HashValueModel, RandomOperationsOverAllForms) {
  for (uint64_t seed = 1; seed <= 12; seed++) {
    SCOPED_TRACE(seed);
    World world;
    Random random(seed);
    ValueEdit edit;
    edit.type = ValueType::kHash;
    Model model;
    std::unique_ptr<Body> frozen;
    Model frozen_model;
    // Few fields stay packed for long, many make big hashes.
    uint64_t const fields = seed % 3 == 0 ? 2000 : seed % 3 == 1 ? 12 : 40;
    bool const expiries = seed % 4 >= 2;
    for (int step = 0; step < 4000; step++) {
      HashEditor editor(edit, world.context);
      std::string const field = "field" + std::to_string(random.below(fields));
      switch (random.below(expiries ? 8 : 6)) {
        case 0:
        case 1:
        case 2:
        case 3: {
          std::string const value = random_text(random, seed % 5 == 0 ? 3000 : 40);
          EXPECT_EQ(editor.set(field, value), !model.contains(field));
          model[field] = {value, {}};
          break;
        }
        case 4:
        case 5:
          EXPECT_EQ(editor.erase(field), model.erase(field) == 1);
          break;
        case 6: {
          if (!model.contains(field)) break;
          std::optional<int64_t> expire_ms;
          if (random.below(4) != 0) expire_ms = static_cast<int64_t>(random.below(1 << 20));
          editor.set_expiry(field, expire_ms);
          model[field].expire_ms = expire_ms;
          break;
        }
        default: {
          auto const now_ms = static_cast<int64_t>(random.below(1 << 18));
          size_t const removed = editor.remove_expired(now_ms, SIZE_MAX, [](FieldEntry const&) {});
          EXPECT_EQ(removed, std::erase_if(model, [&](auto const& entry) {
                      return entry.second.expire_ms && *entry.second.expire_ms < now_ms;
                    }));
        }
      }
      EXPECT_EQ(editor.size(), model.size());
      if (step % 500 == 250) {
        EXPECT_EQ(content(edit.view()), model);
        if (frozen) {
          EXPECT_EQ(content({.type = ValueType::kHash, .encoding = Encoding::kBody, .body = frozen.get()}),
                    frozen_model);
        }
        if (edit.body) {
          frozen = edit.body->freeze();
          frozen_model = model;
        }
        if (model.empty()) continue;
        std::optional<DetachedValue> const read =
            read_payload(ops_of(ValueType::kHash).rdb_type(edit.view()), payload_of(edit.view()), world.context);
        ASSERT_TRUE(read);
        EXPECT_EQ(content(read->view()), model);
      }
    }
    EXPECT_EQ(content(edit.view()), model);
  }
}

class HashPayload : public HashValueTest {
 protected:
  void expect_read(RdbType type, std::string_view hex, Model const& model, std::string_view encoding_name) {
    std::optional<DetachedValue> const value = read_payload(type, bytes_of_hex(hex), context);
    ASSERT_TRUE(value) << hex;
    EXPECT_EQ(content(value->view()), model) << hex;
    EXPECT_EQ(ops_of(ValueType::kHash).encoding_name(value->view()), encoding_name) << hex;
  }
  void expect_damaged(RdbType type, std::string_view hex) {
    std::string const bytes = bytes_of_hex(hex);
    ByteReader in(bytes);
    read_rdb_value(type, in, context);
    EXPECT_FALSE(in.ok()) << hex;
  }
  void expect_nothing(RdbType type, std::string_view hex) {
    std::string const bytes = bytes_of_hex(hex);
    ByteReader in(bytes);
    EXPECT_FALSE(read_rdb_value(type, in, context)) << hex;
    EXPECT_TRUE(in.ok() && in.at_end()) << hex;
  }
};

TEST_F(HashPayload, AllFormsThatWereEverWritten) {
  Model const plain = {{"a", {"1", {}}}, {"b", {"2.5", {}}}};
  expect_read(RdbType::kHash, "01 01 66 01 76", {{"f", {"v", {}}}}, "listpack");
  expect_read(RdbType::kHashZiplist, "18 18000000 12000000 0400 00 01 61 03 F2 02 01 62 03 03 32 2E 35 FF", plain,
              "listpack");
  expect_read(RdbType::kHashZipmap, "12 02 03 666F6F 03 00 626172 01 61 01 02 62 5858 FF",
              {{"foo", {"bar", {}}}, {"a", {"b", {}}}}, "listpack");
  expect_read(RdbType::kHashListpack, "12 12000000 0400 81 66 02 01 01 81 67 02 81 76 02 FF",
              {{"f", {"1", {}}}, {"g", {"v", {}}}}, "listpack");
  // Expiring fields: the numbers are absolute in type 22 and 23, and one more than the distance to the first in 24.
  Model const expiring = {{"f", {"v", 1000}}, {"g", {"w", {}}}};
  expect_read(RdbType::kHashMetadataPreGa, "02 43E8 01 66 01 76 00 01 67 01 77", expiring, "listpackex");
  expect_read(RdbType::kHashMetadata, "E803000000000000 02 01 01 66 01 76 00 01 67 01 77", expiring, "listpackex");
  std::string const triplets = "18 18000000 0600 81 66 02 81 76 02 C3 E8 02 81 67 02 81 77 02 00 01 FF";
  expect_read(RdbType::kHashListpackExPreGa, triplets, expiring, "listpackex");
  expect_read(RdbType::kHashListpackEx, "E803000000000000" + triplets, expiring, "listpackex");
}

TEST_F(HashPayload, MoreFieldsThanTheLimitMakeAHashTable) {
  limits.hash_max_listpack_entries = 1;
  Model const model = {{"f", {"1", {}}}, {"g", {"v", {}}}};
  expect_read(RdbType::kHashListpack, "12 12000000 0400 81 66 02 01 01 81 67 02 81 76 02 FF", model, "hashtable");
  expect_read(RdbType::kHash, "02 01 66 01 31 01 67 01 76", model, "hashtable");
}

TEST_F(HashPayload, NoFieldsAreNoValue) {
  expect_nothing(RdbType::kHash, "00");
  expect_nothing(RdbType::kHashListpack, "07 07000000 0000 FF");
  expect_nothing(RdbType::kHashZiplist, "0B 0B000000 0A000000 0000 FF");
  expect_nothing(RdbType::kHashMetadataPreGa, "00");
  expect_nothing(RdbType::kHashListpackExPreGa, "07 07000000 0000 FF");
}

TEST_F(HashPayload, WhatCannotBeIsDamage) {
  expect_damaged(RdbType::kHash, "02 01 61 01 31 01 61 01 32");       // a field twice
  expect_damaged(RdbType::kHash, "02 01 61 01 31");                   // the end is missing
  expect_damaged(RdbType::kHash, "81 FFFFFFFFFFFFFFFF 01 61 01 31");  // a count without fields
  expect_damaged(RdbType::kHashListpack, "10 10000000 0400 81 66 02 01 01 81 66 02 01 01 FF");  // a field twice
  expect_damaged(RdbType::kHashListpack, "0F 0F000000 0300 81 66 02 01 01 81 67 02 FF");        // no value
  expect_damaged(RdbType::kHashListpack, "12 12000000 0500 81 66 02 01 01 81 67 02 81 76 02 FF");
  expect_damaged(RdbType::kHashZipmap, "02 00 FF");
  // Expiries: too far away, a text, out of order, the first one negative.
  expect_damaged(RdbType::kHashMetadataPreGa, "01 81 0001000000000000 01 66 01 76");
  expect_damaged(RdbType::kHashMetadata, "FFFFFFFFFFFF0000 01 02 01 66 01 76");
  expect_damaged(RdbType::kHashMetadata, "FFFFFFFFFFFFFFFF 01 02 01 66 01 76");
  expect_damaged(RdbType::kHashListpackExPreGa, "10 10000000 0300 81 66 02 81 76 02 81 78 02 FF");
  expect_damaged(RdbType::kHashListpackExPreGa, "17 17000000 0600 81 66 02 81 76 02 05 01 81 67 02 81 77 02 04 01 FF");
  expect_damaged(RdbType::kHashListpackExPreGa, "17 17000000 0600 81 66 02 81 76 02 00 01 81 67 02 81 77 02 04 01 FF");
}

// Damaged bytes: the answer is a sound hash or a fault, nothing else; the sanitizers watch.
TEST_F(HashPayload, DamagedBytesEndInAFaultOrASoundHash) {
  Random random(5);
  std::vector<std::pair<RdbType, std::string>> seeds;
  for (int i = 0; i < 12; i++) seeds.emplace_back(RdbType::kHashListpack, "");
  for (size_t fields : {1, 5, 12, 40}) {
    for (bool expiring : {false, true}) {
      ValueEdit edit;
      edit.type = ValueType::kHash;
      HashEditor editor(edit, context);
      for (size_t i = 0; i < fields; i++) {
        std::optional<int64_t> expire_ms;
        if (expiring && i % 2 == 0) expire_ms = 1000 + static_cast<int64_t>(i);
        editor.set("f" + std::to_string(i), random_text(random, 30), expire_ms);
      }
      seeds.emplace_back(ops_of(ValueType::kHash).rdb_type(edit.view()), payload_of(edit.view(), fields != 5));
    }
  }
  seeds.emplace_back(RdbType::kHashListpackExPreGa,
                     bytes_of_hex("18 18000000 0600 81 66 02 81 76 02 C3 E8 02 81 67 02 81 77 02 00 01 FF"));
  seeds.emplace_back(RdbType::kHashZiplist,
                     bytes_of_hex("18 18000000 12000000 0400 00 01 61 03 F2 02 01 62 03 03 32 2E 35 FF"));
  seeds.emplace_back(RdbType::kHashZipmap, bytes_of_hex("12 02 03 666F6F 03 00 626172 01 61 01 02 62 5858 FF"));
  int sound = 0;
  for (int round = 0; round < 20'000; round++) {
    auto const& [type, bytes] = seeds[random.below(seeds.size())];
    ExactBytes const hostile(damaged(bytes, random));
    ByteReader in(hostile.view());
    std::optional<DetachedValue> const value = read_rdb_value(type, in, context);
    if (!in.ok() || !value) continue;
    sound++;
    Model const model = content(value->view());
    EXPECT_FALSE(model.empty());
    for (auto const& [field, expected] : model) EXPECT_TRUE(HashReader(value->view()).contains(field));
    payload_of(value->view());
  }
  EXPECT_GT(sound, 100);
}

TEST_F(HashValueTest, CommandsRebuildItInBatches) {
  for (int i = 0; i < 70; i++) set("f" + std::to_string(i), std::to_string(i));
  editor().set_expiry("f7", 1234);
  std::string out;
  int pieces = 0;
  EXPECT_TRUE(ops_of(ValueType::kHash).write_commands("key", edit_.view(), out, {}));
  for (size_t at = 0; (at = out.find("HMSET", at)) != std::string::npos; at++) pieces++;
  EXPECT_EQ(pieces, 2);
  EXPECT_TRUE(out.starts_with("*130\r\n$5\r\nHMSET\r\n$3\r\nkey\r\n"));
  EXPECT_NE(out.find("*6\r\n$10\r\nHPEXPIREAT\r\n$3\r\nkey\r\n$4\r\n1234\r\n$6\r\nFIELDS\r\n$1\r\n1\r\n$2\r\nf7\r\n"),
            std::string::npos);
}

TEST_F(HashValueTest, WritingStopsWhenItIsTold) {
  limits.hash_max_listpack_entries = 0;
  for (int i = 0; i < 200; i++) set("f" + std::to_string(i), std::string(1000, 'x'));
  std::string out;
  RdbWriter writer(out, false);
  EXPECT_FALSE(ops_of(ValueType::kHash).write_rdb(edit_.view(), writer, [] { return false; }));
  EXPECT_LT(out.size(), kValuePieceBytes + 2000);
}

TEST_F(HashValueTest, TheDigestSeesFieldsAndValues) {
  set("a", "1");
  set("b", "text");
  std::map<std::string, std::string> seen;
  ops_of(ValueType::kHash).for_digest(edit_.view(), [&](std::string_view field, std::string_view value) {
    seen.emplace(field, value);
  });
  EXPECT_EQ(seen, (std::map<std::string, std::string>{{"a", "1"}, {"b", "text"}}));
}

}  // namespace
}  // namespace holdfast
