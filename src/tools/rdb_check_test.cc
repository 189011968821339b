#include "tools/rdb_check.h"

#include <gtest/gtest.h>

#include "base/crc64.h"
#include "base/json_writer.h"
#include "disk/faulty_disk.h"
#include "rdb/test_vectors.h"
#include "rdb/writer.h"
#include "tools/rdb_report.h"
#include "tools/text.h"

namespace holdfast::tools {
namespace {

constexpr int64_t kNowMs = 1'700'000'000'000;

/// The file that `write` puts between magic and end.
template <class Write>
std::string rdb_file(Write write, bool with_checksum = true) {
  std::string bytes;
  RdbWriter writer(bytes);
  writer.magic();
  write(writer);
  writer.eof(with_checksum ? std::optional<uint64_t>(crc64(0, bytes)) : std::nullopt);
  return bytes;
}

/// A key with the type and value of a DUMP payload.
void put_dumped(RdbWriter& writer, std::string_view key, std::string_view payload) {
  constexpr size_t kFooterBytes = 10;
  writer.byte(static_cast<uint8_t>(payload.front()));
  writer.string(key);
  writer.out().append(payload.substr(1, payload.size() - 1 - kFooterBytes));
}

/// Everything that a file can have: all types that the vectors know, old ones included.
std::string rich_file(bool with_checksum = true) {
  return rdb_file(
      [](RdbWriter& writer) {
        writer.aux("redis-ver", "7.0.15");
        writer.aux("ctime", 1'700'000'000);
        writer.function("#!lua name=mylib\nredis.register_function('f', function() return 1 end)");
        writer.select_db(0);
        writer.resize_db(1, 1);
        writer.expire_ms(kNowMs - 1);
        writer.type(RdbType::kString);
        writer.string("gone");
        writer.string("v");
        writer.expire_ms(kNowMs + 1);
        writer.idle(5);
        writer.freq(7);
        writer.type(RdbType::kString);
        writer.string("stays");
        writer.string("v");
        writer.select_db(3);
        for (DumpVector const& vector : kDumpVectors) put_dumped(writer, vector.what, from_hex(vector.hex));
      },
      with_checksum);
}

class RdbCheckTest : public testing::Test {
 protected:
  RdbReport check(std::string bytes, size_t top = 3) {
    disk_.put("/dump.rdb", std::move(bytes));
    return check_rdb(disk_, "/dump.rdb", {.now_unix_ms = kNowMs, .top = top});
  }

  FaultyDisk disk_;
};

TEST_F(RdbCheckTest, CountsWhatIsInASoundFile) {
  std::string const bytes = rich_file();
  RdbReport const report = check(bytes);
  ASSERT_TRUE(report.ok()) << report.damage->message;
  EXPECT_EQ(report.version, 10);
  EXPECT_EQ(report.checksum, "ok");
  EXPECT_EQ(report.file_bytes, bytes.size());
  EXPECT_EQ(report.rdb_bytes, bytes.size());
  EXPECT_EQ(report.aux.size(), 2u);
  EXPECT_EQ(report.total.keys, 2 + std::size(kDumpVectors));
  EXPECT_EQ(report.total.expires, 2u);
  EXPECT_EQ(report.total.expired, 1u);
  EXPECT_EQ(report.functions, 1u);
  EXPECT_EQ(report.function_names, std::vector<std::string>{"mylib"});
  ASSERT_EQ(report.databases.size(), 2u);
  EXPECT_EQ(report.databases.at(0).keys, 2u);
  EXPECT_EQ(report.databases.at(3).keys, std::size(kDumpVectors));
  for (ValueType type : {ValueType::kString, ValueType::kList, ValueType::kSet, ValueType::kZset, ValueType::kHash,
                         ValueType::kStream}) {
    RdbTypeStats const& stats = report.types[static_cast<size_t>(type)];
    EXPECT_GE(stats.keys, 2u) << type_name(type);
    EXPECT_GE(stats.elements, stats.keys) << type_name(type);
    EXPECT_GT(stats.bytes, 0u) << type_name(type);
  }
  EXPECT_TRUE(report.warnings.empty()) << report.warnings.front();
}

TEST_F(RdbCheckTest, KeepsTheBiggestKeysInOrder) {
  RdbReport const report = check(rdb_file([](RdbWriter& writer) {
                                   for (int size : {3, 9, 1, 7, 5}) {
                                     writer.type(RdbType::kString);
                                     writer.string(std::string(static_cast<size_t>(size), 'k'));
                                     writer.string("v");
                                   }
                                 }),
                                 2);
  ASSERT_TRUE(report.ok());
  ASSERT_EQ(report.biggest.size(), 2u);
  EXPECT_EQ(report.biggest[0].key, "kkkkkkkkk");
  EXPECT_EQ(report.biggest[0].bytes, 1u + 10 + 2);
  EXPECT_EQ(report.biggest[1].key, "kkkkkkk");
}

TEST_F(RdbCheckTest, EveryTruncationIsFound) {
  std::string const bytes = rich_file();
  for (size_t size = 0; size < bytes.size(); ++size) {
    RdbReport const report = check(bytes.substr(0, size));
    ASSERT_FALSE(report.ok()) << size;
    EXPECT_EQ(report.damage->kind, "truncated") << size;
    EXPECT_LE(report.damage->offset, size);
    EXPECT_LE(report.damage->fault_offset, size);
    EXPECT_FALSE(report.damage->reading.empty());
  }
}

TEST_F(RdbCheckTest, EveryChangedByteIsFound) {
  std::string const bytes = rich_file();
  for (size_t at = 0; at < bytes.size(); ++at) {
    for (int change : {0x01, 0x80, 0xFF}) {
      std::string changed = bytes;
      changed[at] = static_cast<char>(changed[at] ^ change);
      RdbReport const report = check(std::move(changed));
      // What is no digit ends the version: 1, which has no checksum at the end. Then that is left over.
      bool const old_version = report.ok() && report.version == 1 && report.warnings.size() == 1;
      ASSERT_TRUE(!report.ok() || old_version) << at << " ^ " << change;
      ASSERT_FALSE(rdb_report_text("f", report, true).empty());
    }
  }
}

/// Nothing but the structure is there to find it, so it may be missed; but it ends, and the report is whole.
TEST_F(RdbCheckTest, AnyChangedByteOfAFileWithoutChecksumIsSurvived) {
  std::string const bytes = rich_file(false);
  ASSERT_TRUE(check(bytes).ok());
  size_t found = 0;
  for (size_t at = 0; at < bytes.size(); ++at) {
    for (int change : {0x01, 0x10, 0x40, 0x80, 0xFF}) {
      std::string changed = bytes;
      changed[at] = static_cast<char>(changed[at] ^ change);
      RdbReport const report = check(std::move(changed));
      JsonWriter json;
      json.open_object();
      write_rdb_report(json, report);
      json.close_object();
      ASSERT_TRUE(json.document().ends_with("}"));
      found += report.ok() ? 0 : 1;
    }
  }
  EXPECT_GT(found, bytes.size());
}

TEST_F(RdbCheckTest, NamesTheKeyWhoseValueIsTornOff) {
  std::string const bytes = rdb_file([](RdbWriter& writer) {
    writer.select_db(2);
    writer.type(RdbType::kString);
    writer.string("first");
    writer.string("v");
    writer.type(RdbType::kHash);
    writer.string("second\n");
    writer.length(2);
    writer.string("field");
    writer.string("value");
  });
  size_t const start = bytes.find("\x07second") - 1;
  RdbReport const report = check(bytes.substr(0, start + 15));
  ASSERT_FALSE(report.ok());
  EXPECT_EQ(report.damage->reading, "the value of a key");
  EXPECT_EQ(report.damage->key, "second\\n");
  EXPECT_EQ(report.damage->db, 2u);
  EXPECT_EQ(report.damage->type, "hash");
  EXPECT_EQ(report.damage->offset, start);
  EXPECT_EQ(report.total.keys, 1u);
}

TEST_F(RdbCheckTest, AValueThatDoesNotDecodeIsDamageThoughTheChecksumIsRight) {
  std::string const bytes = rdb_file([](RdbWriter& writer) {
    writer.type(RdbType::kSet);
    writer.string("twice");
    writer.length(2);
    writer.string("same");
    writer.string("same");
  });
  RdbReport const report = check(bytes);
  ASSERT_FALSE(report.ok());
  EXPECT_EQ(report.damage->kind, "value");
  EXPECT_EQ(report.damage->key, "twice");
  EXPECT_EQ(report.damage->type, "set");
}

TEST_F(RdbCheckTest, WarnsOfWhatIsNoDamage) {
  std::string const bytes = rdb_file([](RdbWriter& writer) {
                              writer.type(RdbType::kSet);
                              writer.string("empty");
                              writer.length(0);
                              writer.type(RdbType::kModule2);
                              writer.string("module");
                              writer.length(1);
                              writer.length(0);
                              writer.function("no name");
                            }) +
                            "tail";
  RdbReport const report = check(bytes);
  ASSERT_TRUE(report.ok()) << report.damage->message;
  EXPECT_EQ(report.empty_keys, 1u);
  EXPECT_EQ(report.warnings.size(), 4u);
  EXPECT_EQ(report.rdb_bytes + 4, report.file_bytes);
}

TEST_F(RdbCheckTest, ListsNoMoreThanItsBounds) {
  RdbReport const report = check(rdb_file([](RdbWriter& writer) {
    for (uint64_t i = 0; i < 2 * kListedDatabasesMax; ++i) {
      writer.select_db(i);
      writer.aux("name", static_cast<int64_t>(i));
      writer.function("#!lua name=f");
      writer.type(RdbType::kString);
      writer.string("k");
      writer.string("v");
    }
  }));
  ASSERT_TRUE(report.ok());
  EXPECT_EQ(report.total.keys, 2 * kListedDatabasesMax);
  EXPECT_EQ(report.databases.size(), kListedDatabasesMax);
  EXPECT_EQ(report.aux.size(), kListedAuxFieldsMax);
  EXPECT_EQ(report.function_names.size(), kListedFunctionsMax);
  EXPECT_EQ(report.functions, 2 * kListedDatabasesMax);
  EXPECT_EQ(report.warnings.size(), 2u);
}

TEST_F(RdbCheckTest, AFileThatIsNotThereIsAnError) {
  RdbReport const report = check_rdb(disk_, "/none.rdb", {});
  ASSERT_FALSE(report.ok());
  EXPECT_EQ(report.damage->kind, "io");
}

TEST(Text, ShowsBytesAsPrintableAscii) {
  EXPECT_EQ(printable("a\"\\\n\x01\xff"), R"(a\"\\\n\x01\xff)");
  EXPECT_EQ(printable("abcdef", 3), "abc...");
  EXPECT_EQ(utc_text(1'700'000'000), "2023-11-14 22:13:20 UTC");
  EXPECT_EQ(counted(1, "key"), "1 key");
  EXPECT_EQ(counted(0, "key"), "0 keys");
}

}  // namespace
}  // namespace holdfast::tools
