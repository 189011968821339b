#include "log/sidecar_index.h"

#include <gtest/gtest.h>

#include "disk/faulty_disk.h"

namespace holdfast::log {
namespace {

constexpr char const* kFile = "/f.aof";
constexpr char const* kIndex = "/f.aof.idx";

/// Writes `parts` with an entry after each, one second apart from unix ms 1000 on; the stream begins at 500.
std::string make_indexed(FaultyDisk& disk, std::vector<std::string> const& parts) {
  auto writer = SidecarWriter::create(disk, kIndex, 500, 0, 0);
  EXPECT_TRUE(writer.has_value());
  std::string text;
  int64_t now_ms = 0;
  for (std::string const& part : parts) {
    text += part;
    writer->cover(part);
    now_ms += 1000;
    EXPECT_TRUE(writer->advance(500 + text.size(), text.size(), now_ms, false));
  }
  disk.put(kFile, text);
  return text;
}

SidecarIndex index_of(FaultyDisk& disk) {
  auto const index = read_sidecar(disk, kIndex);
  EXPECT_TRUE(index && *index);
  return **index;
}

TEST(Sidecar, EntriesSayWhenAndWhere) {
  FaultyDisk disk;
  make_indexed(disk, {"first part|", "second|"});
  SidecarIndex const index = index_of(disk);
  EXPECT_EQ(index.first_stream_offset, 500u);
  ASSERT_EQ(index.entries.size(), 2u);
  EXPECT_EQ(index.entries[1].unix_ms, 2000);
  EXPECT_EQ(index.entries[1].stream_offset, 518u);
  EXPECT_EQ(index.entries[1].file_position, 18u);
  EXPECT_EQ(index.valid_bytes(), 48u + 2 * 40u);
  EXPECT_EQ(disk.contents(kIndex).size(), index.valid_bytes());
  EXPECT_TRUE(index.knows_end_in(10, 18));
  EXPECT_FALSE(index.knows_end_in(11, 17));
  EXPECT_FALSE(index.knows_end_in(18, 100));
}

TEST(Sidecar, EntriesAreDueEverySecondOrMiB) {
  FaultyDisk disk;
  auto writer = SidecarWriter::create(disk, kIndex, 0, 0, 10'000);
  EXPECT_EQ(writer->due_ms(), std::nullopt);
  writer->cover("abc");
  EXPECT_EQ(writer->due_ms(), 11'000);
  EXPECT_TRUE(writer->advance(3, 3, 10'999, false));
  EXPECT_EQ(index_of(disk).entries.size(), 0u);
  EXPECT_TRUE(writer->advance(3, 3, 11'000, false));
  EXPECT_EQ(index_of(disk).entries.size(), 1u);
  EXPECT_TRUE(writer->advance(3, 3, 20'000, true));  // nothing new to say
  EXPECT_EQ(index_of(disk).entries.size(), 1u);
  writer->cover(std::string(kSidecarIntervalBytes, 'x'));
  EXPECT_TRUE(writer->advance(3 + kSidecarIntervalBytes, 3 + kSidecarIntervalBytes, 11'001, false));
  EXPECT_EQ(index_of(disk).entries.size(), 2u);
}

TEST(Sidecar, VerifyFindsAFlippedByteAnywhere) {
  FaultyDisk disk;
  std::vector<std::string> const parts{"the first range|", "x", "the third and last range|"};
  std::string const text = make_indexed(disk, parts);
  SidecarIndex const index = index_of(disk);
  auto const sound = verify_increment(disk, kFile, index);
  ASSERT_TRUE(sound.has_value());
  EXPECT_TRUE(sound->ok);
  EXPECT_EQ(sound->verified_up_to, text.size());
  EXPECT_EQ(sound->verified_until_ms, 3000);
  EXPECT_FALSE(sound->file_is_shorter);

  for (size_t i = 0; i < text.size(); ++i) {
    for (int bit = 0; bit < 8; ++bit) {
      std::string broken = text;
      broken[i] = static_cast<char>(broken[i] ^ (1 << bit));
      disk.put(kFile, broken);
      auto const found = verify_increment(disk, kFile, index);
      ASSERT_TRUE(found.has_value());
      ASSERT_FALSE(found->ok);
      ASSERT_LE(found->bad_begin, i);
      ASSERT_GT(found->bad_end, i);
      ASSERT_EQ(found->verified_up_to, found->bad_begin);
      size_t const range = i < parts[0].size() ? 0 : i == parts[0].size() ? 1 : 2;
      ASSERT_EQ(found->verified_until_ms, static_cast<int64_t>(range) * 1000);
    }
  }
}

TEST(Sidecar, DamageOfTheIndexOnlyShortensIt) {
  FaultyDisk disk;
  make_indexed(disk, {"one|", "two|", "three|"});
  std::string const bytes = disk.contents(kIndex);
  for (size_t size = 0; size <= bytes.size(); ++size) {
    auto const index = SidecarIndex::parse(std::string_view(bytes).substr(0, size));
    ASSERT_EQ(index.has_value(), size >= kSidecarHeaderBytes);
    if (index) {
      ASSERT_EQ(index->entries.size(), (size - kSidecarHeaderBytes) / kSidecarEntryBytes);
    }
  }
  for (size_t i = 0; i < bytes.size(); ++i) {
    std::string broken = bytes;
    broken[i] = static_cast<char>(broken[i] ^ 0x10);
    auto const index = SidecarIndex::parse(broken);
    ASSERT_EQ(index.has_value(), i >= kSidecarHeaderBytes);
    if (index) {
      ASSERT_EQ(index->entries.size(), (i - kSidecarHeaderBytes) / kSidecarEntryBytes);
    }
  }
}

TEST(Sidecar, EntriesOfAnotherFileAreNoEntries) {
  FaultyDisk disk;
  make_indexed(disk, {"one|", "two|"});
  std::string const mine = disk.contents(kIndex);
  auto other = SidecarWriter::create(disk, "/other.idx", 501, 0, 0);
  ASSERT_TRUE(other.has_value());
  std::string const header = disk.contents("/other.idx");
  EXPECT_EQ(SidecarIndex::parse(header + mine.substr(kSidecarHeaderBytes))->entries.size(), 0u);
}

TEST(Sidecar, MissingIndexIsNoError) {
  FaultyDisk disk;
  auto const index = read_sidecar(disk, kIndex);
  ASSERT_TRUE(index.has_value());
  EXPECT_FALSE(index->has_value());
}

TEST(Sidecar, ShorterFileIsNotDamage) {
  FaultyDisk disk;
  std::string const text = make_indexed(disk, {"one|", "two|"});
  disk.put(kFile, text.substr(0, 6));
  auto const found = verify_increment(disk, kFile, index_of(disk));
  ASSERT_TRUE(found.has_value());
  EXPECT_TRUE(found->ok);
  EXPECT_TRUE(found->file_is_shorter);
  EXPECT_EQ(found->verified_up_to, 4u);
}

TEST(Sidecar, ReopenCoversWhatHadNoEntry) {
  FaultyDisk disk;
  std::string const text = make_indexed(disk, {"one|", "two|"}) + "tail without entry|";
  disk.put(kFile, text);
  disk.put(kIndex, disk.contents(kIndex) + "torn entry");
  auto writer = SidecarWriter::reopen(disk, kIndex, kFile, 500 + text.size(), text.size(), 9000);
  ASSERT_TRUE(writer.has_value());
  SidecarIndex const index = index_of(disk);
  ASSERT_EQ(index.entries.size(), 3u);
  EXPECT_EQ(index.covered_position(), text.size());
  EXPECT_TRUE(verify_increment(disk, kFile, index)->ok);

  writer->cover("more|");
  disk.put(kFile, text + "more|");
  EXPECT_TRUE(writer->advance(505 + text.size(), text.size() + 5, 9001, true));
  EXPECT_EQ(verify_increment(disk, kFile, index_of(disk))->verified_up_to, text.size() + 5);
}

TEST(Sidecar, ReopenForgetsEntriesOfALostTail) {
  FaultyDisk disk;
  std::string const text = make_indexed(disk, {"one|", "two|", "three|"}).substr(0, 5);
  disk.put(kFile, text);
  ASSERT_TRUE(SidecarWriter::reopen(disk, kIndex, kFile, 505, 5, 9000).has_value());
  SidecarIndex const index = index_of(disk);
  ASSERT_EQ(index.entries.size(), 2u);
  EXPECT_EQ(index.covered_position(), 5u);
  EXPECT_TRUE(verify_increment(disk, kFile, index)->ok);
}

TEST(Sidecar, ReopenOfAFileOfRedisBeginsAnIndexThere) {
  FaultyDisk disk;
  disk.put(kFile, "written by redis|");
  auto writer = SidecarWriter::reopen(disk, kIndex, kFile, 1000, 17, 9000);
  ASSERT_TRUE(writer.has_value());
  EXPECT_EQ(index_of(disk).first_file_position, 17u);
  EXPECT_EQ(index_of(disk).first_stream_offset, 1000u);
  // The same when the old index speaks of a stream further on.
  make_indexed(disk, {"one|", "two|"});
  ASSERT_TRUE(SidecarWriter::reopen(disk, kIndex, kFile, 10, 8, 9000).has_value());
  EXPECT_EQ(index_of(disk).first_stream_offset, 10u);
}

TEST(Sidecar, BlocksOfZerosAreFoundWhereTheyCanBe) {
  FaultyDisk disk;
  constexpr size_t kBlock = kLostBlockBytes;
  auto const found = [&](std::string const& text, uint64_t begin) {
    disk.put(kFile, text);
    return find_block_of_zeros(disk, kFile, begin).value();
  };
  std::string const x(kBlock, 'x');
  std::string const zeros(kBlock, '\0');
  EXPECT_EQ(found("", 0), std::nullopt);
  EXPECT_EQ(found(zeros, 0), 0u);
  EXPECT_EQ(found(x + zeros + zeros, 0), kBlock);
  EXPECT_EQ(found(zeros + x + zeros, 1), 2 * kBlock);
  // Zeros that no lost block leaves: across a border, or at an end that is no whole block.
  EXPECT_EQ(found("x" + zeros + "x", 0), std::nullopt);
  EXPECT_EQ(found(x + zeros.substr(1), 0), std::nullopt);
  // In the second piece that is read.
  std::string large(3 * 1024 * 1024, 'x');
  large.replace(2 * 1024 * 1024 + kBlock, kBlock, zeros);
  EXPECT_EQ(found(large, 100), 2 * 1024 * 1024 + kBlock);
  EXPECT_EQ(found(large, 2 * 1024 * 1024 + kBlock + 1), std::nullopt);
}

}  // namespace
}  // namespace holdfast::log
