#include "tools/aof_check.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "base/crc64.h"
#include "disk/faulty_disk.h"
#include "log/effect_buffer.h"
#include "log/manifest.h"
#include "log/sidecar_index.h"
#include "rdb/writer.h"
#include "tools/aof_repair.h"
#include "tools/aof_report.h"
#include "tools/aof_set.h"

namespace holdfast::tools {
namespace {

constexpr int64_t kStartS = 1'700'000'000;

std::string command(std::initializer_list<std::string_view> words) {
  std::string out;
  log::append_command(out, words);
  return out;
}

std::string time_line(int64_t unix_s) { return "#TS:" + std::to_string(unix_s) + "\r\n"; }

std::string small_rdb() {
  std::string bytes;
  RdbWriter writer(bytes);
  writer.magic();
  writer.aux("aof-base", 1);
  writer.select_db(0);
  writer.type(RdbType::kString);
  writer.string("base");
  writer.string("v");
  writer.eof(crc64(0, bytes));
  return bytes;
}

class AofCheckTest : public testing::Test {
 protected:
  AofCheckTest() {
    EXPECT_TRUE(disk_.make_directory("/d"));
    EXPECT_TRUE(disk_.sync_directory("/"));
  }

  AofFileReport check(std::string bytes, std::optional<int64_t> until_unix_s = std::nullopt) {
    disk_.put(kFile, std::move(bytes));
    return check_aof_file(disk_, kFile, {.until_unix_s = until_unix_s});
  }

  /// An index for the units, one entry each, a second apart, as the server writes it.
  void put_index(std::vector<std::string> const& units) {
    auto writer = log::SidecarWriter::create(disk_, kIndex, 1000, 0, kStartS * 1000);
    ASSERT_TRUE(writer.has_value());
    uint64_t position = 0;
    for (size_t i = 0; i < units.size(); ++i) {
      writer->cover(units[i]);
      position += units[i].size();
      ASSERT_TRUE(writer->advance(1000 + position, position, (kStartS + static_cast<int64_t>(i)) * 1000, true));
    }
  }

  static std::string joined(std::vector<std::string> const& units) {
    std::string all;
    for (std::string const& unit : units) all += unit;
    return all;
  }

  AofReport check_all(std::optional<int64_t> until_unix_s = std::nullopt) {
    return check_aof(disk_, "/d/a.manifest", {.until_unix_s = until_unix_s});
  }

  void put_set(std::string base, std::string first, std::string second) {
    disk_.put("/d/a.1.base.rdb", std::move(base));
    disk_.put(kFile, std::move(first));
    disk_.put("/d/a.2.incr.aof", std::move(second));
    disk_.put("/d/a.manifest",
              "file a.1.base.rdb seq 1 type b\nfile a.0.incr.aof seq 1 type h\n"
              "file a.1.incr.aof seq 1 type i\nfile a.2.incr.aof seq 2 type i\n");
  }

  std::string const kFile = "/d/a.1.incr.aof";
  std::string const kIndex = "/d/a.1.incr.aof.idx";
  std::string const set_a_ = command({"SET", "a", "1"});
  std::string const set_b_ = command({"set", "b", "22"});
  std::string const unit_ = command({"MULTI"}) + set_a_ + set_b_ + command({"EXEC"});
  FaultyDisk disk_;
};

TEST_F(AofCheckTest, CountsCommandsByName) {
  AofFileReport const report = check(time_line(kStartS) + set_a_ + unit_ + time_line(kStartS + 5) + set_b_);
  ASSERT_EQ(report.verdict, AofVerdict::kOk);
  EXPECT_EQ(report.sound_up_to, report.size);
  EXPECT_EQ(report.commands, 6u);
  EXPECT_EQ(report.by_name.at("set").count, 4u);
  EXPECT_EQ(report.by_name.at("set").bytes, 2 * (set_a_.size() + set_b_.size()));
  EXPECT_EQ(report.by_name.at("multi").count, 1u);
  EXPECT_EQ(report.first_time_s, kStartS);
  EXPECT_EQ(report.sound_until_s, kStartS + 5);
  EXPECT_FALSE(report.at_risk || report.index || report.rdb || report.cut_for_time);
}

TEST_F(AofCheckTest, AnEmptyFileIsSoundAndAMissingOneIsNot) {
  EXPECT_EQ(check("").verdict, AofVerdict::kEmpty);
  EXPECT_EQ(check_aof_file(disk_, "/d/none", {}).verdict, AofVerdict::kUnreadable);
}

TEST_F(AofCheckTest, EveryTruncationIsATornTailOrSound) {
  std::vector<std::string> const units = {set_a_, unit_, set_b_};
  std::string const rdb = small_rdb();
  std::string const bytes = rdb + joined(units);
  std::vector<size_t> ends = {rdb.size()};
  for (std::string const& unit : units) ends.push_back(ends.back() + unit.size());
  for (size_t size = 1; size <= bytes.size(); ++size) {
    AofFileReport const report = check(bytes.substr(0, size));
    if (size < 5) {
      // Not yet known to be an RDB.
      EXPECT_EQ(report.verdict, AofVerdict::kCorrupt) << size;
      continue;
    }
    bool const sound = std::ranges::find(ends, size) != ends.end();
    ASSERT_EQ(report.verdict, sound ? AofVerdict::kOk : AofVerdict::kTruncated) << size;
    if (sound) continue;
    EXPECT_EQ(report.problem->in_rdb, size < rdb.size()) << size;
    size_t const end_before = size < rdb.size() ? 0 : *(std::ranges::upper_bound(ends, size) - 1);
    EXPECT_EQ(report.sound_up_to, end_before) << size;
    EXPECT_EQ(report.at_risk.has_value(), size > rdb.size()) << size;
    if (report.at_risk) {
      EXPECT_EQ(report.at_risk->bytes, size - end_before);
    }
  }
}

TEST_F(AofCheckTest, AnyChangedByteIsSurvived) {
  std::string const bytes = small_rdb() + time_line(kStartS) + set_a_ + unit_ + time_line(kStartS + 1) + set_b_;
  size_t found = 0;
  for (size_t at = 0; at < bytes.size(); ++at) {
    for (int change : {0x01, 0x02, 0x10, 0x40, 0x80, 0xFF}) {
      std::string changed = bytes;
      changed[at] = static_cast<char>(changed[at] ^ change);
      AofFileReport const report = check(std::move(changed), at % 2 ? std::optional<int64_t>(kStartS) : std::nullopt);
      ASSERT_LE(report.sound_up_to, report.size);
      found += report.ok() ? 0 : 1;
      AofReport set;
      set.parts.push_back({.name = "a", .path = kFile, .is_last = true, .file = report});
      ASSERT_FALSE(aof_report_text(set, true).empty());
      JsonWriter json;
      write_aof_report(json, set);
      ASSERT_FALSE(json.document().empty());
    }
  }
  EXPECT_GT(found, 2 * bytes.size());
}

TEST_F(AofCheckTest, TheIndexFindsEveryChangedByte) {
  std::vector<std::string> const units = {set_a_, unit_, set_b_, set_a_};
  put_index(units);
  std::string const bytes = joined(units);
  AofFileReport const sound = check(bytes);
  ASSERT_TRUE(sound.ok());
  ASSERT_TRUE(sound.index && sound.index->sound);
  EXPECT_EQ(sound.index->entries, 4u);
  EXPECT_EQ(sound.index->verified_up_to, bytes.size());
  EXPECT_EQ(sound.sound_until_s, kStartS + 3);
  for (size_t at = 0; at < bytes.size(); ++at) {
    for (int change : {0x01, 0x20, 0x80}) {
      std::string changed = bytes;
      changed[at] = static_cast<char>(changed[at] ^ change);
      AofFileReport const report = check(std::move(changed));
      ASSERT_EQ(report.verdict, AofVerdict::kCorrupt) << at << " ^ " << change;
      ASSERT_LE(report.sound_up_to, at);
    }
  }
}

TEST_F(AofCheckTest, AnyChangedByteAndEveryTruncationOfAnIndexIsSurvived) {
  std::vector<std::string> const units = {set_a_, unit_, set_b_};
  put_index(units);
  std::string const index = disk_.contents(kIndex);
  std::string const bytes = joined(units);
  for (size_t at = 0; at < index.size(); ++at) {
    std::string changed = index;
    changed[at] = static_cast<char>(changed[at] ^ 0x81);
    disk_.put(kIndex, changed);
    AofFileReport const report = check(bytes);
    ASSERT_TRUE(report.ok()) << at;
    ASSERT_TRUE(report.index && report.index->unsound_bytes != 0) << at;
    disk_.put(kIndex, index.substr(0, at));
    ASSERT_TRUE(check(bytes).ok()) << at;
  }
}

TEST_F(AofCheckTest, CountsCommandsBehindDamageInTheMiddle) {
  std::string damaged = set_b_;
  damaged[1] = 'x';
  AofFileReport const report = check(set_a_ + damaged + time_line(kStartS) + set_a_ + unit_);
  EXPECT_EQ(report.verdict, AofVerdict::kCorrupt);
  EXPECT_EQ(report.sound_up_to, set_a_.size());
  EXPECT_EQ(report.problem->offset, set_a_.size() + 1);
  ASSERT_TRUE(report.at_risk);
  EXPECT_EQ(report.at_risk->commands, 5u);
  EXPECT_EQ(report.at_risk->first_time_s, kStartS);
  EXPECT_EQ(report.at_risk->first_command, set_a_.size() + set_b_.size() + time_line(kStartS).size());
}

TEST_F(AofCheckTest, ALengthThatIsTooLargeIsDamageWhereTheIndexKnowsMore) {
  std::vector<std::string> units = {set_a_, set_b_, set_a_, unit_};
  put_index(units);
  units[1].replace(units[1].find("$3"), 2, "$9");
  units[1].insert(units[1].find("$9") + 2, "99");
  AofFileReport const report = check(joined(units));
  EXPECT_EQ(report.verdict, AofVerdict::kCorrupt);
  EXPECT_EQ(report.sound_up_to, set_a_.size());
  EXPECT_EQ(report.at_risk->commands, 5u);
}

TEST_F(AofCheckTest, UnexpectedMultiAndExecAreDamage) {
  AofFileReport const exec = check(set_a_ + command({"EXEC"}) + set_b_);
  EXPECT_EQ(exec.verdict, AofVerdict::kCorrupt);
  EXPECT_EQ(exec.sound_up_to, set_a_.size());
  AofFileReport const multi = check(set_a_ + command({"multi"}) + set_a_ + unit_);
  EXPECT_EQ(multi.verdict, AofVerdict::kCorrupt);
  EXPECT_EQ(multi.sound_up_to, set_a_.size());
  EXPECT_EQ(multi.commands, 1u);
}

/// Behind each LF of these a command begins that could be read to the end of the file.
TEST_F(AofCheckTest, LookingForCommandsBehindDamageIsBounded) {
  std::string bytes = "x";
  for (int i = 0; i < 100'000; ++i) bytes += "$9\r\nx\n*900000\r\n";
  AofFileReport const report = check(std::move(bytes));
  EXPECT_EQ(report.verdict, AofVerdict::kCorrupt);
  ASSERT_TRUE(report.at_risk);
  EXPECT_FALSE(report.at_risk->counted_all);
  // Lengths that are too large cost nothing.
  std::string lengths = "x";
  for (int i = 0; i < 100'000; ++i) lengths += "\n*1\r\n$99999999\r\n";
  AofFileReport const cheap = check(std::move(lengths));
  ASSERT_TRUE(cheap.at_risk);
  EXPECT_TRUE(cheap.at_risk->counted_all);
}

TEST_F(AofCheckTest, NamesBeyondTheBoundAreCountedTogether) {
  std::string bytes;
  for (size_t i = 0; i < 2 * kListedCommandsMax; ++i) bytes += command({"name" + std::to_string(i)});
  bytes += command({std::string(kCommandNameBytesMax + 1, 'n')});
  AofFileReport const report = check(bytes);
  EXPECT_EQ(report.by_name.size(), kListedCommandsMax + 1);
  EXPECT_EQ(report.by_name.at(kOtherCommands).count, kListedCommandsMax + 1);
}

// ---- several files ----

TEST_F(AofCheckTest, ChecksAllFilesOfAManifest) {
  put_set(small_rdb(), set_a_, unit_);
  AofReport const report = check_all();
  ASSERT_TRUE(report.ok());
  ASSERT_EQ(report.parts.size(), 3u);
  EXPECT_EQ(report.parts[0].kind, AofPartKind::kBase);
  EXPECT_EQ(report.parts[0].file.rdb->total.keys, 1u);
  EXPECT_FALSE(report.parts[1].is_last);
  EXPECT_TRUE(report.parts[2].is_last);
  EXPECT_EQ(report.history, std::vector<std::string>{"a.0.incr.aof"});
  EXPECT_FALSE(plan_fix(report)->has_value());
}

TEST_F(AofCheckTest, ABrokenManifestIsNamed) {
  disk_.put("/d/a.manifest", "file a seq 1 type q\n");
  AofReport const report = check_all();
  EXPECT_FALSE(report.ok());
  EXPECT_FALSE(report.manifest_error.empty());
  EXPECT_FALSE(plan_fix(report).has_value());
}

TEST_F(AofCheckTest, AMissingFileCannotBeFixed) {
  put_set(small_rdb(), set_a_, unit_);
  ASSERT_TRUE(disk_.unlink("/d/a.2.incr.aof"));
  AofReport const report = check_all();
  EXPECT_FALSE(report.ok());
  EXPECT_FALSE(report.parts[1].is_last);
  EXPECT_FALSE(plan_fix(report).has_value());
}

TEST_F(AofCheckTest, OnlyTheLastFileIsCut) {
  put_set(small_rdb(), set_a_ + "*1\r\n", unit_);
  EXPECT_FALSE(plan_fix(check_all()).has_value());
  put_set(small_rdb().substr(0, 20), set_a_, "");
  EXPECT_FALSE(plan_fix(check_all()).has_value());
  // Files without a byte do not count.
  put_set(small_rdb(), set_a_ + "*1\r\n", "");
  AofReport const report = check_all();
  auto const cut = plan_fix(report);
  ASSERT_TRUE(cut && *cut);
  ASSERT_TRUE(apply_cut(disk_, **cut, kStartS * 1000));
  EXPECT_EQ(disk_.contents(kFile), set_a_);
  EXPECT_TRUE(check_all().ok());
}

TEST_F(AofCheckTest, TheIndexIsMendedWithTheFile) {
  std::vector<std::string> const units = {set_a_, unit_, set_b_, set_a_};
  for (size_t size = 0; size < joined(units).size(); ++size) {
    put_index(units);
    put_set(small_rdb(), joined(units).substr(0, size), "");
    AofReport const report = check_all();
    auto const cut = plan_fix(report);
    ASSERT_TRUE(cut) << size;
    if (!*cut) continue;
    ASSERT_TRUE(apply_cut(disk_, **cut, kStartS * 1000)) << size;
    AofReport const again = check_all();
    ASSERT_TRUE(again.ok()) << size;
    AofFileReport const& mended = again.parts[1].file;
    ASSERT_TRUE(mended.index && mended.index->sound);
    EXPECT_FALSE(mended.index->file_is_shorter) << size;
    EXPECT_EQ(mended.index->unsound_bytes, 0u);
    EXPECT_EQ(mended.index->verified_up_to, mended.size) << size;
  }
}

TEST_F(AofCheckTest, CutsWhatIsLaterThanATime) {
  std::string const first = time_line(kStartS) + set_a_;
  std::string const second = time_line(kStartS + 10) + unit_;
  put_set(small_rdb(), first, second);
  auto const plan = [&](int64_t until) { return plan_time_cut(check_all(until), until); };
  EXPECT_FALSE(plan(kStartS - 1).has_value());  // the first increment is not the last
  EXPECT_FALSE(plan(kStartS + 5).has_value());  // nothing of the last is before
  EXPECT_FALSE(plan(kStartS + 10)->has_value());
  put_set(small_rdb(), first + second, "");
  AofReport const report = check_all(kStartS + 9);
  auto const cut = plan_time_cut(report, kStartS + 9);
  ASSERT_TRUE(cut && *cut);
  EXPECT_EQ((*cut)->keep_bytes, first.size());
}

TEST_F(AofCheckTest, WithoutAnnotationsTheIndexTellsTheTime) {
  std::vector<std::string> const units = {set_a_, unit_, set_b_};
  put_index(units);
  put_set(small_rdb(), joined(units), "");
  AofReport const report = check_all(kStartS + 1);
  auto const cut = plan_time_cut(report, kStartS + 1);
  ASSERT_TRUE(cut && *cut);
  EXPECT_EQ((*cut)->keep_bytes, set_a_.size() + unit_.size());
  EXPECT_FALSE(plan_time_cut(check_all(kStartS - 5), kStartS - 5).has_value());
  EXPECT_FALSE(plan_time_cut(check_all(kStartS + 2), kStartS + 2)->has_value());
}

}  // namespace
}  // namespace holdfast::tools
