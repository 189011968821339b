#include "log/recovery.h"

#include <gtest/gtest.h>

#include "disk/faulty_disk.h"
#include "log/test_command.h"

namespace holdfast::log {
namespace {

class RecoveryTest : public testing::Test {
 protected:
  RecoveryTest() {
    EXPECT_TRUE(logger_.set_file("/dev/null"));
    EXPECT_TRUE(disk_.make_directory("/data"));
    EXPECT_TRUE(disk_.sync_directory("/"));
  }
  void put(std::string const& name, std::string const& contents) {
    static_cast<void>(directory_.ensure_directory());
    disk_.put("/data/appendonlydir/" + name, contents);
  }
  std::string get(std::string const& name) { return disk_.contents("/data/appendonlydir/" + name); }

  /// Reads the part to its error and decides.
  LoadErrorDecision decide(AofPart const& part, bool load_truncated) {
    auto reader = AofFileReader::open(disk_, part.path);
    EXPECT_TRUE(reader.has_value());
    for (;;) {
      auto const item = reader->next();
      if (!item) return decide_load_error(directory_, part, item.error(), load_truncated);
      EXPECT_NE(item->kind, AofItem::Kind::kEnd);
      if (item->kind == AofItem::Kind::kEnd) return {};
    }
  }

  FaultyDisk disk_;
  SystemClock clock_;
  Logger logger_{clock_};
  AofDirectory directory_{disk_, logger_, AofLocation{.data_dir = "/data"}};
  std::string const set_ = command({"set", "a", "1"});
};

TEST_F(RecoveryTest, NoDirectoryIsAnEmptyPlan) {
  auto const plan = plan_recovery(directory_);
  ASSERT_TRUE(plan.has_value());
  EXPECT_TRUE(plan->no_files());
}

TEST_F(RecoveryTest, PartsAreBaseThenIncrementsWithSizes) {
  put("b", "12345");
  put("i1", "123");
  put("i2", "1");
  put("i3", "");
  put("appendonly.aof.manifest",
      "file i1 seq 1 type i\nfile b seq 1 type b\nfile h seq 1 type h\nfile i2 seq 2 type i\nfile i3 seq 3 type i\n");
  auto const plan = plan_recovery(directory_);
  ASSERT_TRUE(plan.has_value());
  ASSERT_EQ(plan->parts.size(), 4u);
  EXPECT_EQ(plan->parts[0].name, "b");
  EXPECT_TRUE(plan->parts[0].is_base);
  EXPECT_EQ(plan->parts[1].name, "i1");
  EXPECT_FALSE(plan->parts[1].is_last);
  EXPECT_TRUE(plan->parts[2].is_last);  // nothing follows but an empty file
  EXPECT_TRUE(plan->parts[3].is_last);
  EXPECT_EQ(plan->total_bytes, 9u);
  EXPECT_EQ(plan->base_bytes, 5u);
}

TEST_F(RecoveryTest, MissingFileIsFatal) {
  put("appendonly.aof.manifest", "file gone seq 1 type i\n");
  auto const plan = plan_recovery(directory_);
  ASSERT_FALSE(plan.has_value());
  EXPECT_EQ(plan.error().messages,
            (std::vector<std::string>{"Unable to obtain the AOF file gone length. stat: No such file or directory"}));
}

TEST_F(RecoveryTest, BadManifestIsFatal) {
  put("appendonly.aof.manifest", "file a seq 1 type x\n");
  auto const plan = plan_recovery(directory_);
  ASSERT_FALSE(plan.has_value());
  EXPECT_EQ(
      plan.error().messages,
      (std::vector<std::string>{"\n*** FATAL AOF MANIFEST FILE ERROR ***\n", "Reading the manifest file, at line 1\n",
                                ">>> 'file a seq 1 type x'\n", "Unknown AOF file type\n"}));
}

TEST_F(RecoveryTest, UnreadableManifestIsFatal) {
  put("appendonly.aof.manifest", "file a seq 1 type i\n");
  disk_.add_fault({.operation = DiskOperation::kOpen, .errnum = EACCES});
  auto const plan = plan_recovery(directory_);
  ASSERT_FALSE(plan.has_value());
  EXPECT_EQ(plan.error().messages,
            (std::vector<std::string>{"Fatal error: can't open the AOF manifest file appendonly.aof.manifest for "
                                      "reading: Permission denied"}));
}

TEST_F(RecoveryTest, AdoptsASingleFileAof) {
  disk_.put("/data/appendonly.aof", set_);
  auto const plan = plan_recovery(directory_);
  ASSERT_TRUE(plan.has_value());
  ASSERT_EQ(plan->parts.size(), 1u);
  EXPECT_EQ(plan->parts[0].name, "appendonly.aof");
  EXPECT_TRUE(plan->parts[0].is_base);
  EXPECT_EQ(get("appendonly.aof"), set_);
  EXPECT_FALSE(*disk_.exists("/data/appendonly.aof"));
  EXPECT_TRUE(get("appendonly.aof.manifest").ends_with("\nfile appendonly.aof seq 1 type b\n"));
}

TEST_F(RecoveryTest, AdoptionSurvivesAPowerFailureAnywhere) {
  for (uint64_t seed = 1; seed <= 30; ++seed) {
    SCOPED_TRACE(seed);
    FaultyDisk disk;
    ASSERT_TRUE(disk.make_directory("/data"));
    ASSERT_TRUE(disk.sync_directory("/"));
    disk.put("/data/appendonly.aof", set_);
    disk.add_fault({.operation = DiskOperation::kSyncDirectory, .nth = 1 + seed % 5, .forever = true});
    AofDirectory directory(disk, logger_, AofLocation{.data_dir = "/data"});
    static_cast<void>(plan_recovery(directory));
    disk.crash(seed);
    disk.clear_faults();
    auto const plan = plan_recovery(directory);
    ASSERT_TRUE(plan.has_value());
    ASSERT_EQ(plan->total_bytes, set_.size());
  }
}

// They would be written over by a server that starts empty.
TEST_F(RecoveryTest, FilesWithoutAManifestAreRefused) {
  for (std::string const name : {"appendonly.aof.1.base.rdb", "appendonly.aof.17.incr.aof"}) {
    SCOPED_TRACE(name);
    put(name, set_);
    auto const plan = plan_recovery(directory_);
    ASSERT_FALSE(plan.has_value());
    EXPECT_EQ(plan.error().messages.front(),
              "The append only directory /data/appendonlydir has files of an AOF (" + name +
                  "), but no manifest that names them: appendonly.aof.manifest is missing. A start would write over them");
    put(name, "");
    EXPECT_TRUE(plan_recovery(directory_).has_value());
  }
  for (std::string const name : {"appendonly.aof.1.incr.aof.idx", "appendonly.aof.incr.aof", "temp-appendonly.aof.1.incr.aof",
                                 "other.aof.1.base.rdb", "appendonly.aof.history"}) {
    put(name, set_);
    EXPECT_TRUE(plan_recovery(directory_).has_value()) << name;
  }
}

TEST_F(RecoveryTest, FilesOfAnInterruptedFirstManifestAreNotRefused) {
  put("appendonly.aof.1.base.rdb", set_);
  ASSERT_TRUE(directory_.begin_first());
  EXPECT_TRUE(plan_recovery(directory_).has_value());
  put("appendonly.aof.manifest", "file appendonly.aof.1.base.rdb seq 1 type b\n");
  EXPECT_TRUE(plan_recovery(directory_).has_value());
  // With a manifest the mark has no meaning any more, and goes.
  ASSERT_TRUE(disk_.unlink("/data/appendonlydir/appendonly.aof.manifest"));
  EXPECT_FALSE(plan_recovery(directory_).has_value());
}

TEST_F(RecoveryTest, DoesNotAdoptWhenAManifestHasFiles) {
  disk_.put("/data/appendonly.aof", set_);
  put("i", "");
  put("appendonly.aof.manifest", "file i seq 1 type i\n");
  ASSERT_TRUE(plan_recovery(directory_).has_value());
  EXPECT_TRUE(*disk_.exists("/data/appendonly.aof"));
}

TEST_F(RecoveryTest, TruncatedTailOfTheLastFileIsCut) {
  put("i", set_ + command({"MULTI"}) + set_);
  put("appendonly.aof.manifest", "file i seq 1 type i\n");
  auto const plan = plan_recovery(directory_);
  LoadErrorDecision const refused = decide(plan->parts[0], false);
  EXPECT_FALSE(refused.go_on);
  EXPECT_EQ(refused.messages,
            (std::vector<std::string>{
                "Revert incomplete MULTI/EXEC transaction in AOF file i",
                "Unexpected end of file reading the append only file i. You can: 1) Make a backup of your AOF file, "
                "then use ./redis-check-aof --fix <filename.manifest>. 2) Alternatively you can set the "
                "'aof-load-truncated' configuration option to yes and restart the server."}));
  EXPECT_EQ(get("i").size(), plan->parts[0].size);

  LoadErrorDecision const cut = decide(plan->parts[0], true);
  EXPECT_TRUE(cut.go_on);
  EXPECT_EQ(cut.messages,
            (std::vector<std::string>{"Revert incomplete MULTI/EXEC transaction in AOF file i",
                                      "!!! Warning: short read while loading the AOF file i!!!",
                                      "!!! Truncating the AOF i at offset " + std::to_string(set_.size()) + " !!!",
                                      "AOF i loaded anyway because aof-load-truncated is enabled"}));
  EXPECT_EQ(get("i"), set_);
}

TEST_F(RecoveryTest, TruncatedFileThatIsNotTheLastIsFatalAndUntouched) {
  put("i", set_ + "*1\r\n");
  put("j", set_);
  put("appendonly.aof.manifest", "file i seq 1 type i\nfile j seq 2 type i\n");
  auto const plan = plan_recovery(directory_);
  LoadErrorDecision const decision = decide(plan->parts[0], true);
  EXPECT_FALSE(decision.go_on);
  EXPECT_EQ(decision.messages.back(), "Fatal error: the truncated file is not the last file");
  EXPECT_EQ(get("i"), set_ + "*1\r\n");
}

// An end between two commands looks like any other; the index knows that there was more.
TEST_F(RecoveryTest, AnEndThatIsMissingIsToldOrRefused) {
  AofPart part{.name = "i", .path = "/data/appendonlydir/i", .size = 27, .is_last = true};
  LoadErrorDecision const told = decide_lost_end(part, 100, true);
  EXPECT_TRUE(told.go_on);
  EXPECT_EQ(told.messages,
            (std::vector<std::string>{"!!! Warning: The append only file i ends at offset 27, and its index (i.idx) knows that it "
                                      "was written up to offset 100: the rest is lost !!!",
                                      "AOF i loaded anyway because aof-load-truncated is enabled"}));
  LoadErrorDecision const refused = decide_lost_end(part, 100, false);
  EXPECT_FALSE(refused.go_on);
  EXPECT_TRUE(refused.messages.back().starts_with("Unexpected end of file reading the append only file i."));

  part.is_last = false;
  EXPECT_FALSE(decide_lost_end(part, 100, true).go_on);
  part.is_last = part.is_base = true;
  EXPECT_FALSE(decide_lost_end(part, 100, true).go_on);
}

TEST_F(RecoveryTest, GarbageIsAFormatError) {
  put("i", set_ + std::string(16, '\0'));
  put("appendonly.aof.manifest", "file i seq 1 type i\n");
  auto const plan = plan_recovery(directory_);
  LoadErrorDecision const decision = decide(plan->parts[0], true);
  EXPECT_FALSE(decision.go_on);
  EXPECT_EQ(decision.messages,
            (std::vector<std::string>{"Bad file format reading the append only file i: make a backup of your AOF file, "
                                      "then use ./redis-check-aof --fix <filename.manifest>",
                                      "The damage in i begins at offset 27 and shows at offset 27"}));
}

TEST_F(RecoveryTest, FlippedLengthIsNotMistakenForATruncatedTail) {
  std::string text = set_ + command({"set", "a", "twelve bytes"}) + set_;
  put("i", text);
  auto writer = SidecarWriter::create(disk_, "/data/appendonlydir/i.idx", 0, 0, 0);
  writer->cover(text);
  ASSERT_TRUE(writer->advance(text.size(), text.size(), 0, true));
  text[text.find("$12") + 1] = '9';  // the second command seems to go on beyond the end
  put("i", text);
  put("appendonly.aof.manifest", "file i seq 1 type i\n");
  auto const plan = plan_recovery(directory_);
  LoadErrorDecision const decision = decide(plan->parts[0], true);
  EXPECT_FALSE(decision.go_on);
  ASSERT_EQ(decision.messages.size(), 3u);
  EXPECT_TRUE(decision.messages[0].starts_with("Bad file format reading the append only file i"));
  EXPECT_EQ(decision.messages[2], "The index of i knows complete commands beyond offset " +
                                      std::to_string(set_.size()) + ": the file is damaged there, not truncated");
  EXPECT_EQ(get("i"), text);

  // Without the index there is nothing to tell them apart by.
  ASSERT_TRUE(disk_.unlink("/data/appendonlydir/i.idx"));
  EXPECT_TRUE(decide(plan->parts[0], true).go_on);
  EXPECT_EQ(get("i"), set_);
}

TEST_F(RecoveryTest, ReadErrorIsFatal) {
  put("i", set_);
  put("appendonly.aof.manifest", "file i seq 1 type i\n");
  auto const plan = plan_recovery(directory_);
  LoadErrorDecision const decision =
      decide_load_error(directory_, plan->parts[0], {.kind = AofError::Kind::kIo, .errnum = EIO}, true);
  EXPECT_FALSE(decision.go_on);
  EXPECT_EQ(decision.messages,
            (std::vector<std::string>{"Unrecoverable error reading the append only file i: Input/output error"}));
}

TEST_F(RecoveryTest, EndOffsetComesFromTheIndexAndTheBytesAfterIt) {
  std::string const text = set_ + "#TS:5\r\n" + set_;
  put("i", text);
  put("appendonly.aof.manifest", "file i seq 1 type i\n");
  auto const plan = plan_recovery(directory_);
  EXPECT_FALSE(written_stream(disk_, plan->parts[0]).has_value());
  auto writer = SidecarWriter::create(disk_, "/data/appendonlydir/i.idx", 100, 0, 0);
  writer->cover(set_);
  ASSERT_TRUE(writer->advance(100 + set_.size(), set_.size(), 0, true));
  EXPECT_EQ(written_stream(disk_, plan->parts[0]).value().end, 100 + 2 * set_.size());
  // An entry for bytes that are not there any more is passed over.
  writer->cover(text.substr(set_.size()));
  ASSERT_TRUE(writer->advance(100 + 2 * set_.size(), text.size(), 0, true));
  put("i", set_);
  EXPECT_EQ(written_stream(disk_, plan->parts[0]).value().end, 100 + set_.size());
}

TEST_F(RecoveryTest, WrittenStreamBeginsBehindWhatIsNotOfTheStream) {
  put("appendonly.aof.manifest", "file i seq 1 type i\n");
  std::string const alone = std::string(kFileOnlyAnnotation) + command({"SELECT", "3"});
  auto const stream_of = [&](std::string const& text) {
    put("i", text);
    return written_stream(disk_, plan_recovery(directory_)->parts[0]).value();
  };
  auto writer = SidecarWriter::create(disk_, "/data/appendonlydir/i.idx", 100, 0, 0);

  WrittenStream stream = stream_of(alone + set_ + set_);
  EXPECT_EQ(stream.begin, 100u);
  EXPECT_EQ(stream.position, alone.size());
  EXPECT_EQ(stream.end, 100 + 2 * set_.size());
  EXPECT_TRUE(stream.whole_file);

  // The same where an entry of the index lies behind it.
  writer->cover(alone + set_);
  ASSERT_TRUE(writer->advance(100 + set_.size(), alone.size() + set_.size(), 0, true));
  stream = stream_of(alone + set_ + set_);
  EXPECT_EQ(stream.position, alone.size());
  EXPECT_EQ(stream.end, 100 + 2 * set_.size());
  EXPECT_TRUE(stream.whole_file);

  // An annotation in the middle: what is in front of it lies elsewhere in the file.
  std::string const annotation = "#TS:5\r\n";
  stream = stream_of(alone + set_ + annotation + set_);
  EXPECT_EQ(stream.begin, 100 + set_.size());
  EXPECT_EQ(stream.position, alone.size() + set_.size() + annotation.size());
  EXPECT_EQ(stream.end, 100 + 2 * set_.size());
  EXPECT_FALSE(stream.whole_file);
}

TEST_F(RecoveryTest, LoadMessages) {
  AofPart const base{.name = "b", .is_base = true};
  AofPart const increment{.name = "i"};
  EXPECT_EQ(loaded_part_message(base, 1'234'567), "DB loaded from base file b: 1.235 seconds");
  EXPECT_EQ(loaded_part_message(increment, 0), "DB loaded from incr file i: 0.000 seconds");
  EXPECT_EQ(loaded_all_message(12'000), "DB loaded from append only file: 0.012 seconds");
  EXPECT_EQ(unknown_command_message(increment, "foo"), "Unknown command 'foo' reading the append only file i");
}

}  // namespace
}  // namespace holdfast::log
