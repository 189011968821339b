#include "snapshot/group_digest.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "base/check.h"
#include "base/crc16.h"
#include "base/number.h"
#include "base/sha1.h"
#include "values/hash_value.h"
#include "values/type_ops.h"

namespace holdfast::snapshot {
namespace {

/// Longer texts are hashed apart, not copied.
constexpr size_t kTextBytesCopied = 256;
/// Of one group, encoded: database, group, keys, digest.
constexpr size_t kGroupBytes = 4 + 1 + 8 + sizeof(KeyDigest);

std::string_view view(Sha1Digest const& digest) { return {reinterpret_cast<char const*>(digest.data()), digest.size()}; }

template <size_t kSize>
void exclusive_or(std::array<uint8_t, kSize>& into, std::array<uint8_t, kSize> const& other) {
  for (size_t i = 0; i < kSize; i++) into[i] = static_cast<uint8_t>(into[i] ^ other[i]);
}

/// Little endian.
template <class Number>
void append_number(std::string& out, Number number) {
  auto bits = static_cast<uint64_t>(number);
  for (size_t i = 0; i < sizeof(Number); i++, bits >>= 8) out.push_back(static_cast<char>(bits & 0xFF));
}

template <class Number>
Number take_number(std::string_view& in) {
  CHECK(in.size() >= sizeof(Number));
  uint64_t bits = 0;
  for (size_t i = 0; i < sizeof(Number); i++) bits |= static_cast<uint64_t>(static_cast<uint8_t>(in[i])) << (8 * i);
  in.remove_prefix(sizeof(Number));
  return static_cast<Number>(bits);
}

std::string_view take_bytes(std::string_view& in, size_t size) {
  CHECK(in.size() >= size);
  std::string_view const taken = in.substr(0, size);
  in.remove_prefix(size);
  return taken;
}

/// With its length, so that no two sequences of texts look the same.
void append_text(std::string& out, std::string_view text) {
  append_number<uint64_t>(out, text.size());
  if (text.size() <= kTextBytesCopied) {
    out.append(text);
  } else {
    out.append(view(sha1(text)));
  }
}

void append_string(std::string& out, ValueView const& value) {
  switch (value.encoding) {
    case Encoding::kInt: return append_text(out, to_text(value.integer));
    case Encoding::kShared: return append_text(out, value.shared->view());
    default: return append_text(out, value.bytes);
  }
}

std::optional<int64_t> field_expiry(ValueView const& value, std::string_view field) {
  if (value.type != ValueType::kHash || !value.body || value.body->expiring_elements() == 0) return std::nullopt;
  auto const found = HashReader(value).find(field);
  return found ? found->expire_ms : std::nullopt;
}

void append_expiry(std::string& out, std::optional<int64_t> expire_ms) {
  out.push_back(expire_ms ? 1 : 0);
  append_number<int64_t>(out, expire_ms.value_or(0));
}

void append_collection(std::string& out, ValueView const& value) {
  bool const ordered = value.type == ValueType::kList || value.type == ValueType::kStream;
  Sha1Digest sum{};
  uint64_t elements = 0;
  std::string text;
  ops_of(value.type).for_digest(value, [&](std::string_view first, std::string_view second) {
    text.clear();
    if (ordered) text.append(view(sum));
    append_text(text, first);
    append_text(text, second);
    append_expiry(text, field_expiry(value, first));
    Sha1Digest const element = sha1(text);
    if (ordered) {
      sum = element;
    } else {
      exclusive_or(sum, element);
    }
    elements++;
  });
  append_number<uint64_t>(out, elements);
  out.append(view(sum));
}

}  // namespace

uint8_t key_group(std::string_view key) { return static_cast<uint8_t>(crc16(key) >> 8); }

KeyDigest digest_of_key(std::string_view key, std::optional<int64_t> expire_ms, ValueView const& value) {
  std::string text;
  append_text(text, key);
  text.push_back(static_cast<char>(value.type));
  append_expiry(text, expire_ms);
  if (value.type == ValueType::kString) {
    append_string(text, value);
  } else {
    append_collection(text, value);
  }
  Sha1Digest const whole = sha1(text);
  KeyDigest digest;
  std::memcpy(digest.data(), whole.data(), digest.size());
  return digest;
}

// ---- for another server ----

std::string encode_digests(GroupDigests const& digests) {
  std::string out;
  out.reserve(digests.size() * kGroupBytes);
  for (GroupDigest const& group : digests) {
    append_number<int32_t>(out, group.db);
    append_number<uint8_t>(out, group.group);
    append_number<uint64_t>(out, group.keys);
    out.append(reinterpret_cast<char const*>(group.digest.data()), group.digest.size());
  }
  return out;
}

std::optional<GroupDigests> decode_digests(std::string_view bytes) {
  if (bytes.size() % kGroupBytes != 0) return std::nullopt;
  GroupDigests digests;
  digests.reserve(bytes.size() / kGroupBytes);
  while (!bytes.empty()) {
    GroupDigest& group = digests.emplace_back();
    group.db = take_number<int32_t>(bytes);
    group.group = take_number<uint8_t>(bytes);
    group.keys = take_number<uint64_t>(bytes);
    std::memcpy(group.digest.data(), take_bytes(bytes, group.digest.size()).data(), group.digest.size());
  }
  return digests;
}

std::vector<GroupDifference> differences(GroupDigests const& here, GroupDigests const& there) {
  std::map<std::pair<int, uint8_t>, std::pair<GroupDigest const*, GroupDigest const*>> places;
  for (GroupDigest const& group : here) places[{group.db, group.group}].first = &group;
  for (GroupDigest const& group : there) places[{group.db, group.group}].second = &group;
  std::vector<GroupDifference> found;
  for (auto const& [place, both] : places) {
    if (both.first && both.second && *both.first == *both.second) continue;
    found.push_back({place.first, place.second, both.first ? both.first->keys : 0, both.second ? both.second->keys : 0});
  }
  return found;
}

// ---- building ----

void DigestBuilder::add(int db, uint8_t group, KeyDigest const& digest) {
  GroupDigest& place = databases_[db][group];
  place.keys++;
  exclusive_or(place.digest, digest);
}

void DigestBuilder::add(int db, std::string_view key, std::optional<int64_t> expire_ms, ValueView const& value) {
  add(db, key_group(key), digest_of_key(key, expire_ms, value));
}

void DigestBuilder::add_function(std::string_view source) {
  add(GroupDigest::kFunctions, 0, digest_of_key(source, std::nullopt, {}));
}

GroupDigests DigestBuilder::result() const {
  GroupDigests digests;
  for (auto const& [db, groups] : databases_) {
    for (size_t i = 0; i < groups.size(); i++) {
      if (groups[i].keys == 0) continue;
      digests.push_back(groups[i]);
      digests.back().db = db;
      digests.back().group = static_cast<uint8_t>(i);
    }
  }
  return digests;
}

// ---- blocks ----

void write_digest_record(Block& block, int db, Record const& record) {
  std::string& out = block.bytes;
  ValueView const value = record.view();
  append_number<int32_t>(out, db);
  append_number<uint8_t>(out, static_cast<uint8_t>(value.type));
  append_number<uint8_t>(out, static_cast<uint8_t>(value.encoding));
  append_expiry(out, record.expiry());
  append_number<uint32_t>(out, static_cast<uint32_t>(record.key().size()));
  out.append(record.key());
  auto const refer = [&](Block::Detour detour) {
    detour.at = out.size();
    block.detours.push_back(std::move(detour));
  };
  switch (value.encoding) {
    case Encoding::kInt: return append_number<int64_t>(out, value.integer);
    case Encoding::kShared:
      value.shared->add_ref();
      block.shared_bytes += value.shared->size();
      return refer({.kind = Block::Detour::Kind::kShared, .shared = SharedBufferRef::adopt(value.shared)});
    case Encoding::kBody: {
      auto frozen = std::make_unique<DetachedValue>(DetachedValue::of_body(value.type, value.body->freeze_for_save(nullptr)));
      block.shared_bytes += std::min(frozen->body->memory_bytes(), kBlockBytes);
      return refer({.kind = Block::Detour::Kind::kValue, .value = std::move(frozen)});
    }
    default:
      append_number<uint32_t>(out, static_cast<uint32_t>(value.bytes.size()));
      out.append(value.bytes);
  }
}

void DigestBuilder::add(Block const& block) {
  visit_digest_records(block, [this](int db, std::string_view key, std::optional<int64_t> expire_ms, ValueView const& value) {
    add(db, key, expire_ms, value);
  });
}

void visit_digest_records(Block const& block, DigestVisit const& visit) {
  std::string_view rest = block.bytes;
  auto detour = block.detours.begin();
  while (!rest.empty()) {
    int const db = take_number<int32_t>(rest);
    ValueView value;
    value.type = static_cast<ValueType>(take_number<uint8_t>(rest));
    value.encoding = static_cast<Encoding>(take_number<uint8_t>(rest));
    bool const expires = take_number<uint8_t>(rest) != 0;
    int64_t const expire_ms = take_number<int64_t>(rest);
    std::string_view const key = take_bytes(rest, take_number<uint32_t>(rest));
    switch (value.encoding) {
      case Encoding::kInt: value.integer = take_number<int64_t>(rest); break;
      case Encoding::kShared: value.shared = (detour++)->shared.get(); break;
      case Encoding::kBody: value.body = (detour++)->value->body.get(); break;
      default: value.bytes = take_bytes(rest, take_number<uint32_t>(rest));
    }
    visit(db, key, expires ? std::optional(expire_ms) : std::nullopt, value);
  }
  CHECK(detour == block.detours.end());
}

}  // namespace holdfast::snapshot
