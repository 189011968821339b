// Files of ours are loaded by a real redis-server and the other way round. Skipped where none is installed.
#include <stdlib.h>

#include <filesystem>

#include "log/test_redis_server.h"
#include "snapshot/test_world.h"

namespace holdfast::snapshot {
namespace {

std::vector<std::string> options(std::string const& policy = "noeviction") {
  return {"--enable-debug-command", "yes", "--maxmemory-policy", policy};
}

class RedisInterop : public testing::Test {
 protected:
  void SetUp() override {
    if (!RedisServer::installed()) GTEST_SKIP() << "no redis-server here";
  }
  void TearDown() override {
    for (std::string const& dir : directories_) std::filesystem::remove_all(dir);
  }
  /// A new directory, with this dump.rdb in it.
  std::string directory(std::string const& dump = "") {
    char name[] = "/tmp/holdfast-snapshot-XXXXXX";
    EXPECT_NE(mkdtemp(name), nullptr);
    directories_.push_back(name);
    if (!dump.empty()) std::ofstream(std::string(name) + "/dump.rdb", std::ios::binary) << dump;
    return name;
  }

 private:
  std::vector<std::string> directories_;
};

TEST_F(RedisInterop, RedisLoadsOurFileWithTheSameDigestAsItsOwn) {
  for (char const* policy : {"noeviction", "allkeys-lru", "volatile-lfu"}) {
    SCOPED_TRACE(policy);
    RedisServer first(directory(), options(policy));
    ASSERT_TRUE(first.wait_ready());
    ASSERT_EQ(first.ask("DEBUG POPULATE 5000 key 100"), "OK");
    ASSERT_EQ(first.ask("-n 3 MSET a 1 b -129 c 100000 d 10000000000 e '' f 12345678901234567890"), "OK");
    ASSERT_EQ(first.ask("-n 3 SET t value EX 100000"), "OK");
    ASSERT_EQ(first.ask("-n 9 SETRANGE large 70000 end"), "70003");
    ASSERT_EQ(first.ask("-n 9 SETRANGE middle 3000 end"), "3003");
    ASSERT_EQ(first.ask("SAVE"), "OK");
    std::string const digest = first.ask("DEBUG DIGEST");

    World world("maxmemory-policy " + std::string(policy) + "\n");
    world.disk->put("/data/dump.rdb", first.dump());
    Keyspace keyspace({.partitions = 64, .databases = 16}, world.lazy_free);
    Persistence persistence({world.clock, world.logger, world.config, keyspace, *world.log, *world.disk});
    auto const loaded = persistence.load_at_start({.inserters = 2});
    ASSERT_TRUE(loaded);
    EXPECT_EQ(loaded->keys, 5009u);
    auto const ticket = persistence.foreground_save();
    while (!persistence.save_result(*ticket)) persistence.slice(0, 50);
    ASSERT_TRUE(*persistence.save_result(*ticket));

    RedisServer second(directory(world.disk->contents("/data/dump.rdb")), options(policy));
    ASSERT_TRUE(second.wait_ready());
    EXPECT_EQ(second.ask("DBSIZE"), "5000");
    EXPECT_EQ(second.ask("DEBUG DIGEST"), digest);
    EXPECT_EQ(second.ask("-n 3 GET d"), "10000000000");
    persistence.stop();
  }
}

TEST_F(RedisInterop, RedisReadsARewriteMadeAsCommands) {
  World world("aof-use-rdb-preamble no\naof-timestamp-enabled yes\n");
  Client client(world.keyspace);
  for (int i = 0; i < 2000; i++) client.set(i % 4, "key:" + to_text(i), "value " + to_text(i), 4'000'000'000'000);
  client.set(1, "large", std::string(100'000, 'x'));
  world.persistence->background_rewrite();
  ASSERT_TRUE(world.drive_to_rest());
  ASSERT_TRUE(world.save());

  RedisServer from_rdb(directory(world.disk->contents("/data/dump.rdb")), options());
  ASSERT_TRUE(from_rdb.wait_ready());
  // The commands go to an empty server, but for the annotation in the first line, which is for AOF readers only.
  std::string const base = world.disk->contents("/data/appendonlydir/appendonly.aof.1.base.aof");
  ASSERT_TRUE(base.starts_with("#TS:"));
  std::string const dir = directory();
  std::ofstream(dir + "/commands", std::ios::binary) << base.substr(base.find('\n') + 1);
  RedisServer empty(dir, options());
  ASSERT_TRUE(empty.wait_ready());
  ASSERT_NE(empty.ask("--pipe < " + dir + "/commands").find("errors: 0"), std::string::npos);
  EXPECT_EQ(empty.ask("DEBUG DIGEST"), from_rdb.ask("DEBUG DIGEST"));
  EXPECT_EQ(empty.ask("-n 1 STRLEN large"), "100000");
}

}  // namespace
}  // namespace holdfast::snapshot
