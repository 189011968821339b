#include "log/manifest.h"

#include <gtest/gtest.h>

namespace holdfast::log {
namespace {

std::string const kTooLong(1100, 'x');

struct BadCase {
  char const* what;
  std::string text;
  char const* reason;
  int line;
  std::string line_text;
};

// Every row was observed on redis-server 7.0.15.
TEST(Manifest, RefusesWithTheReasonOfRedis) {
  char const* const invalid = "Invalid AOF manifest file format";
  char const* const too_long = "The AOF manifest file contains too long line";
  char const* const path = "File can't be a path, just a filename";
  BadCase const cases[] = {
      {"empty file", "", "Found an empty AOF manifest", 0, ""},
      {"no LF at the end", "file a seq 1 type b", too_long, 0, ""},
      {"no LF on the second line", "file a seq 1 type i\nfile b seq 2 type i", too_long, 0, ""},
      {"empty line", "file a seq 1 type i\n\nfile b seq 2 type i\n", invalid, 2, ""},
      {"blank line", "file a seq 1 type i\n   \n", invalid, 2, ""},
      {"too long", "file a seq 1 type i " + kTooLong + "\n", too_long, 0, ""},
      {"NUL byte", std::string("file a\0b seq 1 type i\n", 22), too_long, 0, ""},
      {"comment of 1025 bytes", "#" + std::string(1023, 'x') + "\nfile a seq 1 type i\n", invalid, 2, ""},
      {"comment after a blank", "  # a\nfile a seq 1 type i\n", invalid, 1, "# a"},
      {"path", "file a/b seq 1 type i\n", path, 1, "file a/b seq 1 type i"},
      {"backslash", "file a\\b seq 1 type i\n", path, 1, "file a\\b seq 1 type i"},
      {"two bases", "file a seq 1 type b\nfile b seq 2 type b\n", "Found duplicate base file information", 2,
       "file b seq 2 type b"},
      {"same sequence", "file a seq 2 type i\nfile b seq 2 type i\n", "Found a non-monotonic sequence number", 2,
       "file b seq 2 type i"},
      {"negative sequence", "file a seq -5 type i\n", "Found a non-monotonic sequence number", 1,
       "file a seq -5 type i"},
      {"unknown type", "file a seq 1 type x\n", "Unknown AOF file type", 1, "file a seq 1 type x"},
      {"type in upper case", "file a seq 1 type I\n", "Unknown AOF file type", 1, "file a seq 1 type I"},
      {"sequence 0", "file a seq 0 type i\n", invalid, 1, "file a seq 0 type i"},
      {"sequence is no number", "file a seq abc type i\n", invalid, 1, "file a seq abc type i"},
      {"odd words", "file a seq 1 type\n", invalid, 1, "file a seq 1 type"},
      {"four words", "file a seq 1\n", invalid, 1, "file a seq 1"},
      {"no type", "file a seq 1 foo i\n", invalid, 1, "file a seq 1 foo i"},
      {"empty type", "file a seq 1 type \"\"\n", invalid, 1, "file a seq 1 type \"\""},
      {"open quote", "file \"a seq 1 type i\n", invalid, 1, "file \"a seq 1 type i"},
      {"text after a quote", "file \"a\"b seq 1 type i\n", invalid, 1, "file \"a\"b seq 1 type i"},
      // Stricter than Redis, which fails later (it opens the directory) or overflows the counter.
      {"empty name", "file \"\" seq 1 type i\n", invalid, 1, "file \"\" seq 1 type i"},
      {"last sequence", "file a seq 9223372036854775807 type i\n", invalid, 1, "file a seq 9223372036854775807 type i"},
  };
  for (BadCase const& c : cases) {
    SCOPED_TRACE(c.what);
    auto manifest = Manifest::parse(c.text);
    ASSERT_FALSE(manifest.has_value());
    EXPECT_EQ(manifest.error().reason, c.reason);
    EXPECT_EQ(manifest.error().line, c.line);
    EXPECT_EQ(manifest.error().line_text, c.line_text);
  }
}

struct GoodCase {
  char const* what;
  std::string text;
  Manifest expected;
};

TEST(Manifest, AcceptsWhatRedisAccepts) {
  Manifest const one{.increments = {{"a", 1}}};
  GoodCase const cases[] = {
      {"normal state",
       "file a.1.base.rdb seq 1 type b\nfile a.1.incr.aof seq 1 type i\n",
       {.base = ManifestFile{"a.1.base.rdb", 1}, .increments = {{"a.1.incr.aof", 1}}}},
      {"only comments", "# a\n#b\n", {}},
      {"comment without LF", "file a seq 1 type i\n#abc", one},
      {"comment of 1024 bytes", "#" + std::string(1022, 'x') + "\nfile a seq 1 type i\n", one},
      {"type is its first letter", "file a seq 1 type incr\n", one},
      {"leading integer", "file a seq 12abc type i\n", {.increments = {{"a", 12}}}},
      {"unknown pairs", "file a seq 1 type i foo bar\n", one},
      {"any order and case", "TYPE i SEQ 1 FILE a\n", one},
      {"last of a doubled key", "file b file a seq 1 type i\n", one},
      {"double quotes", "file \"a\\x62\" seq 1 type i\n", {.increments = {{"ab", 1}}}},
      {"single quotes", "file 'a\\'b' seq 1 type i\n", {.increments = {{"a'b", 1}}}},
      {"CR LF", "file a seq 1 type i\r\n", one},
      {"blanks around", "  file\ta seq 1 type i  \n", one},
      {"base last",
       "file a seq 1 type i\nfile b seq 3 type b\n",
       {.base = ManifestFile{"b", 3}, .increments = {{"a", 1}}}},
      {"history", "file h seq 7 type h\nfile a seq 1 type i\n", {.history = {{"h", 7}}, .increments = {{"a", 1}}}},
  };
  for (GoodCase const& c : cases) {
    SCOPED_TRACE(c.what);
    auto manifest = Manifest::parse(c.text);
    ASSERT_TRUE(manifest.has_value()) << manifest.error().reason;
    EXPECT_EQ(*manifest, c.expected);
  }
}

TEST(Manifest, FormatsBaseThenHistoryThenIncrements) {
  Manifest const manifest{.base = ManifestFile{"my aof.2.base.rdb", 2},
                          .history = {{"my aof.1.base.rdb", 1}},
                          .increments = {{"my aof.1.incr.aof", 1}, {"q\"\n\x01.2", 2}}};
  EXPECT_EQ(manifest.format(),
            "#CRC64:e26ff1488ba554c2\n"
            "file \"my aof.2.base.rdb\" seq 2 type b\n"
            "file \"my aof.1.base.rdb\" seq 1 type h\n"
            "file \"my aof.1.incr.aof\" seq 1 type i\n"
            "file \"q\\\"\\n\\x01.2\" seq 2 type i\n");
  // A name with a backslash escape in its quoted form reads back.
  EXPECT_EQ(Manifest::parse(manifest.format()).value(), manifest);
}

// A lost line would be a lost file, and one bit turns an increment (i) into history (h), which is deleted.
TEST(Manifest, AChangedByteOrAMissingEndIsFound) {
  Manifest const manifest{.base = ManifestFile{"a.2.base.rdb", 2},
                          .history = {{"a.1.base.rdb", 1}},
                          .increments = {{"a.1.incr.aof", 1}, {"a.2.incr.aof", 2}}};
  std::string const text = manifest.format();
  for (size_t at = 0; at < text.size(); at++) {
    for (int change = 1; change < 256; change++) {
      std::string damaged = text;
      damaged[at] = static_cast<char>(damaged[at] ^ change);
      auto const parsed = Manifest::parse(damaged);
      // What makes the first line a comment like any other changes nothing else.
      if (parsed) {
        EXPECT_EQ(*parsed, manifest) << at << " " << change;
      }
    }
    EXPECT_FALSE(Manifest::parse(text.substr(0, at)).has_value()) << at;
  }
}

TEST(Manifest, WithoutAChecksumEachLineIsTakenAsItIs) {
  EXPECT_TRUE(Manifest::parse("# a comment\nfile a seq 1 type b\n").has_value());
  EXPECT_TRUE(Manifest::parse("file a seq 1 type b\n#CRC64:0\n").has_value());
  EXPECT_FALSE(Manifest::parse("#CRC64:0\nfile a seq 1 type b\n").has_value());
}

TEST(Manifest, CountsBasesAndIncrementsIndependently) {
  Manifest manifest;
  EXPECT_EQ(manifest.next_base("f.aof", BaseFormat::kRdb), (ManifestFile{"f.aof.1.base.rdb", 1}));
  EXPECT_EQ(manifest.next_increment("f.aof"), (ManifestFile{"f.aof.1.incr.aof", 1}));
  manifest.base = ManifestFile{"x", 7};
  manifest.increments = {{"y", 3}, {"z", 9}};
  EXPECT_EQ(manifest.next_base("f.aof", BaseFormat::kResp), (ManifestFile{"f.aof.8.base.aof", 8}));
  EXPECT_EQ(manifest.next_increment("f.aof"), (ManifestFile{"f.aof.10.incr.aof", 10}));
}

TEST(Manifest, ReplacedFilesBecomeHistory) {
  Manifest manifest{
      .base = ManifestFile{"b1", 1}, .history = {{"b0", 0}}, .increments = {{"i1", 1}, {"i2", 2}, {"i3", 3}}};
  manifest.replace_base({"b2", 2}, 3);
  EXPECT_EQ(manifest, (Manifest{.base = ManifestFile{"b2", 2},
                                .history = {{"i1", 1}, {"i2", 2}, {"b1", 1}, {"b0", 0}},
                                .increments = {{"i3", 3}}}));
}

TEST(Manifest, ErrorsAreLoggedAsRedisLogsThem) {
  ManifestError const with_line{"Unknown AOF file type", 3, "file a seq 1 type x"};
  EXPECT_EQ(
      with_line.log_messages(),
      (std::vector<std::string>{"\n*** FATAL AOF MANIFEST FILE ERROR ***\n", "Reading the manifest file, at line 3\n",
                                ">>> 'file a seq 1 type x'\n", "Unknown AOF file type\n"}));
  ManifestError const without{"Found an empty AOF manifest"};
  EXPECT_EQ(without.log_messages(),
            (std::vector<std::string>{"\n*** FATAL AOF MANIFEST FILE ERROR ***\n", "Found an empty AOF manifest\n"}));
}

}  // namespace
}  // namespace holdfast::log
