#include "snapshot/persistence.h"

#include <cerrno>

#include "base/random.h"
#include "snapshot/save_policy.h"
#include "snapshot/test_world.h"

namespace holdfast::snapshot {
namespace {

using Request = Persistence::Request;

void fill(World& world, int keys) {
  Client client(world.keyspace);
  Random random(5);
  for (int i = 0; i < keys; i++) {
    std::string const key = "key:" + to_text(i);
    switch (i % 5) {
      case 0:
        client.set(i % 4, key, to_text(i * 1000));
        break;
      case 1:
        client.set(i % 4, key, random.hex(40), 4'000'000'000'000 + i);
        break;
      case 2:
        client.set(i % 4, key, std::string(700, 'x') + random.hex(10));
        break;
      case 3:
        client.set(i % 4, key, random.hex(100));
        break;
      default:
        client.set(i % 4, key, "");
        break;
    }
  }
  client.set(0, "large", std::string(100'000, 'l') + "end");
  client.set(0, "large and random", random.hex(50'000));
}

TEST(Persistence, SaveWritesWhatIsThereAndALoadBringsItBack) {
  World world;
  fill(world, 3000);
  ASSERT_TRUE(world.save());
  DataSet const saved = read_rdb(*world.disk, "/data/dump.rdb");
  EXPECT_EQ(saved.size(), 3002u);
  EXPECT_TRUE(saved == contents(world.keyspace));
  EXPECT_TRUE(world.logged("* DB saved on disk\n"));
  EXPECT_FALSE(world.logged("Background"));
  // Nothing but the file is left.
  EXPECT_EQ(world.disk->list("/data").value(), std::vector<std::string>{"dump.rdb"});

  World second("", world.disk);
  auto const loaded = second.persistence->load_at_start({.inserters = 3});
  ASSERT_TRUE(loaded);
  EXPECT_EQ(loaded->keys, 3002u);
  EXPECT_FALSE(loaded->from_append_only);
  EXPECT_TRUE(contents(second.keyspace) == saved);
  EXPECT_EQ(second.keyspace.keys(0) + second.keyspace.keys(1) + second.keyspace.keys(2) + second.keyspace.keys(3),
            3002u);
  EXPECT_EQ(second.keyspace.expiring_keys(1), world.keyspace.expiring_keys(1));
  EXPECT_TRUE(second.logged("Loading RDB produced by version 7.2.4\n"));
  EXPECT_TRUE(second.logged("Done loading RDB, keys loaded: 3002, keys expired: 0.\n"));
  EXPECT_TRUE(second.logged("DB loaded from disk: "));
  EXPECT_EQ(second.persistence->info().changes_since_save, 0u);
}

TEST(Persistence, AnEmptyKeySpaceGivesAValidFile) {
  World world;
  ASSERT_TRUE(world.save());
  EXPECT_TRUE(read_rdb(*world.disk, "/data/dump.rdb").empty());
}

TEST(Persistence, WithoutAFileTheStartIsEmpty) {
  World world;
  auto const loaded = world.persistence->load_at_start({});
  ASSERT_TRUE(loaded);
  EXPECT_TRUE(loaded->found_nothing);
  EXPECT_FALSE(world.persistence->loading());
}

TEST(Persistence, BackgroundSaveCountsChangesFromItsCut) {
  World world;
  fill(world, 500);
  EXPECT_EQ(world.persistence->info().changes_since_save, 502u);
  EXPECT_EQ(world.persistence->background_save(false), Request::kStarted);
  EXPECT_TRUE(world.persistence->info().saving);
  EXPECT_EQ(world.persistence->background_save(false), Request::kSaveRunning);
  EXPECT_EQ(world.persistence->background_save(true), Request::kSaveRunning);
  EXPECT_FALSE(world.persistence->foreground_save());
  ASSERT_TRUE(world.drive_to_rest());
  PersistenceInfo const info = world.persistence->info();
  EXPECT_EQ(info.changes_since_save, 0u);
  EXPECT_EQ(info.saves, 1u);
  EXPECT_TRUE(info.last_save_ok);
  EXPECT_EQ(info.last_save_duration_s, 0);
  EXPECT_EQ(info.current_save_duration_s, -1);
  EXPECT_TRUE(world.logged("* Background saving started\n"));
  EXPECT_TRUE(world.logged("* Background saving terminated with success\n"));
}

TEST(Persistence, ProgressIsShownWhileASaveIsMadeLong) {
  World world("rdb-key-save-delay 1000000\n");
  fill(world, 100);
  world.persistence->background_save(false);
  ASSERT_TRUE(world.drive_until([&] { return world.persistence->info().current_keys_total == 102; }));
  EXPECT_TRUE(world.persistence->info().saving);
  world.persistence->cancel();
  ASSERT_TRUE(world.drive_to_rest());
  // Cancelling is no failure, and leaves nothing behind.
  EXPECT_TRUE(world.persistence->info().last_save_ok);
  EXPECT_EQ(world.persistence->info().saves, 0u);
  EXPECT_TRUE(world.disk->list("/data").value().empty());
  world.set_config("rdb-key-save-delay", "0");
  ASSERT_TRUE(world.save());
  EXPECT_EQ(read_rdb(*world.disk, "/data/dump.rdb").size(), 102u);
}

TEST(Persistence, TheFinalSaveComesAfterTheCancelledOne) {
  World world("rdb-key-save-delay 1000000\n");
  fill(world, 100);
  world.persistence->background_save(false);
  ASSERT_TRUE(world.drive_until([&] { return world.persistence->info().current_keys_total == 102; }));
  world.persistence->cancel();
  world.set_config("rdb-key-save-delay", "0");
  ASSERT_TRUE(world.save());
  EXPECT_EQ(read_rdb(*world.disk, "/data/dump.rdb").size(), 102u);
}

TEST(Persistence, ACancelBeforeTheCutGivesTheTicketAResult) {
  World world;
  auto const ticket = world.persistence->foreground_save();
  world.persistence->cancel();
  std::optional<Status> result;
  ASSERT_TRUE(world.drive_until([&] { return (result = world.persistence->save_result(*ticket)).has_value(); }));
  EXPECT_FALSE(*result);
  EXPECT_EQ(result->error().errnum, ECANCELED);
  ASSERT_TRUE(world.save());
}

struct FaultCase {
  FaultyDisk::Fault fault;
  char const* line;
};

TEST(Persistence, ADiskThatFailsLeavesTheOldFileAndRefusesWrites) {
  FaultCase const cases[] = {
      {{.operation = DiskOperation::kOpen, .errnum = EACCES, .path_part = "temp-"},
       "Failed opening the temp RDB file temp-"},
      {{.operation = DiskOperation::kAppend, .nth = 2, .errnum = ENOSPC, .bytes_kept = 100},
       "Write error saving DB on disk(rdbSaveRio): No space left on device"},
      {{.operation = DiskOperation::kAppend, .nth = 1, .errnum = EIO}, "Write error saving DB on disk(rdbSaveRio)"},
      {{.operation = DiskOperation::kSync, .errnum = EIO}, "Write error saving DB on disk(fsync): Input/output error"},
      {{.operation = DiskOperation::kClose, .errnum = EIO, .path_part = "temp-"},
       "Write error saving DB on disk(fclose)"},
      {{.operation = DiskOperation::kRename, .errnum = EACCES}, "Error moving temp DB file temp-"},
  };
  for (FaultCase const& each : cases) {
    SCOPED_TRACE(each.line);
    World world("save 3600 1\n");
    Client client(world.keyspace);
    client.set(0, "old", "state");
    ASSERT_TRUE(world.save());
    std::string const before = world.disk->contents("/data/dump.rdb");
    fill(world, 2000);
    world.disk->add_fault(each.fault);
    EXPECT_EQ(world.persistence->background_save(false), Request::kStarted);
    ASSERT_TRUE(world.drive_to_rest());
    EXPECT_FALSE(world.persistence->info().last_save_ok);
    EXPECT_TRUE(world.persistence->refuse_writes());
    EXPECT_TRUE(world.logged(each.line));
    EXPECT_TRUE(world.logged("# Background saving error\n"));
    EXPECT_EQ(world.disk->contents("/data/dump.rdb"), before);
    EXPECT_EQ(world.disk->list("/data").value(), std::vector<std::string>{"dump.rdb"});
    EXPECT_NE(world.persistence->info().changes_since_save, 0u);

    world.set_config("stop-writes-on-bgsave-error", "no");
    world.persistence->tick();
    EXPECT_FALSE(world.persistence->refuse_writes());
    world.set_config("stop-writes-on-bgsave-error", "yes");
    ASSERT_TRUE(world.save());
    EXPECT_FALSE(world.persistence->refuse_writes());
    EXPECT_EQ(read_rdb(*world.disk, "/data/dump.rdb").size(), 2003u);
  }
}

TEST(Persistence, AFullDiskInTheMiddleOfALargeSave) {
  World world("rdbcompression no\n");
  fill(world, 5000);
  ASSERT_TRUE(world.save());
  std::string const before = world.disk->contents("/data/dump.rdb");
  world.disk->set_space(before.size() + before.size() / 2);
  EXPECT_EQ(world.persistence->background_save(false), Request::kStarted);
  ASSERT_TRUE(world.drive_to_rest());
  EXPECT_FALSE(world.persistence->info().last_save_ok);
  EXPECT_EQ(world.disk->contents("/data/dump.rdb"), before);
  world.disk->set_space(UINT64_MAX);
  ASSERT_TRUE(world.save());
}

TEST(Persistence, AFailedForegroundSaveTellsItsCaller) {
  World world("save 3600 1\n");
  world.disk->add_fault({.operation = DiskOperation::kSync, .errnum = EIO});
  Status const status = world.save();
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().errnum, EIO);
  EXPECT_TRUE(world.persistence->info().last_save_ok);
}

TEST(Persistence, SavePointsBeginASaveByThemselves) {
  World world("save 60 3\n");
  Client client(world.keyspace);
  client.set(0, "a", "1");
  client.set(0, "b", "1");
  world.clock.advance_seconds(120);
  world.persistence->tick();
  EXPECT_FALSE(world.persistence->info().saving);
  client.set(0, "c", "1");
  world.persistence->tick();
  EXPECT_TRUE(world.persistence->info().saving);
  ASSERT_TRUE(world.drive_to_rest());
  EXPECT_TRUE(world.logged("* 3 changes in 60 seconds. Saving...\n"));
  EXPECT_EQ(world.persistence->info().saves, 1u);
  world.persistence->tick();
  EXPECT_FALSE(world.persistence->info().saving);
}

TEST(Persistence, AFailedSaveIsTriedAgainAfterFiveSeconds) {
  World world("save 1 1\n");
  Client client(world.keyspace);
  client.set(0, "a", "1");
  world.clock.advance_seconds(10);
  world.disk->add_fault({.operation = DiskOperation::kRename, .errnum = EIO});
  world.persistence->tick();
  ASSERT_TRUE(world.drive_to_rest());
  world.persistence->tick();
  EXPECT_FALSE(world.persistence->info().saving);
  world.clock.advance_seconds(6);
  world.persistence->tick();
  EXPECT_TRUE(world.persistence->info().saving);
  ASSERT_TRUE(world.drive_to_rest());
  EXPECT_TRUE(world.persistence->info().last_save_ok);
}

TEST(SavePolicy, PointsGrowthAndDelays) {
  std::vector<config::SavePoint> const points = {{3600, 1}, {60, 100}};
  EXPECT_FALSE(reached_save_point(points, 1, 3600));
  EXPECT_EQ(reached_save_point(points, 1, 3601)->changes, 1);
  EXPECT_EQ(reached_save_point(points, 100, 61)->seconds, 60);
  EXPECT_FALSE(reached_save_point(points, 99, 61));
  EXPECT_FALSE(reached_save_point({}, 1000, 1000));
  EXPECT_FALSE(rewrite_growth(100, 50, 100, 100));
  EXPECT_EQ(rewrite_growth(101, 50, 100, 100), 102);
  EXPECT_FALSE(rewrite_growth(101, 60, 100, 100));
  EXPECT_FALSE(rewrite_growth(1000, 0, 0, 1));
  EXPECT_EQ(rewrite_growth(1000, 0, 100, 1), 99900);
  EXPECT_EQ(rewrite_delay_minutes(2), 0);
  EXPECT_EQ(rewrite_delay_minutes(3), 1);
  EXPECT_EQ(rewrite_delay_minutes(5), 4);
  EXPECT_EQ(rewrite_delay_minutes(8), 32);
  EXPECT_EQ(rewrite_delay_minutes(9), 60);
  EXPECT_EQ(rewrite_delay_minutes(1000), 60);
}

// ---- AOF ----

TEST(PersistenceAof, StartWithoutFilesWritesAFirstBase) {
  World world("appendonly yes\n");
  Replay replay(world);
  auto const loaded = start(world, replay);
  ASSERT_TRUE(loaded);
  EXPECT_TRUE(loaded->found_nothing);
  EXPECT_EQ(world.log->state(), log::LogState::kOn);
  EXPECT_TRUE(world.disk->contents("/data/appendonlydir/appendonly.aof.manifest")
                  .ends_with("\nfile appendonly.aof.1.base.rdb seq 1 type b\nfile appendonly.aof.1.incr.aof seq 1 type i\n"));
  EXPECT_TRUE(read_rdb(*world.disk, "/data/appendonlydir/appendonly.aof.1.base.rdb").empty());
}

/// What a restart makes of the disk.
DataSet restarted(std::shared_ptr<FaultyDisk> disk, std::string const& settings = "") {
  World world("appendonly yes\n" + settings, std::move(disk));
  Replay replay(world);
  EXPECT_TRUE(start(world, replay));
  return contents(world.keyspace);
}

void rewrite_and_restart(std::string const& settings) {
  auto disk = std::make_shared<FaultyDisk>();
  DataSet expected;
  {
    World world("appendonly yes\n" + settings, disk);
    Replay replay(world);
    ASSERT_TRUE(start(world, replay));
    fill(world, 1000);
    EXPECT_EQ(world.persistence->background_rewrite(), Request::kStarted);
    EXPECT_EQ(world.persistence->background_rewrite(), Request::kRewriteRunning);
    EXPECT_EQ(world.persistence->background_save(false), Request::kRewriteRunning);
    EXPECT_EQ(world.persistence->background_save(true), Request::kScheduled);
    EXPECT_TRUE(world.persistence->info().save_scheduled);
    Client client(world.keyspace);
    for (int i = 0; i < 2000; i++) {
      client.set(i % 4, "later:" + to_text(i), "value");
      world.persistence->slice(0, 10);
    }
    ASSERT_TRUE(world.drive_to_rest());
    EXPECT_EQ(world.persistence->info().rewrites, 1u);
    EXPECT_TRUE(world.persistence->info().last_rewrite_ok);
    EXPECT_EQ(world.persistence->info().saves, 1u);  // the scheduled one
    EXPECT_TRUE(world.logged("* Background append only file rewriting started\n"));
    EXPECT_TRUE(world.logged("* Background AOF rewrite terminated with success\n"));
    EXPECT_TRUE(world.logged("* Background AOF rewrite finished successfully\n"));
    client.set(0, "last", "one");
    expected = contents(world.keyspace);
  }
  auto const files = disk->list("/data/appendonlydir").value();
  EXPECT_EQ(std::ranges::count_if(files, [](auto const& name) { return name.find(".1.") != std::string::npos; }), 0);
  EXPECT_TRUE(restarted(disk, settings) == expected);
}

TEST(PersistenceAof, RewriteWithRdbPreamble) { rewrite_and_restart(""); }
TEST(PersistenceAof, RewriteAsCommands) { rewrite_and_restart("aof-use-rdb-preamble no\naof-timestamp-enabled yes\n"); }

/// A disk with a base of commands, and its name.
std::shared_ptr<FaultyDisk> disk_with_base_of_commands() {
  auto disk = std::make_shared<FaultyDisk>();
  World world("appendonly yes\naof-use-rdb-preamble no\n", disk);
  Replay replay(world);
  EXPECT_TRUE(start(world, replay));
  Client(world.keyspace).set(0, "key", "value");
  EXPECT_EQ(world.persistence->background_rewrite(), Request::kStarted);
  EXPECT_TRUE(world.drive_to_rest());
  return disk;
}
constexpr char const* kBaseOfCommands = "/data/appendonlydir/appendonly.aof.2.base.aof";

/// The log of a start that is refused.
std::string refusal(std::shared_ptr<FaultyDisk> disk) {
  World world("appendonly yes\n", std::move(disk));
  Replay replay(world);
  EXPECT_FALSE(start(world, replay));
  EXPECT_TRUE(contents(world.keyspace).empty());
  return world.log_text();
}

// Commands have no checksum: a changed value would be loaded, and an end between two commands is an end.
TEST(PersistenceAof, ADamagedBaseOfCommandsIsRefused) {
  auto disk = disk_with_base_of_commands();
  std::string const sound = disk->contents(kBaseOfCommands);
  ASSERT_NE(sound.find("value"), std::string::npos);
  std::string changed = sound;
  changed[changed.find("value")] = 'V';
  disk->put(kBaseOfCommands, changed);
  EXPECT_NE(refusal(disk).find("appendonly.aof.2.base.aof is damaged between offsets 0 and"), std::string::npos);
  for (size_t length : {size_t{0}, sound.find("*3")}) {
    disk->put(kBaseOfCommands, sound.substr(0, length));
    EXPECT_NE(refusal(disk).find("appendonly.aof.2.base.aof ends at offset " + to_text_unsigned(length)), std::string::npos);
  }
  disk->put(kBaseOfCommands, sound);
  EXPECT_EQ(restarted(disk).size(), 1u);
}

// The start that drops it says so; the file is not the last one from then on, and its index knew more.
TEST(PersistenceAof, AfterAnEndThatWasLostStartsGoOn) {
  for (size_t lost : {size_t{0}, size_t{3}}) {
    SCOPED_TRACE(lost);
    auto disk = std::make_shared<FaultyDisk>();
    {
      World world("appendonly yes\n", disk);
      Replay replay(world);
      ASSERT_TRUE(start(world, replay));
      for (int i = 0; i < 20; i++) Client(world.keyspace).set(0, "key:" + to_text(i), "value");
    }
    constexpr char const* kIncrement = "/data/appendonlydir/appendonly.aof.1.incr.aof";
    std::string const whole = disk->contents(kIncrement);
    size_t const last = whole.rfind("*3");
    ASSERT_NE(last, std::string::npos);
    disk->put(kIncrement, whole.substr(0, last + lost));
    for (int starts = 0; starts < 3; starts++) EXPECT_EQ(restarted(disk).size(), 19u) << starts;
  }
}

TEST(PersistenceAof, AnEmptyRdbBaseIsRefused) {
  auto disk = std::make_shared<FaultyDisk>();
  restarted(disk);
  disk->put("/data/appendonlydir/appendonly.aof.1.base.rdb", "");
  EXPECT_NE(refusal(disk).find("The RDB base file appendonly.aof.1.base.rdb is empty"), std::string::npos);
}

TEST(PersistenceAof, AnInterruptedFirstManifestIsMadeAgain) {
  int interrupted = 0;
  for (uint64_t seed = 1; seed <= 40; seed++) {
    SCOPED_TRACE(seed);
    auto disk = std::make_shared<FaultyDisk>();
    disk->add_fault({.operation = seed % 2 ? DiskOperation::kSyncDirectory : DiskOperation::kRename, .nth = 1 + seed / 2 % 6, .forever = true});
    {
      World world("appendonly yes\n", disk);
      Replay replay(world);
      if (!start(world, replay)) interrupted++;
    }
    disk->crash(seed);
    disk->clear_faults();
    EXPECT_TRUE(restarted(disk).empty());
    EXPECT_TRUE(restarted(disk).empty());
    EXPECT_FALSE(*disk->exists("/data/appendonlydir/appendonly.aof.first"));
  }
  EXPECT_GT(interrupted, 10);
}

TEST(PersistenceAof, WithoutItsManifestAnAofIsNotWrittenOver) {
  auto disk = disk_with_base_of_commands();
  ASSERT_TRUE(disk->unlink("/data/appendonlydir/appendonly.aof.manifest"));
  std::string const before = disk->contents(kBaseOfCommands);
  EXPECT_NE(refusal(disk).find("but no manifest that names them"), std::string::npos);
  EXPECT_EQ(disk->contents(kBaseOfCommands), before);
}

// It was, for a moment: clients were served nothing, and could save it over the file.
TEST(Persistence, ADataSetThatCannotBeLoadedIsNotServedAsEmpty) {
  World world;
  world.disk->put("/data/dump.rdb", "REDIS0010");
  EXPECT_FALSE(world.persistence->load_at_start({.inserters = 1}));
  EXPECT_TRUE(world.persistence->loading());
}

// A block that the machine did not write before it crashed, inside a value: it parses. Only where the index does not reach.
TEST(PersistenceAof, ABlockOfZerosIsRefusedWhereTheMachineMayHaveCrashed) {
  auto disk = std::make_shared<FaultyDisk>();
  {
    World world("appendonly yes\n", disk);
    Replay replay(world);
    ASSERT_TRUE(start(world, replay));
    Client(world.keyspace).set(0, "zeros", std::string(3000, '\0'));
  }
  // Whole, and known to be so.
  EXPECT_EQ(restarted(disk).size(), 1u);
  std::string const index = "/data/appendonlydir/appendonly.aof.1.incr.aof.idx";
  std::string const header = disk->contents(index).substr(0, log::kSidecarHeaderBytes);
  disk->put(index, header);
  EXPECT_NE(refusal(disk).find("appendonly.aof.1.incr.aof has a block of zeros at offset 512"), std::string::npos);

  // A process that was killed loses nothing of what it has written.
  disk->put(index, header);
  World world("appendonly yes\n", disk);
  Replay replay(world);
  EXPECT_TRUE(world.persistence->load_at_start({.directory = world.directory.get(),
                                                .replay = [&](auto command) { return replay(command); },
                                                .inserters = 1,
                                                .machine_up_since_ms = 1}));
  EXPECT_EQ(contents(world.keyspace).size(), 1u);
}

TEST(PersistenceAof, AFailedRewriteLosesNothing) {
  auto disk = std::make_shared<FaultyDisk>();
  DataSet expected;
  {
    World world("appendonly yes\n", disk);
    Replay replay(world);
    ASSERT_TRUE(start(world, replay));
    fill(world, 500);
    for (FaultyDisk::Fault const& fault :
         {FaultyDisk::Fault{
              .operation = DiskOperation::kAppend, .nth = 2, .errnum = ENOSPC, .path_part = "temp-rewriteaof"},
          FaultyDisk::Fault{.operation = DiskOperation::kSync, .errnum = EIO, .path_part = "temp-rewriteaof"},
          FaultyDisk::Fault{.operation = DiskOperation::kRename, .errnum = EIO, .path_part = "temp-rewriteaof"},
          FaultyDisk::Fault{.operation = DiskOperation::kOpen, .errnum = EIO, .path_part = ".incr.aof"}}) {
      // The log opens files of its own until then.
      ASSERT_TRUE(world.drive_until([&] { return world.log->idle(); }));
      disk->add_fault(fault);
      EXPECT_EQ(world.persistence->background_rewrite(), Request::kStarted);
      Client client(world.keyspace);
      for (int i = 0; i < 100; i++) {
        client.set(1, "later:" + to_text(i), "value");
        world.persistence->slice(0, 10);
      }
      ASSERT_TRUE(world.drive_to_rest());
      EXPECT_FALSE(world.persistence->info().last_rewrite_ok);
      EXPECT_TRUE(world.logged("# Background AOF rewrite terminated with error\n"));
      EXPECT_EQ(world.log->state(), log::LogState::kOn);
      disk->clear_faults();
    }
    EXPECT_EQ(world.persistence->info().rewrite_consecutive_failures, 1u);  // each BGREWRITEAOF resets it
    expected = contents(world.keyspace);
  }
  EXPECT_TRUE(restarted(disk) == expected);
}

TEST(PersistenceAof, SwitchedOnAndOffAtRunTime) {
  auto disk = std::make_shared<FaultyDisk>();
  DataSet expected;
  {
    World world("", disk);
    fill(world, 500);
    ASSERT_TRUE(world.persistence->set_append_only(true));
    Client client(world.keyspace);
    for (int i = 0; i < 500; i++) {
      client.set(2, "during:" + to_text(i), "value");
      world.persistence->slice(0, 10);
    }
    ASSERT_TRUE(world.drive_until([&] { return world.log->state() == log::LogState::kOn; }));
    ASSERT_TRUE(world.drive_to_rest());
    client.set(0, "logged", "yes");
    expected = contents(world.keyspace);
    ASSERT_TRUE(world.persistence->set_append_only(false));
    ASSERT_TRUE(world.drive_until([&] { return world.log->state() == log::LogState::kOff; }));
    ASSERT_TRUE(world.drive_to_rest());
    client.set(0, "not logged", "yes");
  }
  EXPECT_TRUE(restarted(disk) == expected);
}

TEST(PersistenceAof, SwitchingOnIsTriedAgainAfterAFailure) {
  World world;
  fill(world, 50);
  world.disk->add_fault({.operation = DiskOperation::kSync, .errnum = EIO, .path_part = "temp-rewriteaof"});
  ASSERT_TRUE(world.persistence->set_append_only(true));
  ASSERT_TRUE(world.drive_to_rest());
  EXPECT_EQ(world.log->state(), log::LogState::kOff);
  world.clock.advance_seconds(2);
  world.persistence->tick();
  ASSERT_TRUE(world.drive_to_rest());
  EXPECT_EQ(world.log->state(), log::LogState::kOn);
}

TEST(PersistenceAof, SwitchedOffWhileItIsBeingSwitchedOn) {
  World world("rdb-key-save-delay 1000000\n");
  fill(world, 50);
  ASSERT_TRUE(world.persistence->set_append_only(true));
  ASSERT_TRUE(world.drive_until([&] { return world.persistence->info().current_keys_total == 52; }));
  EXPECT_EQ(world.log->state(), log::LogState::kWaitBase);
  ASSERT_TRUE(world.persistence->set_append_only(false));
  ASSERT_TRUE(world.drive_to_rest());
  EXPECT_EQ(world.log->state(), log::LogState::kOff);
  EXPECT_EQ(world.persistence->info().rewrite_consecutive_failures, 0u);
}

TEST(PersistenceAof, RewriteWithAppendonlyNoMakesABaseOnly) {
  World world;
  fill(world, 50);
  EXPECT_EQ(world.persistence->background_rewrite(), Request::kStarted);
  ASSERT_TRUE(world.drive_to_rest());
  EXPECT_TRUE(world.disk->contents("/data/appendonlydir/appendonly.aof.manifest")
                  .ends_with("\nfile appendonly.aof.1.base.rdb seq 1 type b\n"));
  EXPECT_EQ(read_rdb(*world.disk, "/data/appendonlydir/appendonly.aof.1.base.rdb").size(), 52u);
}

TEST(PersistenceAof, GrowthBeginsARewrite) {
  World world("appendonly yes\nauto-aof-rewrite-min-size 1000\n");
  Replay replay(world);
  ASSERT_TRUE(start(world, replay));
  world.persistence->tick();
  EXPECT_FALSE(world.persistence->info().rewriting);
  fill(world, 100);
  ASSERT_TRUE(world.drive_until([&] { return world.log->sizes().current_bytes > 100'000; }));
  world.persistence->tick();
  EXPECT_TRUE(world.persistence->info().rewriting);
  ASSERT_TRUE(world.drive_to_rest());
  EXPECT_TRUE(world.logged("* Starting automatic rewriting of AOF on "));
}

TEST(PersistenceAof, AReloadBringsBackWhatWasSaved) {
  World world;
  fill(world, 500);
  ASSERT_TRUE(world.save());
  DataSet const saved = contents(world.keyspace);
  Client client(world.keyspace);
  client.set(0, "after the save", "x");
  auto reload = [&](Persistence::Reload how) {
    std::optional<uint64_t> ticket;
    client.execute({"some key"}, 0, [&](Txn&) {
      // The reload waits for this transaction.
      ticket = world.persistence->start_reload(how);
      EXPECT_TRUE(ticket);
      EXPECT_TRUE(world.persistence->loading());
      EXPECT_EQ(world.persistence->background_save(false), Request::kFailed);
      EXPECT_FALSE(world.persistence->start_reload(how));
    });
    std::optional<Status> result;
    EXPECT_TRUE(world.drive_until([&] { return (result = world.persistence->save_result(*ticket)).has_value(); }));
    EXPECT_FALSE(world.persistence->loading());
    return *result;
  };
  ASSERT_TRUE(reload({}));
  EXPECT_TRUE(contents(world.keyspace) == saved);
  EXPECT_EQ(world.persistence->info().changes_since_save, 0u);
  client.set(0, "after the save", "x");
  ASSERT_TRUE(reload({.keep = true, .replace = true}));
  EXPECT_EQ(contents(world.keyspace).size(), saved.size() + 1);
  Status const refused = reload({.keep = true});
  ASSERT_FALSE(refused);
  EXPECT_TRUE(refused.error().message.starts_with("RDB has duplicated key '"));
  EXPECT_TRUE(contents(world.keyspace).empty());
  client.set(0, "and it goes on", "x");
  ASSERT_TRUE(world.save());
}

}  // namespace
}  // namespace holdfast::snapshot
