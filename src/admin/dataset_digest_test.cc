#include "admin/dataset_digest.h"

#include <gtest/gtest.h>

#include <memory>
#include <vector>

// The expected digests are those of redis-server 7.0.15 for the same keys.

namespace holdfast {
namespace {

class DatasetDigestTest : public testing::Test {
 protected:
  Record const& record(RecordContent const& content) {
    size_t const bytes = Record::bytes_for(content, false);
    blocks_.push_back(std::make_unique<uint64_t[]>(bytes / 8 + 2));
    return *Record::write(blocks_.back().get(), content, 0);
  }
  Record const& text(std::string_view key, std::string_view value) {
    return record({.key = key, .encoding = Encoding::kEmbstr, .bytes = value});
  }
  Record const& integer(std::string_view key, int64_t value) {
    return record({.key = key, .encoding = Encoding::kInt, .integer = value});
  }

 private:
  std::vector<std::unique_ptr<uint64_t[]>> blocks_;
};

TEST_F(DatasetDigestTest, NothingIsZeros) {
  EXPECT_EQ(DatasetDigest().result().hex(), "0000000000000000000000000000000000000000");
}

TEST_F(DatasetDigestTest, OneKey) {
  DatasetDigest digest;
  digest.add(0, integer("a", 1));
  EXPECT_EQ(digest.result().hex(), "943d800368fb9c0e951138f1bc0e313ac769d91f");
}

TEST_F(DatasetDigestTest, Values) {
  EXPECT_EQ(digest_of_value(integer("a", 1)).hex(), "b4fc66738120fba0b5aa500ab5c2bf89cea1c5da");
  EXPECT_EQ(digest_of_value(text("a", "1")).hex(), "b4fc66738120fba0b5aa500ab5c2bf89cea1c5da");
  EXPECT_EQ(digest_of_value(text("b", "hello")).hex(), "36b23a1456b2dce2c3ed252c456761301dba8060");
  EXPECT_EQ(digest_of_value(integer("n", -5)).hex(), "b8fe4ac02b2f7e40537890f8b06b1107798d89e1");
  EXPECT_EQ(digest_of_value(text("e", "")).hex(), "8b3447c33a834b810e3e181b6fd6a2ee1020921c");
  Record const& expiring =
      record({.key = "t", .encoding = Encoding::kEmbstr, .bytes = "x", .expire_ms = 1'800'000'000'000});
  EXPECT_EQ(digest_of_value(expiring).hex(), "0745672cb1bf060476eedeb8a28f5ffe1ff5a2be");
}

TEST_F(DatasetDigestTest, SeveralKeysAndDatabasesInAnyOrder) {
  std::vector<Record const*> const keys = {
      &integer("a", 1),
      &text("b", "hello"),
      &integer("n", -5),
      &integer("big", 123456789012),
      &text("f", "3.14"),
      &text("e", ""),
      &record({.key = "t", .encoding = Encoding::kEmbstr, .bytes = "x", .expire_ms = 1'800'000'000'000})};
  DatasetDigest forward;
  for (Record const* key : keys) forward.add(0, *key);
  EXPECT_EQ(forward.result().hex(), "f0d3ef01746b2a1c81d9a299a88d868b89309802");

  DatasetDigest backward;
  backward.add(3, text("k", "v"));
  for (size_t i = keys.size(); i-- > 0;) backward.add(0, *keys[i]);
  EXPECT_EQ(backward.result().hex(), "0323818962ed8abd6707d59f76ed581d42a08511");
}

}  // namespace
}  // namespace holdfast
