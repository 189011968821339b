#include "log/reader.h"

#include <gtest/gtest.h>

#include "disk/faulty_disk.h"
#include "log/test_command.h"

namespace holdfast::log {
namespace {

struct Outcome {
  /// Commands as words with blanks, annotations as "#<seconds>".
  std::vector<std::string> items;
  std::optional<AofError> error;
};

Outcome read_all(std::string const& contents, uint64_t start = 0) {
  FaultyDisk disk;
  disk.put("/f", contents);
  auto reader = AofFileReader::open(disk, "/f");
  EXPECT_TRUE(reader.has_value());
  if (start) reader->start_at(start);
  Outcome outcome;
  for (;;) {
    auto item = reader->next();
    if (!item) {
      outcome.error = item.error();
      EXPECT_FALSE(reader->next().has_value());  // stays failed
      return outcome;
    }
    if (item->kind == AofItem::Kind::kEnd) return outcome;
    if (item->kind == AofItem::Kind::kAnnotation) {
      outcome.items.push_back("#" + std::to_string(item->timestamp_s));
      continue;
    }
    std::string words;
    for (std::string_view word : item->argv) words += (words.empty() ? "" : " ") + std::string(word);
    outcome.items.push_back(words);
  }
}

std::string const kSet = command({"set", "a", "1"});

TEST(AofFileReader, YieldsCommandsAndAnnotations) {
  Outcome const outcome =
      read_all("#TS:1795230056\r\n" + kSet + "#note\n" + command({"set", "k", std::string(20, 'x')}) +
               command({"MULTI"}) + "#TS:7\r\n" + kSet + command({"EXEC"}) + "#TS:8\r\n");
  EXPECT_FALSE(outcome.error);
  EXPECT_EQ(outcome.items, (std::vector<std::string>{"#1795230056", "set a 1", "#0", "set k " + std::string(20, 'x'),
                                                     "MULTI", "#7", "set a 1", "EXEC", "#8"}));
}

TEST(AofFileReader, EmptyFileIsItsEnd) {
  Outcome const outcome = read_all("");
  EXPECT_FALSE(outcome.error);
  EXPECT_TRUE(outcome.items.empty());
}

TEST(AofFileReader, CommandsLargerThanTheBufferAndAcrossItsEdge) {
  std::string const large(5'000'000, 'y');
  std::string text;
  for (int i = 0; i < 30'000; ++i)
    text += command({"set", std::to_string(i), std::string(static_cast<size_t>(i % 90), 'v')});
  text += command({"set", "large", large});
  std::string many = "*200001\r\n";
  for (int i = 0; i <= 200'000; ++i) append_bulk(many, int64_t{i});
  text += many + kSet;
  Outcome const outcome = read_all(text);
  ASSERT_FALSE(outcome.error);
  ASSERT_EQ(outcome.items.size(), 30'003u);
  EXPECT_EQ(outcome.items[29'999], "set 29999 " + std::string(29'999 % 90, 'v'));
  EXPECT_EQ(outcome.items[30'000], "set large " + large);
  EXPECT_TRUE(outcome.items[30'001].ends_with(" 199999 200000"));
}

TEST(AofFileReader, TellsAnRdbPartAndContinuesBehindIt) {
  FaultyDisk disk;
  std::string const rdb = "REDIS0010 some bytes of an RDB";
  disk.put("/f", rdb + kSet);
  auto reader = AofFileReader::open(disk, "/f");
  ASSERT_TRUE(reader.has_value());
  EXPECT_TRUE(reader->starts_with_rdb());
  reader->start_at(rdb.size());
  EXPECT_EQ(reader->next()->argv.size(), 3u);
  EXPECT_EQ(reader->next()->kind, AofItem::Kind::kEnd);

  disk.put("/g", "REDI");
  EXPECT_FALSE(AofFileReader::open(disk, "/g")->starts_with_rdb());
  // A truncated first command behind it does not take the RDB part away.
  Outcome const outcome = read_all(rdb + kSet.substr(0, 9), rdb.size());
  ASSERT_TRUE(outcome.error);
  EXPECT_EQ(outcome.error->kind, AofError::Kind::kTruncated);
  EXPECT_EQ(outcome.error->valid_up_to, rdb.size());
}

TEST(AofFileReader, EveryTruncationIsCutToTheLastWholeUnit) {
  std::string const multi = command({"MULTI"}) + kSet + "#TS:9\r\n" + kSet + command({"EXEC"});
  // Places where a cut file is sound, and after which annotations do not count.
  std::string const parts[] = {"#TS:1\r\n", kSet, "#TS:2\r\n", multi, kSet, "#TS:3\r\n", command({"del", "a"})};
  std::string text;
  std::vector<size_t> clean_ends{0}, valid_ends{0};
  for (std::string const& part : parts) {
    text += part;
    clean_ends.push_back(text.size());
    if (part[0] != '#') valid_ends.push_back(text.size());
  }
  for (size_t size = 0; size <= text.size(); ++size) {
    SCOPED_TRACE(size);
    Outcome const outcome = read_all(text.substr(0, size));
    bool const clean = std::find(clean_ends.begin(), clean_ends.end(), size) != clean_ends.end();
    ASSERT_EQ(outcome.error.has_value(), !clean);
    if (clean) continue;
    size_t valid = 0;
    for (size_t end : valid_ends) {
      if (end <= size) valid = end;
    }
    EXPECT_EQ(outcome.error->kind, AofError::Kind::kTruncated);
    EXPECT_EQ(outcome.error->valid_up_to, valid);
    size_t const multi_begin = parts[0].size() + parts[1].size() + parts[2].size();
    EXPECT_EQ(outcome.error->open_transaction,
              size >= multi_begin + command({"MULTI"}).size() && size < multi_begin + multi.size());
    EXPECT_FALSE(read_all(text.substr(0, outcome.error->valid_up_to)).error);
  }
}

TEST(AofFileReader, EveryFlippedByteGivesACleanResult) {
  std::string const text =
      "#TS:1\r\n" + kSet + command({"MULTI"}) + command({"set", "k", "0123456789ab"}) + command({"EXEC"});
  size_t const payload = text.find("0123456789ab");
  for (size_t i = 0; i < text.size(); ++i) {
    for (int bit = 0; bit < 8; ++bit) {
      std::string broken = text;
      broken[i] = static_cast<char>(broken[i] ^ (1 << bit));
      Outcome const outcome = read_all(broken);
      if (outcome.error) {
        ASSERT_NE(outcome.error->kind, AofError::Kind::kIo);
        ASSERT_LE(outcome.error->valid_up_to, outcome.error->offset);
        ASSERT_LE(outcome.error->offset, broken.size());
        ASSERT_FALSE(read_all(broken.substr(0, outcome.error->valid_up_to)).error);
      }
      // Inside a string any byte is as good as another.
      if (i >= payload && i < payload + 12) {
        ASSERT_FALSE(outcome.error);
      }
    }
  }
}

TEST(AofFileReader, FormatErrorsNameThePlace) {
  struct Case {
    char const* what;
    std::string tail;
    size_t bad_at;
  };
  Case const cases[] = {
      {"NUL bytes", std::string(8, '\0'), 0},
      {"inline command", "PING\r\n", 0},
      {"no arguments", "*0\r\n", 0},
      {"negative count", "*-1\r\n", 1},
      {"count without digits", "*\r\n", 1},
      {"LF only", "*1\n$4\nPING\n", 2},
      {"no bulk string", "*1\r\n:1\r\n", 4},
      {"negative length", "*1\r\n$-1\r\n", 5},
      {"length too short", "*1\r\n$3\r\nPING\r\n", 11},
      {"too many digits", "*1\r\n$1234567890123456789\r\n", 24},
      {"long annotation", "#" + std::string(2000, 'x') + "\n", 0},
  };
  for (Case const& c : cases) {
    SCOPED_TRACE(c.what);
    Outcome const outcome = read_all(kSet + c.tail);
    ASSERT_TRUE(outcome.error);
    EXPECT_EQ(outcome.error->kind, AofError::Kind::kFormat);
    EXPECT_EQ(outcome.error->valid_up_to, kSet.size());
    EXPECT_EQ(outcome.error->offset, kSet.size() + c.bad_at);
    EXPECT_EQ(outcome.items.size(), 1u);
  }
}

TEST(AofFileReader, ReadsOnBehindAnErrorWhereItIsToldTo) {
  std::string const bad = "*2\r\n$3\r\nset\r\nx";
  FaultyDisk disk;
  disk.put("/f", kSet + bad + kSet);
  auto reader = AofFileReader::open(disk, "/f");
  ASSERT_TRUE(reader && reader->next());
  auto const failed = reader->next();
  ASSERT_FALSE(failed.has_value());
  EXPECT_EQ(reader->position(), kSet.size());
  EXPECT_EQ(failed.error().reached, kSet.size() + bad.size() - 1);
  reader->start_at(kSet.size() + bad.size());
  EXPECT_EQ(reader->next()->kind, AofItem::Kind::kCommand);
  EXPECT_EQ(reader->next()->kind, AofItem::Kind::kEnd);
  EXPECT_EQ(reader->valid_up_to(), reader->file_size());
}

TEST(AofFileReader, TellsHowFarItCameInATornCommand) {
  std::string const torn = "*3\r\n$3\r\nset\r\n$1\r\na\r\n$99\r\nx";
  Outcome const outcome = read_all(kSet + torn);
  ASSERT_TRUE(outcome.error);
  EXPECT_EQ(outcome.error->offset, kSet.size());
  EXPECT_EQ(outcome.error->reached, kSet.size() + torn.size() - 1);
}

TEST(AofFileReader, ImpossibleLengthsAreATruncationWithoutMemory) {
  for (std::string const tail : {"*1\r\n$100000000000000000\r\nx", "*100000000000000000\r\n$1\r\nx\r\n"}) {
    Outcome const outcome = read_all(kSet + tail);
    ASSERT_TRUE(outcome.error);
    EXPECT_EQ(outcome.error->kind, AofError::Kind::kTruncated);
    EXPECT_EQ(outcome.error->valid_up_to, kSet.size());
  }
}

TEST(AofFileReader, ReadErrorsKeepTheirErrno) {
  FaultyDisk disk;
  disk.put("/f", kSet);
  auto reader = AofFileReader::open(disk, "/f");
  ASSERT_TRUE(reader.has_value());
  reader->start_at(kSet.size());
  disk.put("/g", std::string(3'000'000, '#') + kSet);
  disk.add_fault({.operation = DiskOperation::kRead, .nth = 2, .errnum = EIO});
  auto long_reader = AofFileReader::open(disk, "/g");
  ASSERT_TRUE(long_reader.has_value());
  long_reader->start_at(2'999'999);
  auto const item = long_reader->next();
  ASSERT_FALSE(item.has_value());
  EXPECT_EQ(item.error().kind, AofError::Kind::kIo);
  EXPECT_EQ(item.error().errnum, EIO);
}

}  // namespace
}  // namespace holdfast::log
