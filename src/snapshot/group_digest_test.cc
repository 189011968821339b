#include "snapshot/group_digest.h"

#include "base/mutex.h"
#include "snapshot/test_world.h"

namespace holdfast::snapshot {
namespace {

DetachedValue text(std::string_view bytes) { return DetachedValue::of_text(bytes); }

KeyDigest of(std::string_view key, DetachedValue const& value, std::optional<int64_t> expire_ms = {}) {
  return digest_of_key(key, expire_ms, value.view());
}

TEST(GroupDigest, EveryPartOfAKeyCounts) {
  KeyDigest const digest = of("k", text("v"));
  EXPECT_EQ(digest, of("k", text("v")));
  EXPECT_NE(digest, of("K", text("v")));
  EXPECT_NE(digest, of("k", text("w")));
  EXPECT_NE(digest, of("k", text("v"), 1));
  EXPECT_NE(of("k", text("v"), 1), of("k", text("v"), 2));
  // What moves from the name to the value is seen.
  EXPECT_NE(of("ab", text("c")), of("a", text("bc")));
  std::string const packed_list("\x0A\0\0\0\x01\0\x81v\x02\xFF", 10);
  EXPECT_NE(of("k", DetachedValue::of_packed(ValueType::kList, packed_list)),
            of("k", DetachedValue::of_packed(ValueType::kSet, packed_list)));
}

TEST(GroupDigest, TheEncodingDoesNotCount) {
  DetachedValue raw = text("12345");
  EXPECT_EQ(of("k", raw), of("k", DetachedValue::of_integer(12345)));
  std::string const big(100'000, 'x');
  DetachedValue in_place;
  in_place.bytes = big;
  DetachedValue shared;
  shared.encoding = Encoding::kShared;
  shared.shared = SharedBuffer::copy_of(big);
  EXPECT_EQ(of("k", in_place), of("k", shared));
  in_place.bytes.back() = 'y';
  EXPECT_NE(of("k", in_place), of("k", shared));
}

TEST(GroupDigest, GroupsDependOnTheNameAlone) {
  EXPECT_EQ(key_group("123456789"), 0x31);
  DigestBuilder builder;
  builder.add(3, "123456789", {}, text("v").view());
  builder.add_function("#!lua name=l");
  GroupDigests const digests = builder.result();
  ASSERT_EQ(digests.size(), 2u);
  EXPECT_EQ(digests[0].db, GroupDigest::kFunctions);
  EXPECT_EQ(digests[1].db, 3);
  EXPECT_EQ(digests[1].group, 0x31);
  EXPECT_EQ(digests[1].keys, 1u);
}

TEST(GroupDigest, DifferencesNameTheGroup) {
  DigestBuilder here;
  DigestBuilder there;
  for (int i = 0; i < 2000; i++) {
    std::string const key = "key:" + to_text(i);
    here.add(i % 3, key, {}, text("v").view());
    // In another order.
    std::string const other = "key:" + to_text(1999 - i);
    there.add((1999 - i) % 3, other, {}, text("v").view());
  }
  EXPECT_TRUE(differences(here.result(), there.result()).empty());
  here.add(1, "only here", {}, text("v").view());
  uint64_t const rest = [&] {
    for (GroupDigest const& group : there.result()) {
      if (group.db == 1 && group.group == key_group("only here")) return group.keys;
    }
    return uint64_t{0};
  }();
  EXPECT_EQ(differences(here.result(), there.result()),
            (std::vector<GroupDifference>{{1, key_group("only here"), rest + 1, rest}}));
  EXPECT_EQ(differences({}, here.result()).size(), here.result().size());
}

TEST(GroupDigest, TravelsAsBytes) {
  DigestBuilder builder;
  for (int i = 0; i < 500; i++) builder.add(i % 5, "key:" + to_text(i), i, text("v").view());
  std::string const bytes = encode_digests(builder.result());
  EXPECT_EQ(decode_digests(bytes), builder.result());
  EXPECT_EQ(decode_digests(""), GroupDigests());
  EXPECT_EQ(decode_digests(bytes.substr(1)), std::nullopt);
}

// ---- from a cut ----

/// Digests of all that is there, made in the way of the cut's callers.
GroupDigests directly(Keyspace& keyspace) {
  DigestBuilder builder;
  for (uint32_t i = 0; i < keyspace.partition_count(); i++) {
    for (int db = 0; db < keyspace.databases(); db++) {
      KeyTable* table = keyspace.partition(i).tables[static_cast<size_t>(db)].get();
      if (!table) continue;
      table->table().for_each([&](Record* record) { builder.add(db, record->key(), record->expiry(), record->view()); });
    }
  }
  return builder.result();
}

struct Made {
  std::shared_ptr<DigestOrder> order = std::make_shared<DigestOrder>();
  bool wanted = true;
  std::function<void()> at_cut = [] {};
  Made() {
    order->begun = [this] {
      at_cut();
      return wanted;
    };
    order->ended = [this](Status const& ended) {
      MutexLock lock(mutex_);
      status_ = ended;
    };
  }
  /// Whether it has ended, and how.
  std::optional<Status> status() {
    MutexLock lock(mutex_);
    return status_;
  }

 private:
  Mutex mutex_;
  std::optional<Status> status_ GUARDED_BY(mutex_);
};

/// Once it has ended: whether with digests.
bool succeeds(World& world, Made& made) {
  EXPECT_TRUE(world.drive_until([&] { return made.status().has_value(); }));
  return made.status() && *made.status();
}

TEST(DigestCut, HasTheMomentOfTheCut) {
  World world;
  Client client(world.keyspace);
  for (int i = 0; i < 3000; i++) client.set(i % 4, "key:" + to_text(i), std::string(static_cast<size_t>(i % 700), 'v'));
  client.set(1, "expired", "v", 1);
  client.set(2, "long", std::string(200'000, 'x'));
  GroupDigests expected;
  Made made;
  made.at_cut = [&] { expected = directly(world.keyspace); };
  ASSERT_TRUE(world.persistence->make_digests(made.order, true));
  // The cut begins with the first slice; then everything changes before anything is walked.
  ASSERT_TRUE(world.drive_until([&] { return !expected.empty(); }));
  for (int i = 0; i < 3000; i++) client.set(i % 4, "key:" + to_text(i), "new");
  client.set(2, "long", "short");
  ASSERT_TRUE(world.drive_to_rest());
  ASSERT_TRUE(succeeds(world, made));
  EXPECT_EQ(made.order->result, expected);
  EXPECT_FALSE(differences(directly(world.keyspace), made.order->result).empty());
}

TEST(DigestCut, IsRefusedWhileAnotherCutIsUnderWay) {
  World world;
  Client client(world.keyspace);
  client.set(0, "k", "v");
  ASSERT_EQ(world.persistence->background_save(false), Persistence::Request::kStarted);
  Made refused;
  EXPECT_FALSE(world.persistence->make_digests(refused.order, true));
  Made queued;
  EXPECT_TRUE(world.persistence->make_digests(queued.order, false));
  ASSERT_TRUE(world.drive_to_rest());
  EXPECT_FALSE(refused.status());
  EXPECT_TRUE(succeeds(world, queued));
  EXPECT_EQ(queued.order->result, directly(world.keyspace));
}

TEST(DigestCut, TakesThePlaceOfAnEarlierOne) {
  World world("rdb-key-save-delay 1000000\n");
  Client client(world.keyspace);
  for (int i = 0; i < 500; i++) client.set(0, "key:" + to_text(i), "v");
  Made first;
  ASSERT_TRUE(world.persistence->make_digests(first.order, true));
  ASSERT_TRUE(world.drive_until([&] { return world.keyspace.cut().sink == nullptr && !world.persistence->busy(); }));
  world.set_config("rdb-key-save-delay", "0");
  Made second;
  ASSERT_TRUE(world.persistence->make_digests(second.order, true));
  ASSERT_TRUE(world.drive_to_rest());
  EXPECT_FALSE(succeeds(world, first));
  EXPECT_TRUE(succeeds(world, second));
  EXPECT_EQ(second.order->result, directly(world.keyspace));
}

TEST(DigestCut, NobodyWantsItAnyMore) {
  World world;
  Client client(world.keyspace);
  for (int i = 0; i < 500; i++) client.set(0, "key:" + to_text(i), "v");
  Made made;
  made.wanted = false;
  ASSERT_TRUE(world.persistence->make_digests(made.order, true));
  ASSERT_TRUE(world.drive_to_rest());
  EXPECT_TRUE(made.order->result.empty());
  // The epochs are in order for the next one.
  EXPECT_TRUE(world.save());
  EXPECT_EQ(read_rdb(*world.disk, "/data/dump.rdb").size(), 500u);
}

TEST(DigestCut, ASaveBehindItIsWhole) {
  World world;
  Client client(world.keyspace);
  for (int i = 0; i < 500; i++) client.set(0, "key:" + to_text(i), "v");
  Made made;
  ASSERT_TRUE(world.persistence->make_digests(made.order, true));
  EXPECT_TRUE(world.save());
  EXPECT_TRUE(succeeds(world, made));
  EXPECT_EQ(read_rdb(*world.disk, "/data/dump.rdb"), contents(world.keyspace));
}

}  // namespace
}  // namespace holdfast::snapshot
