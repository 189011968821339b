// Any bytes are the payload of a value (RESTORE, RDB files) or are refused; nothing outside them is read. What was
// accepted ends where skip_value says, can be written and read back the same, frozen, rebuilt by commands, and changed.
// The first byte is the type; the second chooses limits and changes. Every so often an input starts anew from a payload
// that Redis has written, so that all types are met.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/check.h"
#include "base/hash.h"
#include "rdb/skip_value.h"
#include "rdb/test_vectors.h"
#include "values/hash_value.h"
#include "values/list_value.h"
#include "values/set_value.h"
#include "values/stream_value.h"
#include "values/type_ops.h"
#include "values/zset_value.h"

extern "C" size_t LLVMFuzzerMutate(uint8_t* data, size_t size, size_t max_size);

namespace {

using namespace holdfast;

constexpr size_t kChoices = 2;

/// Payloads of the types that no vector of Redis 7.0 has, type byte in front.
constexpr std::string_view kMoreVectors[] = {
    "05020162000000000000f03f01610000000000000040",
    "0a12120000000d000000020000016103026263ff",
    "140d0d0000000200816102813502ff",
    "15011000000000000003e800000000000000012d2d00000011000201000101018166020001020100010001817602040100010001010101"
    "018167028177020601ff0243e80243e80100000201016743e801010100000000000003e800000000000000010068e5cf8b010000010201"
    "63010000000000000001000000000000000100000000000003e8000000000000000101640100000000000000010000000000000000",
    "160281000003bb2cc3d800016101310001620132",
    "171f1f0000000600816102813102f400d8c32cbb030000098162028132020001ff",
    "1800d8c32cbb0300000201016101310001620132",
    "1900d8c32cbb0300001f1f0000000600816102813102f400d8c32cbb030000098162028132020001ff",
};

std::vector<std::string> make_seeds() {
  std::vector<std::string> seeds;
  auto add = [&seeds](std::string_view payload) {
    KeyHasher const hasher(1);
    ValueLimits const limits;
    ByteReader in(payload.substr(1));
    CHECK(read_rdb_value(static_cast<RdbType>(payload[0]), in, {hasher, limits}) && in.ok() && in.at_end());
    seeds.emplace_back(payload.substr(0, 1)).append(1, '\0').append(payload.substr(1));
    seeds.emplace_back(payload.substr(0, 1)).append(1, '\x05').append(payload.substr(1));
  };
  constexpr size_t kFooterBytes = 10;
  for (DumpVector const& vector : kDumpVectors) {
    std::string const bytes = from_hex(vector.hex);
    add(std::string_view(bytes).substr(0, bytes.size() - kFooterBytes));
  }
  for (std::string_view const hex : kMoreVectors) add(from_hex(hex));
  return seeds;
}

/// What DEBUG DIGEST sees; in any order where the type has none.
std::vector<std::pair<std::string, std::string>> content(ValueView const& value) {
  std::vector<std::pair<std::string, std::string>> texts;
  ops_of(value.type).for_digest(value, [&texts](std::string_view a, std::string_view b) { texts.emplace_back(a, b); });
  if (value.type == ValueType::kSet || value.type == ValueType::kHash) std::sort(texts.begin(), texts.end());
  return texts;
}

void check_written(ValueView const& value, ValueContext const& context) {
  TypeOps const& ops = ops_of(value.type);
  std::string payload;
  RdbWriter writer(payload);
  CHECK(ops.write_rdb(value, writer, {}));
  ByteReader in(payload);
  auto const again = read_rdb_value(ops.rdb_type(value), in, context);
  CHECK(again && in.ok() && in.at_end());
  CHECK(content(again->view()) == content(value) && ops.length(again->view()) == ops.length(value));
  if (value.type == ValueType::kString) return;  // commands about strings are made elsewhere
  std::string commands;
  CHECK(ops.write_commands("key", value, commands, {}) && !commands.empty());
}

void change(DetachedValue& value, uint8_t choice, ValueContext const& context) {
  ValueEdit edit{.type = value.type, .encoding = value.encoding, .bytes = value.bytes, .body = value.body.get()};
  std::string const text = choice & 8 ? "text" : std::to_string(choice * 1000);
  switch (value.type) {
    case ValueType::kString:
    case ValueType::kModule: return;
    case ValueType::kHash: {
      HashEditor hash(edit, context);
      hash.set(text, "value");
      CHECK(!hash.set(text, "other") && hash.erase(text));
      hash.set("last", text);
      break;
    }
    case ValueType::kSet: {
      SetEditor set(edit, context);
      set.add(text);
      CHECK(!set.add(text) && set.erase(text));
      set.add("last");
      break;
    }
    case ValueType::kZset: {
      ZsetEditor zset(edit, context);
      zset.put(text, choice);
      CHECK(zset.erase(text));
      zset.put("last", -1.5);
      break;
    }
    case ValueType::kList: {
      ListEditor list(edit, context.limits);
      list.push(choice & 16 ? ListEnd::kHead : ListEnd::kTail, text);
      list.erase(0, list.size() / 2);
      list.push(ListEnd::kTail, "last");
      break;
    }
    case ValueType::kStream: {
      StreamBody& stream = open_stream(edit);
      std::string_view const pair[] = {"field", text};
      if (stream.last_id < StreamId::max()) stream.append(*stream.last_id.next(), pair, {.bytes = 4096, .entries = 100});
      stream.erase(stream.first_id());
      for (size_t i = 0; i < stream.groups(); i++) {
        auto const group = stream.edit_group(i);
        if (auto const at = group->pending().first()) CHECK(group->acknowledge(at.id()));
        if (group->consumers() > 0) group->remove_consumer(group->consumer_at(0));
      }
      break;
    }
  }
  check_written(edit.view(), context);
}

}  // namespace

extern "C" size_t LLVMFuzzerCustomMutator(uint8_t* data, size_t size, size_t max_size, unsigned int seed) {
  static std::vector<std::string> const kSeeds = make_seeds();
  constexpr unsigned kOneIn = 64;
  if (size < kChoices || seed % kOneIn == 0) {
    std::string const& start = kSeeds[seed / kOneIn % kSeeds.size()];
    size = std::min(start.size(), max_size);
    std::memcpy(data, start.data(), size);
  }
  return LLVMFuzzerMutate(data, size, max_size);
}

extern "C" int LLVMFuzzerTestOneInput(uint8_t const* data, size_t size) {
  if (size < kChoices || !is_rdb_value_type(data[0])) return 0;
  auto const type = static_cast<RdbType>(data[0]);
  uint8_t const choice = data[1];
  if (!value_type_of(type)) return 0;
  // A block of the exact size: the address sanitizer sees the first byte read beyond.
  std::vector<char> const block(data + kChoices, data + size);
  std::string_view const bytes(block.data(), block.size());

  KeyHasher const hasher(1);
  ValueLimits limits;
  if (choice & 1) limits.hash_max_listpack_entries = limits.set_max_listpack_entries = limits.zset_max_listpack_entries = 1;
  if (choice & 2) limits.set_max_intset_entries = 1;
  if (choice & 4) limits.list_max_listpack_size = 2;
  ValueContext const context{hasher, limits};

  ByteReader in(bytes);
  std::optional<DetachedValue> value = read_rdb_value(type, in, context);
  if (!value || !in.ok()) return 0;
  ByteReader skipping(bytes);
  skip_value(type, skipping);
  CHECK(skipping.ok() && skipping.offset() == in.offset());

  check_written(value->view(), context);
  std::unique_ptr<Body> frozen = value->body ? value->body->freeze() : nullptr;
  auto const before = content(value->view());
  change(*value, choice, context);
  if (frozen) {
    CHECK(content({.type = value->type, .encoding = Encoding::kBody, .body = frozen.get()}) == before);
  }
  return 0;
}
