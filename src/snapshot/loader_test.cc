#include "snapshot/loader.h"

#include "base/crc64.h"
#include "log/effect_buffer.h"
#include "rdb/writer.h"
#include "snapshot/test_world.h"

namespace holdfast::snapshot {
namespace {

/// An RDB file with whatever the test writes between header and end.
template <class Body>
std::string rdb_file(Body&& body) {
  std::string out;
  RdbWriter writer(out);
  writer.magic();
  body(writer);
  writer.eof(crc64(0, out));
  return out;
}

void put_string(RdbWriter& writer, std::string_view key, std::string_view value) {
  writer.type(RdbType::kString);
  writer.string(key);
  writer.string(value);
}

Result<LoadedRdb> load(World& world, std::string file, LoadOptions options = {}) {
  world.disk->put("/data/x.rdb", std::move(file));
  static LoadProgress progress;
  return load_rdb({world.clock, world.logger, *world.disk, world.keyspace, progress}, "/data/x.rdb", options);
}

TEST(RdbLoader, PrefixesAndDatabases) {
  World world;
  world.keyspace.access().clock = static_cast<uint32_t>(world.clock.unix_us() / 1'000'000);
  auto const loaded = load(world, rdb_file([](RdbWriter& writer) {
                             writer.aux("redis-ver", "7.0.15");
                             writer.select_db(2);
                             writer.resize_db(3, 2);
                             writer.expire_ms(4'000'000'000'000);
                             writer.idle(100);
                             put_string(writer, "a", "12");
                             put_string(writer, "b", std::string(40'000, 'z'));
                             writer.expire_ms(1000);
                             put_string(writer, "expired", "v");
                           }));
  ASSERT_TRUE(loaded);
  EXPECT_EQ(loaded->keys, 2u);
  EXPECT_EQ(loaded->expired, 1u);
  EXPECT_EQ(contents(world.keyspace),
            (DataSet{{{2, "a"}, {"12", 4'000'000'000'000}}, {{2, "b"}, {std::string(40'000, 'z'), {}}}}));
  Client client(world.keyspace);
  client.execute({"a", "b"}, 0, [&](Txn& txn) {
    txn.select(2);
    EXPECT_EQ(txn.find("a", Lookup::kPeek)->encoding(), Encoding::kInt);
    EXPECT_EQ(txn.find("b", Lookup::kPeek)->encoding(), Encoding::kShared);
    EXPECT_NEAR(world.keyspace.idle_seconds(txn.find("a", Lookup::kPeek)->access()), 100, 2);
    EXPECT_NEAR(world.keyspace.idle_seconds(txn.find("b", Lookup::kPeek)->access()), 0, 2);
  });
}

TEST(RdbLoader, FrequenciesCountUnderAnLfuPolicyOnly) {
  World world;
  world.keyspace.access().clock = static_cast<uint32_t>(world.clock.unix_us() / 1'000'000);
  world.keyspace.access().lfu = true;
  ASSERT_TRUE(load(world, rdb_file([](RdbWriter& writer) {
                     writer.freq(77);
                     put_string(writer, "a", "x");
                   })));
  Client client(world.keyspace);
  client.execute({"a"}, 0, [&](Txn& txn) {
    EXPECT_NEAR(world.keyspace.decayed_frequency(txn.find("a", Lookup::kPeek)->access()), 77, 1);
  });
}

TEST(RdbLoader, ExpiredKeysAreKeptForABase) {
  World world;
  auto const loaded = load(world, rdb_file([](RdbWriter& writer) {
                             writer.expire_ms(1000);
                             put_string(writer, "a", "x");
                           }),
                           {.keep_expired = true});
  EXPECT_EQ(loaded->keys, 1u);
  EXPECT_EQ(loaded->expired, 0u);
}

TEST(RdbLoader, WhatCannotBeLoadedIsNamed) {
  struct Case {
    std::string file;
    std::string message;
  };
  auto const module = rdb_file([](RdbWriter& writer) {
    put_string(writer, "fine", "x");
    writer.select_db(1);
    writer.type(RdbType::kModule2);
    writer.string("queue");
    writer.length(1);  // the module
    writer.byte(static_cast<uint8_t>(RdbModuleOpcode::kEof));
  });
  auto const twice = rdb_file([](RdbWriter& writer) {
    put_string(writer, "k", "x");
    put_string(writer, "k", "y");
  });
  auto const far = rdb_file([](RdbWriter& writer) {
    writer.select_db(4);
    put_string(writer, "k", "x");
  });
  auto const library = rdb_file([](RdbWriter& writer) { writer.function("#!lua name=l\n"); });
  std::string flipped = rdb_file([](RdbWriter& writer) { put_string(writer, "k", "some text"); });
  flipped[15] ^= 1;
  std::string const cut = rdb_file([](RdbWriter& writer) { put_string(writer, "k", "some text"); }).substr(0, 14);
  Case const cases[] = {
      {module, "Cannot load the module at key 'queue' in DB 1: values of RDB type 7 are not supported yet"},
      {twice, "RDB has duplicated key 'k' in DB 0"},
      {far, "FATAL: Data file was created with a Redis server configured to handle more than 4 databases. Exiting\n"},
      {library, "The RDB file contains a function library, and there are no functions here"},
      {flipped, "Wrong RDB checksum expected: "},
      {cut, "Short read or OOM loading DB. Unrecoverable error, aborting now."},
      {"", "Short read or OOM loading DB. Unrecoverable error, aborting now."},
      {"NOTREDIS0", "Wrong signature trying to load DB from file"},
      {"REDIS0099", "Can't handle RDB format version 99"},
  };
  for (Case const& each : cases) {
    World world;
    auto const loaded = load(world, each.file);
    ASSERT_FALSE(loaded) << each.message;
    EXPECT_EQ(loaded.error().message.substr(0, each.message.size()), each.message);
    EXPECT_TRUE(world.logged(each.message));

    // At a start nothing of it stays.
    world.disk->put("/data/dump.rdb", each.file);
    ASSERT_FALSE(world.persistence->load_at_start({}));
    EXPECT_TRUE(contents(world.keyspace).empty());
  }
}

TEST(RdbLoader, ManyKeysOnManyThreads) {
  World world;
  std::string const file = rdb_file([](RdbWriter& writer) {
    for (int i = 0; i < 60'000; i++) put_string(writer, "key:" + to_text(i), "value " + to_text(i));
  });
  auto const loaded = load(world, file, {.inserters = 3});
  ASSERT_TRUE(loaded);
  EXPECT_EQ(loaded->keys, 60'000u);
  EXPECT_EQ(loaded->bytes, file.size());
  EXPECT_EQ(world.keyspace.keys(0), 60'000u);
  DataSet const data = contents(world.keyspace);
  EXPECT_EQ(data.at({0, "key:59999"}).text, "value 59999");
}

// ---- AOF ----

struct AofWorld : World {
  explicit AofWorld(std::string const& manifest) : World("appendonly yes\n") {
    static_cast<void>(disk->make_directory("/data/appendonlydir"));
    disk->put("/data/appendonlydir/appendonly.aof.manifest", manifest);
  }
  void put(std::string const& name, std::string text) { disk->put("/data/appendonlydir/" + name, std::move(text)); }
  Result<LoadedAof> load(bool load_truncated = true) {
    LoadProgress progress;
    return load_append_only({clock, logger, *disk, keyspace, progress}, *directory, {}, load_truncated,
                            [&](auto command) {
                              std::string line;
                              for (std::string_view word : command)
                                line += (line.empty() ? "" : " ") + std::string(word);
                              EXPECT_TRUE(keyspace.expiry_held());
                              if (line == "NOSUCH") return Status(fail(""));
                              if (line == "BROKEN") return Status(fail("Something broke"));
                              commands.push_back(line);
                              return Status();
                            });
  }
  std::vector<std::string> commands;
};

std::string command(std::initializer_list<std::string_view> words) {
  std::string out;
  log::append_command(out, words);
  return out;
}

constexpr char const* kOneIncrement = "file i seq 1 type i\n";

TEST(AofLoader, BaseThenIncrementsInOrder) {
  AofWorld world("file b.rdb seq 1 type b\nfile i1 seq 1 type i\nfile i2 seq 2 type i\n");
  world.put("b.rdb", rdb_file([](RdbWriter& writer) {
              writer.aux("aof-base", int64_t{1});
              writer.expire_ms(1000);
              put_string(writer, "old", "x");
            }));
  world.put("i1", command({"SELECT", "0"}) + "#TS:1\r\n" + command({"SET", "a", "1"}));
  world.put("i2", command({"set", "a", "2"}));
  auto const loaded = world.load();
  ASSERT_TRUE(loaded);
  EXPECT_EQ(world.commands, (std::vector<std::string>{"SELECT 0", "SET a 1", "set a 2"}));
  EXPECT_EQ(loaded->commands, 3u);
  EXPECT_EQ(contents(world.keyspace).size(), 1u);  // though it has expired
  EXPECT_FALSE(world.keyspace.expiry_held());
  EXPECT_TRUE(world.logged("* Reading RDB base file on AOF loading...\n"));
  EXPECT_TRUE(world.logged("* RDB is base AOF\n"));
  EXPECT_TRUE(world.logged("* DB loaded from base file b.rdb: "));
  EXPECT_TRUE(world.logged("* DB loaded from incr file i2: "));
  EXPECT_TRUE(world.logged("* DB loaded from append only file: "));
}

TEST(AofLoader, APreambleMayBeFollowedByCommands) {
  AofWorld world("file appendonly.aof seq 1 type b\n");
  world.put("appendonly.aof",
            rdb_file([](RdbWriter& writer) { put_string(writer, "old", "x"); }) + command({"SET", "b", "1"}));
  ASSERT_TRUE(world.load());
  EXPECT_EQ(world.commands, std::vector<std::string>{"SET b 1"});
  EXPECT_TRUE(world.logged("* Reading RDB preamble from AOF file...\n"));
  EXPECT_TRUE(world.logged("* Reading the remaining AOF tail...\n"));
}

TEST(AofLoader, TransactionsComeWhole) {
  AofWorld world(kOneIncrement);
  std::string const whole =
      command({"multi"}) + command({"SET", "a", "1"}) + command({"SET", "empty", ""}) + command({"EXEC"});
  world.put("i", whole + command({"MULTI"}) + command({"SET", "b", "1"}));
  ASSERT_TRUE(world.load());
  EXPECT_EQ(world.commands, (std::vector<std::string>{"multi", "SET a 1", "SET empty ", "EXEC"}));
  EXPECT_EQ(world.disk->contents("/data/appendonlydir/i"), whole);
  EXPECT_TRUE(world.logged("# Revert incomplete MULTI/EXEC transaction in AOF file i\n"));
}

TEST(AofLoader, ATruncatedTailIsCutOffWhereThatIsAllowed) {
  std::string const sound = command({"SET", "a", "1"});
  {
    AofWorld world(kOneIncrement);
    world.put("i", sound + "*3\r\n$3\r\nSE");
    auto const loaded = world.load();
    ASSERT_TRUE(loaded);
    EXPECT_EQ(world.disk->contents("/data/appendonlydir/i"), sound);
    EXPECT_EQ(loaded->plan.total_bytes, sound.size());
    EXPECT_EQ(loaded->plan.parts.back().size, sound.size());
    EXPECT_TRUE(world.logged("# AOF i loaded anyway because aof-load-truncated is enabled\n"));
  }
  AofWorld world(kOneIncrement);
  world.put("i", sound + "*3\r\n$3\r\nSE");
  ASSERT_FALSE(world.load(false));
  EXPECT_EQ(world.disk->contents("/data/appendonlydir/i"), sound + "*3\r\n$3\r\nSE");
  EXPECT_TRUE(world.logged("# Unexpected end of file reading the append only file i. "));
}

TEST(AofLoader, WhatEndsALoad) {
  struct Case {
    std::string text;
    char const* line;
  };
  Case const cases[] = {
      {command({"NOSUCH"}), "# Unknown command 'NOSUCH' reading the append only file i\n"},
      {command({"BROKEN"}), "# Something broke reading the append only file i\n"},
      {"garbage", "# Bad file format reading the append only file i: make a backup"},
      {"REDIS0011garbage", "# Error reading the RDB base file i, AOF loading aborted\n"},
  };
  for (Case const& each : cases) {
    AofWorld world(kOneIncrement);
    world.put("i", each.text);
    EXPECT_FALSE(world.load());
    EXPECT_TRUE(world.logged(each.line)) << each.line << world.log_text();
  }
}

}  // namespace
}  // namespace holdfast::snapshot
