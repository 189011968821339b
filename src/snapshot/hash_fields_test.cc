#include "snapshot/test_world.h"
#include "values/hash_value.h"

namespace holdfast::snapshot {
namespace {

struct Field {
  std::string value;
  std::optional<int64_t> expire_ms;
  bool operator==(Field const&) const = default;
};
using Fields = std::map<std::string, Field>;

/// Sets fields of a hash, which gets them in this order.
void set_fields(World& world, std::string_view key, Fields const& fields) {
  Client(world.keyspace).execute({key}, 0, [&](Txn& txn) {
    ValueEdit edit = txn.edit(key, txn.find(key), ValueType::kHash);
    HashEditor editor(edit, world.keyspace.value_context());
    for (auto const& [name, field] : fields) editor.set(name, field.value, field.expire_ms);
    txn.finish_edit(key, edit, false, fields.size());
  });
}

Fields fields_of(World& world, std::string_view key) {
  Fields fields;
  Client(world.keyspace).execute({key}, 0, [&](Txn& txn) {
    Record* record = txn.find(key);
    ASSERT_NE(record, nullptr) << key;
    packed::TextScratch name;
    packed::TextScratch value;
    for (HashCursor cursor(record->view()); std::optional<HashEntry> entry = cursor.next();) {
      fields[std::string(entry->field.as_text(name))] = {std::string(entry->value.element.as_text(value)),
                                                         entry->value.expire_ms};
    }
  });
  return fields;
}

/// Hashes with some expiring field.
uint64_t expiring_hashes(World const& world) {
  return world.keyspace.sum(0, &Partition::DatabaseCounters::expiring_bodies);
}

Fields many(int count, bool expiring) {
  Fields fields;
  for (int i = 0; i < count; i++) {
    std::optional<int64_t> expire_ms;
    if (expiring && i % 3 == 0) expire_ms = 4'000'000'000'000 + i;
    fields["field" + to_text(i)] = {std::string(static_cast<size_t>(i % 50), 'v'), expire_ms};
  }
  return fields;
}

std::string header_of_dump(World const& world) { return world.disk->contents("/data/dump.rdb").substr(0, 9); }

TEST(SnapshotOfHashes, TheVersionIsThatOfRedis7UnlessSomeFieldExpires) {
  World world;
  set_fields(world, "small", many(10, false));
  set_fields(world, "big", many(30'000, false));
  ASSERT_TRUE(world.save());
  EXPECT_EQ(header_of_dump(world), "REDIS0010");
  set_fields(world, "one", {{"f", {"v", 4'000'000'000'000}}});
  EXPECT_EQ(expiring_hashes(world), 1u);
  ASSERT_TRUE(world.save());
  EXPECT_EQ(header_of_dump(world), "REDIS0012");
  set_fields(world, "one", {{"f", {"v", {}}}});  // which no longer expires
  EXPECT_EQ(expiring_hashes(world), 0u);
  ASSERT_TRUE(world.save());
  EXPECT_EQ(header_of_dump(world), "REDIS0010");
}

TEST(SnapshotOfHashes, ExpiringFieldsComeBack) {
  World world;
  std::map<std::string, Fields> const hashes = {{"small", many(10, false)},
                                                {"small expiring", many(10, true)},
                                                {"big", many(30'000, false)},
                                                {"big expiring", many(30'000, true)},
                                                {"long", {{std::string(3000, 'f'), {std::string(100'000, 'v'), 5}}}},
                                                {"past", {{"gone", {"v", 1000}}, {"stays", {"v", {}}}}}};
  for (auto const& [key, fields] : hashes) set_fields(world, key, fields);
  EXPECT_EQ(expiring_hashes(world), 4u);
  ASSERT_TRUE(world.save());
  World second("", world.disk);
  auto const loaded = second.persistence->load_at_start({.inserters = 2});
  ASSERT_TRUE(loaded);
  EXPECT_EQ(loaded->keys, hashes.size());
  for (auto const& [key, fields] : hashes) EXPECT_TRUE(fields_of(second, key) == fields) << key;
  EXPECT_EQ(expiring_hashes(second), 4u);
}

TEST(SnapshotOfHashes, AHashIsSavedAsItWasAtTheCut) {
  World world;
  Fields const before = many(5000, true);
  set_fields(world, "h", before);
  EXPECT_EQ(world.persistence->background_save(false), Persistence::Request::kStarted);
  ASSERT_TRUE(world.drive_until([&] { return world.keyspace.cut().sink != nullptr; }));
  Fields changed;
  for (auto const& [name, field] : before) changed[name] = {"changed", {}};
  set_fields(world, "h", changed);
  ASSERT_TRUE(world.drive_to_rest());
  EXPECT_EQ(header_of_dump(world), "REDIS0012");
  EXPECT_TRUE(fields_of(world, "h") == changed);
  World second("", world.disk);
  ASSERT_TRUE(second.persistence->load_at_start({}));
  EXPECT_TRUE(fields_of(second, "h") == before);
}

}  // namespace
}  // namespace holdfast::snapshot
