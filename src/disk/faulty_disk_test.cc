#include "disk/faulty_disk.h"

#include <gtest/gtest.h>

#include <set>

namespace holdfast {
namespace {

std::unique_ptr<DiskFile> open(FaultyDisk& disk, std::string const& path) {
  auto file = disk.open_append(path);
  EXPECT_TRUE(file.has_value());
  return std::move(*file);
}

TEST(FaultyDisk, TheNthCallFailsOnce) {
  FaultyDisk disk;
  auto file = open(disk, "f");
  disk.add_fault({.operation = DiskOperation::kAppend, .nth = 2, .errnum = EIO});
  EXPECT_TRUE(file->append("a").has_value());
  EXPECT_EQ(file->append("b").error().errnum, EIO);
  EXPECT_TRUE(file->append("c").has_value());
  EXPECT_EQ(disk.contents("f"), "ac");
  EXPECT_EQ(disk.calls(DiskOperation::kAppend), 3u);
}

TEST(FaultyDisk, FaultsCanLastAndConcernOnePath) {
  FaultyDisk disk;
  disk.add_fault({.operation = DiskOperation::kOpen, .errnum = EMFILE, .path_part = "incr", .forever = true});
  EXPECT_TRUE(disk.open_append("base").has_value());
  EXPECT_EQ(disk.open_append("x.incr.aof").error().errnum, EMFILE);
  EXPECT_EQ(disk.create_truncate("x.incr.aof").error().errnum, EMFILE);
  disk.clear_faults();
  EXPECT_TRUE(disk.open_append("x.incr.aof").has_value());
}

TEST(FaultyDisk, ShortWrite) {
  FaultyDisk disk;
  auto file = open(disk, "f");
  disk.add_fault({.operation = DiskOperation::kAppend, .errnum = ENOSPC, .bytes_kept = 3});
  EXPECT_EQ(file->append("abcdef").error().errnum, ENOSPC);
  EXPECT_EQ(disk.contents("f"), "abc");
  EXPECT_TRUE(file->truncate(0).has_value());
  EXPECT_TRUE(file->append("abcdef").has_value());
  EXPECT_EQ(disk.contents("f"), "abcdef");
}

TEST(FaultyDisk, SpaceRunsOutAndComesBack) {
  FaultyDisk disk;
  disk.put("old", std::string(10, 'o'));
  disk.set_space(14);
  auto file = open(disk, "f");
  EXPECT_EQ(disk.free_space("."), 4u);
  EXPECT_EQ(file->append("abcdef").error().errnum, ENOSPC);
  EXPECT_EQ(disk.contents("f"), "abcd");
  EXPECT_TRUE(disk.unlink("old").has_value());
  EXPECT_TRUE(file->append("ef").has_value());
  EXPECT_EQ(disk.contents("f"), "abcdef");
}

TEST(FaultyDisk, EveryKindOfOperationCanFail) {
  FaultyDisk disk;
  disk.put("f", "abc");
  auto file = open(disk, "f");
  auto const arm = [&](DiskOperation operation) { disk.add_fault({.operation = operation, .errnum = EACCES}); };
  char buffer[4];
  arm(DiskOperation::kRead);
  EXPECT_EQ(file->pread(buffer, 0).error().errnum, EACCES);
  arm(DiskOperation::kTruncate);
  EXPECT_EQ(file->truncate(0).error().errnum, EACCES);
  arm(DiskOperation::kSync);
  EXPECT_EQ(file->sync().error().errnum, EACCES);
  arm(DiskOperation::kRename);
  EXPECT_EQ(disk.rename("f", "g").error().errnum, EACCES);
  arm(DiskOperation::kUnlink);
  EXPECT_EQ(disk.unlink("f").error().errnum, EACCES);
  arm(DiskOperation::kMakeDirectory);
  EXPECT_EQ(disk.make_directory("d").error().errnum, EACCES);
  arm(DiskOperation::kList);
  EXPECT_EQ(disk.list(".").error().errnum, EACCES);
  arm(DiskOperation::kSyncDirectory);
  EXPECT_EQ(disk.sync_directory(".").error().errnum, EACCES);
  arm(DiskOperation::kLock);
  EXPECT_EQ(disk.lock("l").error().errnum, EACCES);
  arm(DiskOperation::kClose);
  EXPECT_EQ(file->close().error().errnum, EACCES);
  EXPECT_EQ(disk.contents("f"), "abc");
  EXPECT_EQ(disk.contents("g"), "");
}

TEST(FaultyDiskCrash, SyncedBytesStayAndAnyPrefixOfTheRestMay) {
  std::set<std::string> seen;
  for (uint64_t seed = 0; seed < 200; ++seed) {
    FaultyDisk disk;
    auto file = open(disk, "f");
    ASSERT_TRUE(disk.sync_directory(".").has_value());
    ASSERT_TRUE(file->append("abc").has_value());
    ASSERT_TRUE(file->sync().has_value());
    ASSERT_TRUE(file->append("de").has_value());
    ASSERT_TRUE(file->append("f").has_value());
    disk.crash(seed);
    seen.insert(disk.contents("f"));
    EXPECT_EQ(file->append("x").error().errnum, EIO) << "files of before the crash are dead";
  }
  EXPECT_EQ(seen, (std::set<std::string>{"abc", "abcd", "abcde", "abcdef"}));
}

TEST(FaultyDiskCrash, AnyBlocksOfWhatWasNotSyncedMayBeLost) {
  constexpr size_t kBlock = FaultyDisk::kBlockBytes;
  std::set<std::string> seen;
  for (uint64_t seed = 0; seed < 500; ++seed) {
    FaultyDisk disk;
    auto file = open(disk, "f");
    ASSERT_TRUE(disk.sync_directory(".").has_value());
    ASSERT_TRUE(file->append("abc").has_value());
    ASSERT_TRUE(file->sync().has_value());
    ASSERT_TRUE(file->append(std::string(3 * kBlock - 3, 'x')).has_value());
    disk.crash(seed, FaultyDisk::Loss::kBlocks);
    std::string const left = disk.contents("f");
    ASSERT_TRUE(left.starts_with("abc"));
    // One letter a block: written, zeros, or the file ends before it.
    std::string blocks;
    for (size_t at = 0; at < left.size(); at += kBlock) {
      std::string const block = left.substr(std::max<size_t>(at, 3), std::min(at + kBlock, left.size()) - std::max<size_t>(at, 3));
      ASSERT_EQ(block.find_first_not_of(block.empty() ? ' ' : block[0]), std::string::npos);
      blocks += block.empty() ? "" : block[0] == 'x' ? "x" : "0";
    }
    seen.insert(blocks);
  }
  for (char const* blocks : {"", "x", "xx", "xxx", "0x", "00x", "x0x", "0xx", "000", "x00", "xx0", "0x0"}) {
    EXPECT_TRUE(seen.contains(blocks)) << blocks;
  }
}

TEST(FaultyDiskCrash, AnUnsyncedNameMayBeLost) {
  std::set<std::string> seen;
  for (uint64_t seed = 0; seed < 50; ++seed) {
    FaultyDisk disk;
    disk.put("f", "old");
    auto file = open(disk, "temp");
    ASSERT_TRUE(file->append("new").has_value());
    ASSERT_TRUE(file->sync().has_value());
    ASSERT_TRUE(disk.rename("temp", "f").has_value());
    EXPECT_EQ(disk.contents("f"), "new");
    disk.crash(seed);
    auto const names = disk.list(".");
    ASSERT_TRUE(names.has_value());
    seen.insert(disk.contents("f") + (names->size() > 1 ? "+temp" : ""));
  }
  EXPECT_EQ(seen, (std::set<std::string>{"old", "old+temp", "new"}));
}

TEST(FaultyDiskCrash, AnUnsyncedUnlinkMayComeBack) {
  std::set<std::string> seen;
  for (uint64_t seed = 0; seed < 50; ++seed) {
    FaultyDisk disk;
    disk.put("f", "old");
    ASSERT_TRUE(disk.unlink("f").has_value());
    disk.crash(seed);
    seen.insert(disk.contents("f"));
  }
  EXPECT_EQ(seen, (std::set<std::string>{"", "old"}));
}

TEST(FaultyDiskCrash, RenamingUnsyncedContentsIsFoundOut) {
  bool torn = false;
  for (uint64_t seed = 0; seed < 50; ++seed) {
    FaultyDisk disk;
    disk.put("f", "old");
    auto file = open(disk, "temp");
    ASSERT_TRUE(file->append("new").has_value());
    ASSERT_TRUE(disk.rename("temp", "f").has_value());
    ASSERT_TRUE(disk.sync_directory(".").has_value());
    disk.crash(seed);
    torn |= disk.contents("f") != "new";
  }
  EXPECT_TRUE(torn);
}

TEST(FaultyDiskCrash, WriteFileDurablyKeepsOldOrNewWhereverItFails) {
  constexpr DiskOperation kSteps[] = {DiskOperation::kOpen,  DiskOperation::kAppend, DiskOperation::kSync,
                                      DiskOperation::kClose, DiskOperation::kRename, DiskOperation::kSyncDirectory};
  for (DiskOperation const step : kSteps) {
    for (uint64_t seed = 0; seed < 20; ++seed) {
      FaultyDisk disk;
      disk.put("f", "old");
      disk.add_fault({.operation = step, .bytes_kept = 1});
      EXPECT_FALSE(write_file_durably(disk, "f", "temp", "new contents").has_value());
      EXPECT_FALSE(*disk.exists("temp"));
      disk.crash(seed);
      std::string const left = disk.contents("f");
      EXPECT_TRUE(left == "old" || (step == DiskOperation::kSyncDirectory && left == "new contents")) << left;
    }
  }
  for (uint64_t seed = 0; seed < 20; ++seed) {
    FaultyDisk disk;
    disk.put("f", "old");
    EXPECT_TRUE(write_file_durably(disk, "f", "temp", "new contents").has_value());
    disk.crash(seed);
    EXPECT_EQ(disk.contents("f"), "new contents");
  }
}

TEST(FaultyDiskCrash, WhatAFailedSyncLostIsNotBroughtBackByALaterOne) {
  FaultyDisk disk;
  auto file = open(disk, "f");
  ASSERT_TRUE(disk.sync_directory(".").has_value());
  ASSERT_TRUE(file->append("abc").has_value());
  ASSERT_TRUE(file->sync().has_value());
  ASSERT_TRUE(file->append("LOST").has_value());
  disk.add_fault({.operation = DiskOperation::kSync});
  EXPECT_EQ(file->sync().error().errnum, EIO);
  ASSERT_TRUE(file->append("def").has_value());
  EXPECT_TRUE(file->sync().has_value());
  EXPECT_EQ(disk.contents("f"), "abcLOSTdef") << "readers see it in the cache";
  disk.crash(1);
  EXPECT_EQ(disk.contents("f"), std::string("abc\0\0\0\0def", 10));
}

TEST(FaultyDiskCrash, ALostDirectoryTakesItsFilesAlong) {
  std::set<size_t> seen;
  for (uint64_t seed = 0; seed < 50; ++seed) {
    FaultyDisk disk;
    ASSERT_TRUE(disk.make_directory("d").has_value());
    auto file = open(disk, "d/f");
    ASSERT_TRUE(file->append("abc").has_value());
    ASSERT_TRUE(file->sync().has_value());
    ASSERT_TRUE(disk.sync_directory("d").has_value());
    disk.crash(seed);
    if (*disk.exists("d")) {
      EXPECT_EQ(disk.contents("d/f"), "abc");
      seen.insert(1);
    } else {
      EXPECT_FALSE(*disk.exists("d/f"));
      seen.insert(0);
    }
  }
  EXPECT_EQ(seen.size(), 2u);
}

TEST(FaultyDiskCrash, LocksAreReleased) {
  FaultyDisk disk;
  auto lock = disk.lock("l");
  ASSERT_TRUE(lock.has_value());
  disk.crash(0);
  auto next = disk.lock("l");
  ASSERT_TRUE(next.has_value());
  lock->reset();
  EXPECT_EQ(disk.lock("l").error().errnum, EWOULDBLOCK) << "the dead lock must not free the living one";
}

TEST(FaultyDisk, AFileThatWasRenamedToAnotherDirectoryIsNotInBothAfterACrash) {
  for (uint64_t seed = 1; seed <= 20; seed++) {
    FaultyDisk disk;
    ASSERT_TRUE(disk.make_directory("d"));
    ASSERT_TRUE(disk.sync_directory("."));
    {
      auto file = disk.create_truncate("temp").value();
      ASSERT_TRUE(file->append("contents"));
      ASSERT_TRUE(file->sync());
    }
    ASSERT_TRUE(disk.rename("temp", "d/f"));
    ASSERT_TRUE(disk.sync_directory("d"));
    disk.crash(seed);
    EXPECT_FALSE(disk.exists("temp").value());
    EXPECT_EQ(disk.contents("d/f"), "contents");
  }
}

TEST(FaultyDisk, WithoutPowerNothingChanges) {
  FaultyDisk disk;
  auto file = disk.create_truncate("f").value();
  ASSERT_TRUE(file->append("one"));
  ASSERT_TRUE(file->sync());
  ASSERT_TRUE(disk.sync_directory("."));
  disk.cut_power();
  EXPECT_EQ(file->append("two").error().errnum, EIO);
  EXPECT_EQ(file->truncate(0).error().errnum, EIO);
  EXPECT_EQ(file->sync().error().errnum, EIO);
  EXPECT_EQ(disk.create_truncate("f").error().errnum, EIO);
  EXPECT_EQ(disk.unlink("f").error().errnum, EIO);
  EXPECT_EQ(disk.rename("f", "g").error().errnum, EIO);
  disk.crash(1);
  EXPECT_EQ(disk.contents("f"), "one");
  EXPECT_TRUE(disk.open_append("f"));
}

}  // namespace
}  // namespace holdfast
