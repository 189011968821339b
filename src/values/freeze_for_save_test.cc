#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>

#include "base/hash.h"
#include "base/number.h"
#include "structures/touched_places.h"
#include "values/hash_value.h"
#include "values/set_value.h"
#include "values/type_ops.h"
#include "values/zset_value.h"

namespace holdfast {
namespace {

constexpr int kElements = 40'000;

KeyHasher const& hasher() {
  static KeyHasher const instance{9};
  return instance;
}

std::string member(int i) { return "member:" + to_text(int64_t{i}) + std::string(i % 500 ? 0 : 3'000, 'm'); }

std::unique_ptr<HashBody> hash(bool expiring) {
  auto body = std::make_unique<HashBody>(hasher());
  for (int i = 0; i < kElements; i++) {
    std::optional<int64_t> expire_ms;
    if (expiring && i % 7 == 0) expire_ms = 4'000'000'000'000 + i;
    body->fields.put(member(i), std::string(i % 300 ? 20 : 2'000, 'v'), expire_ms);
  }
  return body;
}
std::unique_ptr<SetBody> set() {
  auto body = std::make_unique<SetBody>(hasher());
  for (int i = 0; i < kElements; i++) body->members.add(member(i));
  return body;
}
std::unique_ptr<ZsetBody> zset() {
  auto body = std::make_unique<ZsetBody>(hasher());
  for (int i = 0; i < kElements; i++) body->set.put(member(i), i % 100 / 3.0);
  return body;
}

using Write = std::function<bool(ValueView const&, std::string&, PieceDone const&)>;

/// What is written of a body that is emptied on the way is what is written of any other.
void expect_alike(ValueType type, Body& body, Write const& write) {
  auto const view = [&](Body& frozen) { return ValueView{.type = type, .encoding = Encoding::kBody, .body = &frozen}; };
  CopyBudget budget;
  std::unique_ptr<Body> const kept = body.freeze_for_save(nullptr);
  std::unique_ptr<Body> const emptied = body.freeze_for_save(&budget);
  EXPECT_EQ(ops_of(type).rdb_type(view(*emptied)), ops_of(type).rdb_type(view(*kept)));
  std::string expected;
  EXPECT_TRUE(write(view(*kept), expected, {}));
  std::string out;
  std::string actual;
  size_t const bytes = emptied->memory_bytes();
  size_t pieces = 0;
  EXPECT_TRUE(write(view(*emptied), out, [&] {
    if (++pieces == 4) {
      EXPECT_LE(emptied->memory_bytes(), bytes - bytes / 20);
    }
    actual.append(out);
    out.clear();
    return true;
  }));
  actual.append(out);
  EXPECT_GE(pieces, 4u);
  EXPECT_TRUE(actual == expected);
  EXPECT_LE(emptied->memory_bytes(), bytes / 10);
  EXPECT_EQ(ops_of(type).length(view(*emptied)), 0u);
  EXPECT_EQ(ops_of(type).length(view(*kept)), static_cast<uint64_t>(kElements));
}

void expect_alike(ValueType type, Body& body) {
  expect_alike(type, body, [&](ValueView const& value, std::string& out, PieceDone const& done) {
    RdbWriter writer(out);
    return ops_of(type).write_rdb(value, writer, done);
  });
  expect_alike(type, body, [&](ValueView const& value, std::string& out, PieceDone const& done) {
    return ops_of(type).write_commands("key", value, out, done);
  });
}

TEST(FreezeForSave, AHashIsEmptiedByWhoWritesIt) {
  expect_alike(ValueType::kHash, *hash(false));
  expect_alike(ValueType::kHash, *hash(true));
}
TEST(FreezeForSave, ASetIsEmptiedByWhoWritesIt) { expect_alike(ValueType::kSet, *set()); }
TEST(FreezeForSave, ASortedSetIsEmptiedByWhoWritesIt) { expect_alike(ValueType::kZset, *zset()); }

}  // namespace
}  // namespace holdfast
