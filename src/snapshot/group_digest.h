#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "keyspace/record.h"
#include "snapshot/block.h"
#include "values/value_view.h"

namespace holdfast::snapshot {

// Digests that two servers can compare: they depend on what the keys are, and neither on the hash seed, the partitions and the
// order in memory, nor on how a value is encoded.
//
//   key    SHA-1 of name, type, time of expiry and value. Of a set, hash or sorted set the elements are hashed one by one and
//          put together by exclusive or; of a list or stream one after the other.
//   group  exclusive or of the digests of its keys
//
// The time of expiry counts, passed or not: a key that has expired is there until its primary deletes it, by a command of the
// stream; so what is there at an offset is the same everywhere.

inline constexpr uint32_t kKeyGroups = 256;
/// The group of a key: the upper half of the CRC-16 of its name.
uint8_t key_group(std::string_view key);

using KeyDigest = std::array<uint8_t, 16>;
KeyDigest digest_of_key(std::string_view key, std::optional<int64_t> expire_ms, ValueView const& value);

/// The keys of a database that are in one group.
struct GroupDigest {
  /// In the place of a database: the libraries of functions, all in group 0.
  static constexpr int kFunctions = -1;

  int db = 0;
  uint8_t group = 0;
  uint64_t keys = 0;
  KeyDigest digest{};
  bool operator==(GroupDigest const&) const = default;
};
/// Those with keys, in the order of database and group.
using GroupDigests = std::vector<GroupDigest>;

/// For another server, and back. nullopt: these bytes are none.
std::string encode_digests(GroupDigests const& digests);
std::optional<GroupDigests> decode_digests(std::string_view bytes);

/// A group that is not the same in two places.
struct GroupDifference {
  int db = 0;
  uint8_t group = 0;
  uint64_t keys_here = 0;
  uint64_t keys_there = 0;
  bool operator==(GroupDifference const&) const = default;
};
std::vector<GroupDifference> differences(GroupDigests const& here, GroupDigests const& there);

/// RecordForm::kDigest: appends what the digest of a record is made of. The digest itself is made later, by who reads the block:
/// big values are referenced, others copied. As write_record.
void write_digest_record(Block& block, int db, Record const& record);
/// What a block of such records has, in its order.
using DigestVisit =
    std::function<void(int db, std::string_view key, std::optional<int64_t> expire_ms, ValueView const& value)>;
void visit_digest_records(Block const& block, DigestVisit const& visit);

/// Fed with all keys in any order.
class DigestBuilder {
 public:
  void add(int db, std::string_view key, std::optional<int64_t> expire_ms, ValueView const& value);
  void add(Block const& block);
  void add_function(std::string_view source);
  GroupDigests result() const;

 private:
  void add(int db, uint8_t group, KeyDigest const& digest);
  std::map<int, std::array<GroupDigest, kKeyGroups>> databases_;
};

}  // namespace holdfast::snapshot
