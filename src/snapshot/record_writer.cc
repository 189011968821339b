#include "snapshot/record_writer.h"

#include <algorithm>
#include <cstring>

#include "base/number.h"
#include "log/effect_buffer.h"
#include "rdb/writer.h"
#include "snapshot/group_digest.h"
#include "values/type_ops.h"

namespace holdfast::snapshot {
namespace {

using Kind = Block::Detour::Kind;

void add_shared(Block& block, Kind kind, SharedBuffer* buffer) {
  buffer->add_ref();
  block.detours.push_back(
      {.kind = kind, .at = block.bytes.size(), .length = 0, .shared = SharedBufferRef::adopt(buffer), .value = {}, .key = {}});
  block.shared_bytes += buffer->size();
}

void write_rdb_text(Block& block, bool compress, std::string_view text) {
  if (!compress || text.size() <= kCompressUnderLockBytesMax) {
    RdbWriter(block.bytes, compress && may_compress(text)).string(text);
    return;
  }
  block.detours.push_back({.kind = Kind::kCompress, .at = block.bytes.size(), .length = text.size(), .shared = {}, .value = {}, .key = {}});
  block.bytes.append(text);
}

/// A collection that takes too long to write under the lock: a copy of its packed bytes, or its body, frozen.
void add_value(Block& block, Record const& record, std::string_view key) {
  auto value = std::make_unique<DetachedValue>();
  value->type = record.type();
  value->encoding = record.encoding();
  if (record.encoding() == Encoding::kBody) {
    // Only what fills a block, so that it reaches the file thread whatever else is saved.
    size_t const body_bytes = record.body()->memory_bytes();
    value->body = record.body()->freeze_for_save(body_bytes >= kBlockBytes ? block.copies : nullptr);
    block.shared_bytes += std::min(body_bytes, kBlockBytes);
  } else {
    value->bytes = record.inline_bytes();
    block.shared_bytes += value->bytes.size();
  }
  block.detours.push_back({.kind = Kind::kValue,
                           .at = block.bytes.size(),
                           .length = 0,
                           .shared = {},
                           .value = std::move(value),
                           .key = std::string(key)});
}

bool is_long(Record const& record) {
  return record.encoding() == Encoding::kBody || record.inline_bytes().size() > kCompressUnderLockBytesMax;
}

void write_rdb_collection(Block& block, bool compress, Record const& record) {
  if (is_long(record)) return add_value(block, record, {});
  RdbWriter writer(block.bytes, compress);
  ops_of(record.type()).write_rdb(record.view(), writer, {});
}

void write_rdb_value(Block& block, bool compress, Record const& record) {
  if (record.type() != ValueType::kString) return write_rdb_collection(block, compress, record);
  switch (record.encoding()) {
    case Encoding::kInt:
      RdbWriter(block.bytes).integer(record.integer());
      break;
    default:
      write_rdb_text(block, compress, record.inline_bytes());
      break;
    case Encoding::kShared:
      if (compress) {
        add_shared(block, Kind::kSharedCompress, record.shared());
      } else {
        RdbWriter(block.bytes).length(record.shared()->size());
        add_shared(block, Kind::kShared, record.shared());
      }
      break;
  }
}

void write_rdb(Block& block, SaveForm const& form, Keyspace const& keyspace, int db, Record const& record) {
  RdbWriter writer(block.bytes);
  if (block.db != db) writer.select_db(static_cast<uint64_t>(db));
  if (record.has_expiry()) writer.expire_ms(record.expire_ms());
  if (form.idle) writer.idle(keyspace.idle_seconds(record.access()));
  if (form.frequency) writer.freq(keyspace.decayed_frequency(record.access()));
  writer.type(record.type() == ValueType::kString ? RdbType::kString : ops_of(record.type()).rdb_type(record.view()));
  RdbWriter(block.bytes, form.compress && may_compress(record.key())).string(record.key());
  write_rdb_value(block, form.compress, record);
}

void write_resp_value(Block& block, Record const& record) {
  if (record.type() != ValueType::kString) {
    if (is_long(record)) return add_value(block, record, record.key());
    ops_of(record.type()).write_commands(record.key(), record.view(), block.bytes, {});
    return;
  }
  log::append_array_header(block.bytes, 3);
  log::append_bulk(block.bytes, std::string_view("SET"));
  log::append_bulk(block.bytes, record.key());
  if (record.encoding() == Encoding::kShared) {
    block.bytes.push_back('$');
    block.bytes.append(to_text(static_cast<int64_t>(record.shared()->size()))).append("\r\n");
    add_shared(block, Kind::kShared, record.shared());
    block.bytes.append("\r\n");
  } else {
    IntegerText scratch;
    log::append_bulk(block.bytes, record.text(scratch));
  }
}

void write_resp(Block& block, int db, Record const& record) {
  if (block.db != db) log::append_select(block.bytes, db);
  write_resp_value(block, record);
  if (!record.has_expiry()) return;
  log::append_command(block.bytes, {"PEXPIREAT", record.key(), to_text(record.expire_ms())});
}

}  // namespace

void follow_policy(SaveForm& form, config::MaxmemoryPolicy policy) {
  using config::MaxmemoryPolicy;
  form.idle = policy == MaxmemoryPolicy::kVolatileLru || policy == MaxmemoryPolicy::kAllKeysLru;
  form.frequency = policy == MaxmemoryPolicy::kVolatileLfu || policy == MaxmemoryPolicy::kAllKeysLfu;
}

bool may_compress(std::string_view text) {
  constexpr size_t kFilterTextBytesMax = 64;
  if (text.size() > kFilterTextBytesMax || text.size() < 3) return true;
  // A bit for each hash of three bytes; equal triples always meet, different ones rarely.
  uint64_t seen[64] = {};
  auto at = [&](size_t i) { return static_cast<uint32_t>(static_cast<uint8_t>(text[i])); };
  uint32_t triple = at(0) << 8 | at(1);
  for (size_t i = 2; i < text.size(); i++) {
    triple = (triple << 8 | at(i)) & 0xFFFFFF;
    uint32_t hash = triple * 0x9E3779B1u >> 20;
    uint64_t bit = uint64_t{1} << (hash & 63);
    if (seen[hash >> 6] & bit) return true;
    seen[hash >> 6] |= bit;
  }
  return false;
}

void write_record(Block& block, SaveForm const& form, Keyspace const& keyspace, int db, Record const& record) {
  switch (form.form) {
    case RecordForm::kRdb: write_rdb(block, form, keyspace, db, record); break;
    case RecordForm::kResp: write_resp(block, db, record); break;
    case RecordForm::kDigest: write_digest_record(block, db, record); break;
  }
  block.db = db;
  block.keys++;
}

}  // namespace holdfast::snapshot
