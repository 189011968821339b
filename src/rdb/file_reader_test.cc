#include "rdb/file_reader.h"

#include <gtest/gtest.h>

#include <cerrno>

#include "base/crc64.h"
#include "base/random.h"
#include "disk/faulty_disk.h"
#include "rdb/string_value.h"
#include "rdb/test_vectors.h"
#include "rdb/writer.h"

namespace holdfast {
namespace {

// Gives its bytes in pieces, as a socket does.
class PieceSource final : public RdbSource {
 public:
  PieceSource(std::string bytes, size_t piece_bytes) : bytes_(std::move(bytes)), piece_bytes_(piece_bytes) {}
  Result<size_t> read(std::span<char> out) override {
    largest_ = std::max(largest_, out.size());
    size_t const got = bytes_.copy(out.data(), std::min(out.size(), piece_bytes_), at_);
    at_ += got;
    return got;
  }
  size_t largest() const { return largest_; }

 private:
  std::string bytes_;
  size_t piece_bytes_;
  size_t at_ = 0;
  size_t largest_ = 0;
};

// The events as text, one a line.
std::string describe(RdbFileReader& reader) {
  std::string out;
  for (;;) {
    switch (reader.next()) {
      case RdbEvent::kAux:
        out += "aux " + reader.aux_name() + "=" + reader.aux_value() + "\n";
        break;
      case RdbEvent::kSelectDb:
        out += "db " + std::to_string(reader.db()) + "\n";
        break;
      case RdbEvent::kResizeDb:
        out += "resize " + std::to_string(reader.keys()) + " " + std::to_string(reader.expiring_keys()) + "\n";
        break;
      case RdbEvent::kSlotInfo:
        out += "slot " + std::to_string(reader.slot()) + " " + std::to_string(reader.keys()) + "\n";
        break;
      case RdbEvent::kFunction:
        out += "function " + reader.function_source() + "\n";
        break;
      case RdbEvent::kModuleAux:
        out += "module " + std::to_string(reader.module_id()) + "\n";
        break;
      case RdbEvent::kEntry: {
        RdbEntry const& entry = reader.entry();
        out += "key " + std::to_string(entry.db) + " " + std::string(entry.key) + " type " +
               std::to_string(static_cast<int>(entry.type)) + " " + to_hex(entry.value);
        if (entry.expire_ms) out += " expire " + std::to_string(*entry.expire_ms);
        if (entry.idle_seconds) out += " idle " + std::to_string(*entry.idle_seconds);
        if (entry.freq) out += " freq " + std::to_string(*entry.freq);
        out += "\n";
        break;
      }
      case RdbEvent::kEnd:
        return out + "end";
      case RdbEvent::kError:
        return out + "error: " + reader.error().message;
    }
  }
}

std::string describe(std::string const& bytes, RdbFileReader::Options options = {}) {
  PieceSource source(bytes, SIZE_MAX);
  RdbFileReader reader(source, options);
  return describe(reader);
}

std::string sealed(std::string bytes) {
  RdbWriter(bytes).eof(crc64(0, bytes));
  return bytes;
}

std::string sample_file() {
  std::string out;
  RdbWriter w(out);
  w.magic();
  w.aux("redis-ver", "7.0.15");
  w.aux("redis-bits", 64);
  w.opcode(RdbOpcode::kModuleAux);
  for (uint64_t const part : {77u, 2u, 1u, 5u}) w.length(part);
  w.string("module data");
  w.length(0);
  w.function("#!lua name=mylib");
  w.select_db(0);
  w.resize_db(2, 1);
  w.type(RdbType::kString);
  w.string("k");
  w.string("v");
  w.expire_ms(1795236264033);
  w.type(RdbType::kString);
  w.string("e");
  w.string("1");
  w.select_db(3);
  w.opcode(RdbOpcode::kSlotInfo);
  for (uint64_t const part : {7u, 1u, 0u}) w.length(part);
  w.freq(9);
  w.idle(100);
  w.type(RdbType::kHash);
  w.string("12345");
  w.length(1);
  w.string("field");
  w.string("value");
  w.opcode(RdbOpcode::kExpireTime);
  w.out().append("\x10\x00\x00\x00", 4);
  w.type(RdbType::kSet);
  w.string(std::string(50, 'k'));
  w.length(2);
  w.string("a");
  w.string("b");
  return sealed(out);
}

std::string sample_events() {
  return "aux redis-ver=7.0.15\naux redis-bits=64\nmodule 77\nfunction #!lua name=mylib\ndb 0\nresize 2 1\n"
         "key 0 k type 0 0176\nkey 0 e type 0 c001 expire 1795236264033\ndb 3\nslot 7 1\n"
         "key 3 12345 type 4 01056669656c640576616c7565 idle 100 freq 9\n"
         "key 3 " +
         std::string(50, 'k') + " type 2 0201610162 expire 16000\nend";
}

TEST(RdbFileReader, GivesTheEventsOfAFile) { EXPECT_EQ(describe(sample_file()), sample_events()); }

TEST(RdbFileReader, BlockAndPieceSizesDoNotMatter) {
  std::string const file = sample_file();
  for (size_t const block : {1u, 2u, 7u, 16u, 33u, 100u, 4096u}) {
    for (size_t const piece : {1u, 3u, 64u, 4096u}) {
      PieceSource source(file, piece);
      RdbFileReader reader(source, {.block_bytes = block});
      EXPECT_EQ(describe(reader), sample_events()) << block << " " << piece;
      EXPECT_EQ(reader.offset(), file.size());
    }
  }
}

TEST(RdbFileReader, TellsWhereTheFileEnds) {
  std::string const file = sample_file();
  PieceSource source(file + "*1\r\n", SIZE_MAX);
  RdbFileReader reader(source);
  EXPECT_TRUE(describe(reader).ends_with("end"));
  EXPECT_EQ(reader.offset(), file.size());
  EXPECT_EQ(reader.unread(), "*1\r\n");
  EXPECT_EQ(reader.next(), RdbEvent::kEnd);
  EXPECT_EQ(reader.version(), 10);
  EXPECT_FALSE(reader.without_checksum());
}

TEST(RdbFileReader, EveryCutFileIsAShortRead) {
  std::string const file = sample_file();
  for (size_t cut = 0; cut < file.size(); ++cut) {
    PieceSource source(file.substr(0, cut), 16);
    RdbFileReader reader(source, {.block_bytes = 32});
    EXPECT_TRUE(describe(reader).ends_with("error: Short read or OOM loading DB. Unrecoverable error, aborting now."));
    EXPECT_EQ(reader.error().kind, RdbError::Kind::kShortRead) << cut;
    EXPECT_EQ(reader.next(), RdbEvent::kError);
  }
}

TEST(RdbFileReader, AnErrorNamesTheItemAndWhereReadingStopped) {
  std::string bytes;
  RdbWriter writer(bytes);
  writer.magic();
  writer.select_db(3);
  size_t const item = bytes.size();
  writer.type(RdbType::kHash);
  writer.string("key");
  writer.length(2);
  writer.string("field");
  for (size_t const block : {1u, 4u, 4096u}) {
    PieceSource source(bytes, SIZE_MAX);
    RdbFileReader reader(source, {.block_bytes = block});
    EXPECT_EQ(reader.next(), RdbEvent::kSelectDb);
    EXPECT_EQ(reader.item_offset(), item - 2);
    EXPECT_EQ(reader.next(), RdbEvent::kError);
    EXPECT_EQ(reader.error().offset, item);
    EXPECT_EQ(reader.item_offset(), item);
    EXPECT_EQ(reader.error().fault_offset, bytes.size());
    EXPECT_TRUE(reader.item_bytes().starts_with("\x04\x03key")) << block;
  }
}

TEST(RdbFileReader, AFlippedBitIsFoundWhereverItIs) {
  std::string const file = sample_file();
  // Not in the magic: a version below 5 has no checksum.
  for (size_t i = 9; i < file.size(); ++i) {
    std::string bad = file;
    bad[i] = static_cast<char>(bad[i] ^ 0x10);
    PieceSource source(bad, SIZE_MAX);
    RdbFileReader reader(source);
    EXPECT_TRUE(describe(reader).find("\nend") == std::string::npos) << i;
  }
}

TEST(RdbFileReader, ChecksumRules) {
  std::string file = sample_file();
  file[file.size() - 1] = static_cast<char>(file.back() ^ 1);
  PieceSource wrong(file, SIZE_MAX);
  RdbFileReader reader(wrong);
  std::string const events = describe(reader);
  EXPECT_NE(events.find("error: Wrong RDB checksum expected: ("), std::string::npos);
  EXPECT_EQ(reader.error().kind, RdbError::Kind::kBadChecksum);
  EXPECT_EQ(describe(file, {.check_crc = false}), sample_events());

  std::string const zero = file.substr(0, file.size() - 8) + std::string(8, '\0');
  PieceSource disabled(zero, SIZE_MAX);
  RdbFileReader without(disabled);
  EXPECT_EQ(describe(without), sample_events());
  EXPECT_TRUE(without.without_checksum());
}

TEST(RdbFileReader, OldFilesHaveNoChecksum) {
  EXPECT_EQ(describe(std::string("REDIS0004\xFE\x00\x00\x01k\x01v\xFF", 17)), "db 0\nkey 0 k type 0 0176\nend");
}

TEST(RdbFileReader, Versions) {
  EXPECT_EQ(describe(sealed("REDIS0001").substr(0, 10)), "end");
  EXPECT_EQ(describe(sealed("REDIS0012")), "end");
  EXPECT_EQ(describe(sealed("REDIS0013")), "error: Can't handle RDB format version 13");
  EXPECT_EQ(describe(sealed("REDIS0000")), "error: Can't handle RDB format version 0");
  EXPECT_EQ(describe(sealed("REDISX010")), "error: Can't handle RDB format version 0");
  EXPECT_EQ(describe(sealed("REDIS001x")), "error: Can't handle RDB format version 0");
  EXPECT_EQ(describe(sealed("RUBIS0010")), "error: Wrong signature trying to load DB from file");
}

TEST(RdbFileReader, UnknownBytesAreCorruption) {
  for (int const byte : {6, 8, 26, 243, 246}) {
    std::string file = "REDIS0010";
    file.push_back(static_cast<char>(byte));
    file += std::string(20, '\0');
    EXPECT_EQ(describe(file), "error: Bad data format in RDB file at offset 9") << byte;
  }
}

TEST(RdbFileReader, ClaimsOfAStreamGetNoMemory) {
  // A string of 2^40 bytes is announced, a few come.
  std::string const file = "REDIS0010" + std::string("\x00\x01k\x81\x00\x00\x01\x00\x00\x00\x00\x00", 12) + "abc";
  PieceSource source(file, 4);
  RdbFileReader reader(source, {.block_bytes = 64});
  describe(reader);
  EXPECT_EQ(reader.error().kind, RdbError::Kind::kShortRead);
  EXPECT_LE(source.largest(), 1024u);
}

TEST(RdbFileReader, LargeValuesCrossBlocks) {
  Random random(3);
  std::string file;
  RdbWriter w(file, false);
  w.magic();
  std::string big(100000, '\0');
  for (char& c : big) c = static_cast<char>(random.next());
  for (int i = 0; i < 20; ++i) {
    w.type(RdbType::kString);
    w.string("key:" + std::to_string(i));
    w.string(i % 5 == 0 ? big : "small");
  }
  file = sealed(file);
  PieceSource source(file, 1000);
  RdbFileReader reader(source, {.block_bytes = 4096});
  for (int i = 0; i < 20; ++i) {
    ASSERT_EQ(reader.next(), RdbEvent::kEntry);
    EXPECT_EQ(reader.entry().key, "key:" + std::to_string(i));
    ByteReader in(reader.entry().value);
    std::string scratch;
    EXPECT_EQ(read_string_value(in, scratch).text, i % 5 == 0 ? big : "small");
  }
  EXPECT_EQ(reader.next(), RdbEvent::kEnd);
}

TEST(RdbFileReader, EntriesStayReadableWhileTheirBlockIsHeld) {
  std::string file;
  RdbWriter w(file);
  w.magic();
  for (int i = 0; i < 500; ++i) {
    w.type(RdbType::kString);
    // Keys that stand in the file as they are, as integers, and compressed.
    w.string(i % 3 == 0 ? std::to_string(i) : std::string(i % 3 == 1 ? 1 : 40, 'x') + std::to_string(i));
    w.string(std::to_string(i) + "!");
  }
  file = sealed(file);
  std::vector<std::pair<RdbBlockPtr, RdbEntry>> held;
  {
    PieceSource source(file, 50);
    RdbFileReader reader(source, {.block_bytes = 300});
    while (reader.next() == RdbEvent::kEntry) held.emplace_back(reader.block(), reader.entry());
    ASSERT_EQ(reader.next(), RdbEvent::kEnd);
  }
  ASSERT_EQ(held.size(), 500u);
  for (int i = 0; i < 500; ++i) {
    RdbEntry const& entry = held[static_cast<size_t>(i)].second;
    EXPECT_EQ(entry.key, i % 3 == 0 ? std::to_string(i) : std::string(i % 3 == 1 ? 1 : 40, 'x') + std::to_string(i));
    ByteReader in(entry.value);
    std::string scratch;
    EXPECT_EQ(read_string_value(in, scratch).text, std::to_string(i) + "!");
  }
}

TEST(RdbFileReader, ReadsFilesOfADisk) {
  FaultyDisk disk;
  disk.put("dump.rdb", "prefix" + sample_file());
  auto file = disk.open_read("dump.rdb");
  ASSERT_TRUE(file.has_value());
  auto source = RdbFileSource::open(**file, 6);
  ASSERT_TRUE(source.has_value());
  RdbFileReader reader(*source, {.block_bytes = 64});
  EXPECT_EQ(describe(reader), sample_events());

  disk.add_fault({.operation = DiskOperation::kRead, .nth = 2, .errnum = EIO});
  auto again = RdbFileSource::open(**file, 6);
  ASSERT_TRUE(again.has_value());
  RdbFileReader failing(*again, {.block_bytes = 64});
  describe(failing);
  EXPECT_EQ(failing.error().kind, RdbError::Kind::kIo);
  EXPECT_EQ(failing.error().errnum, EIO);
}

TEST(RdbFileReader, MutatedFilesEndWithoutHarm) {
  Random random(8);
  std::string const file = sample_file();
  for (int round = 0; round < 2000; ++round) {
    std::string bad = file;
    for (uint64_t i = 0; i <= random.below(4); ++i)
      bad[9 + random.below(bad.size() - 9)] = static_cast<char>(random.next());
    PieceSource source(bad, 1 + random.below(64));
    RdbFileReader reader(source, {.check_crc = false, .block_bytes = 1 + random.below(128)});
    std::string const events = describe(reader);
    ASSERT_TRUE(events.ends_with("end") || events.find("error: ") != std::string::npos);
    ASSERT_LE(reader.offset(), bad.size());
  }
}

}  // namespace
}  // namespace holdfast
