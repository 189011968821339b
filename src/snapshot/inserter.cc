#include "snapshot/inserter.h"

#include <utility>

#include "base/number.h"
#include "base/thread_scope.h"
#include "rdb/string_value.h"
#include "values/type_ops.h"

namespace holdfast::snapshot {
namespace {

/// How far ahead of the insertion buckets are asked for.
constexpr size_t kPrefetchDistance = 16;

}  // namespace

Inserters::Inserters(Keyspace& keyspace, int threads, bool replace) : keyspace_(keyspace), replace_(replace) {
  for (int i = 0; i < threads; i++) {
    lanes_.push_back(std::make_unique<Lane>());
    lanes_.back()->number = static_cast<uint32_t>(i);
  }
  for (auto& lane : lanes_) {
    lane->thread = std::thread([this, &lane = *lane] {
      ThreadScope const scope("load-insert");
      run(lane);
    });
  }
}

Inserters::~Inserters() {
  failed_.store(true, std::memory_order_relaxed);  // what is left is not wanted
  close();
}

void Inserters::expect(int db, uint64_t keys) {
  for (auto& lane : lanes_) {
    if (!lane->filling.items.empty()) hand_over(*lane);
    lane->filling.expected_db = db;
    lane->filling.expected_keys = keys;
    hand_over(*lane);
  }
}

void Inserters::add(LoadItem const& item, RdbBlockPtr const& block) {
  Lane& lane = *lanes_[keyspace_.partition_index(item.hash) % lanes_.size()];
  Batch& batch = lane.filling;
  batch.items.push_back(item);
  if (batch.blocks.empty() || batch.blocks.back() != block) batch.blocks.push_back(block);
  if (batch.items.size() >= kBatchItems) hand_over(lane);
}

void Inserters::hand_over(Lane& lane) {
  {
    MutexLock lock(lane.mutex);
    while (lane.waiting.size() >= kBatchesMax) lock.wait(lane.changed);
    lane.waiting.push_back(std::move(lane.filling));
    lane.filling = {};
    if (!lane.empty.empty()) {
      lane.filling = std::move(lane.empty.back());
      lane.empty.pop_back();
    }
  }
  lane.changed.notify_all();
  lane.filling.items.reserve(kBatchItems);
}

void Inserters::close() {
  for (auto& lane : lanes_) {
    {
      MutexLock lock(lane->mutex);
      lane->closed = true;
    }
    lane->changed.notify_all();
  }
  for (auto& lane : lanes_) {
    if (lane->thread.joinable()) lane->thread.join();
  }
}

Status Inserters::finish() {
  for (auto& lane : lanes_) {
    if (!lane->filling.items.empty()) hand_over(*lane);
  }
  close();
  MutexLock lock(mutex_);
  return result_;
}

void Inserters::fail_with(Error error) {
  MutexLock lock(mutex_);
  if (result_) result_ = std::unexpected(std::move(error));
  failed_.store(true, std::memory_order_relaxed);
}

void Inserters::run(Lane& lane) {
  while (true) {
    Batch batch;
    {
      MutexLock lock(lane.mutex);
      while (lane.waiting.empty() && !lane.closed) lock.wait(lane.changed);
      if (lane.waiting.empty()) return;
      batch = std::move(lane.waiting.front());
      lane.waiting.pop_front();
    }
    lane.changed.notify_all();
    if (!failed()) {
      reserve(lane, batch);
      if (Status inserted = insert(lane, batch); !inserted) fail_with(std::move(inserted.error()));
    }
    batch.items.clear();
    batch.blocks.clear();
    batch.expected_db = -1;
    MutexLock lock(lane.mutex);
    lane.empty.push_back(std::move(batch));
  }
}

void Inserters::reserve(Lane const& lane, Batch const& batch) {
  if (batch.expected_db < 0) return;
  size_t const keys = batch.expected_keys / keyspace_.partition_count();
  for (uint32_t i = lane.number; i < keyspace_.partition_count(); i += static_cast<uint32_t>(lanes_.size())) {
    keyspace_.table(keyspace_.partition(i), batch.expected_db).table().reserve(keys);
  }
}

// A counting sort: entries of one partition after each other meet its table in the cache.
void Inserters::sort_by_partition(Lane& lane, Batch const& batch) const {
  size_t const lanes = lanes_.size();
  lane.starts.assign(keyspace_.partition_count() / lanes + 2, 0);
  auto bin = [&](LoadItem const& item) { return keyspace_.partition_index(item.hash) / lanes; };
  for (LoadItem const& item : batch.items) lane.starts[bin(item) + 1]++;
  for (size_t i = 1; i < lane.starts.size(); i++) lane.starts[i] += lane.starts[i - 1];
  lane.order.resize(batch.items.size());
  for (LoadItem const& item : batch.items) lane.order[lane.starts[bin(item)]++] = &item;
}

Status Inserters::insert(Lane& lane, Batch const& batch) {
  sort_by_partition(lane, batch);
  std::string scratch;
  auto table_of = [&](LoadItem const& item) -> KeyTable& {
    return keyspace_.table(keyspace_.partition(keyspace_.partition_index(item.hash)), item.db);
  };
  size_t const count = lane.order.size();
  for (size_t i = 0; i < count; i++) {
    if (i + kPrefetchDistance < count) {
      LoadItem const& ahead = *lane.order[i + kPrefetchDistance];
      table_of(ahead).table().prefetch_bucket(ahead.hash);
    }
    LoadItem const& item = *lane.order[i];
    if (Status inserted = insert_item(table_of(item), item, scratch); !inserted) return inserted;
  }
  return {};
}

Status Inserters::insert_item(KeyTable& table, LoadItem const& item, std::string& scratch) const {
  ByteReader in(item.value);
  if (item.type != RdbType::kString) return insert_collection(table, item, in);
  RdbStringValue const value = read_string_value(in, scratch);
  if (!in.ok()) return fail("Bad data format in the value of key '" + std::string(item.key) + "'");
  RecordContent content{.key = item.key, .access = item.access};
  if (item.expire_ms != LoadItem::kNoExpiry) content.expire_ms = item.expire_ms;
  if (value.is_integer) {
    content.encoding = Encoding::kInt;
    content.integer = value.integer;
  } else if (value.text.size() <= kEmbstrBytesMax) {
    content.encoding = Encoding::kEmbstr;
    content.bytes = value.text;
  } else if (value.text.size() < kSharedBytesMin) {
    content.encoding = Encoding::kRaw;
    content.bytes = value.text;
  } else {
    content.encoding = Encoding::kShared;
    content.shared = SharedBuffer::copy_of(value.text).detach();
  }
  return put(table, item, content);
}

Status Inserters::insert_collection(KeyTable& table, LoadItem const& item, ByteReader& in) const {
  std::optional<DetachedValue> value = read_rdb_value(item.type, in, keyspace_.value_context());
  if (!in.ok() || !in.at_end()) return fail("Bad data format in the value of key '" + std::string(item.key) + "'");
  if (!value) return {};  // a collection without elements: Redis leaves it out as well
  RecordContent content{.key = item.key, .type = value->type, .encoding = value->encoding, .bytes = value->bytes,
                        .body = value->body.release(), .access = item.access};
  if (item.expire_ms != LoadItem::kNoExpiry) content.expire_ms = item.expire_ms;
  return put(table, item, content);
}

Status Inserters::put(KeyTable& table, LoadItem const& item, RecordContent const& content) const {
  size_t const before = table.size();
  table.put(item.hash, content);
  if (table.size() == before && !replace_) {
    return fail("RDB has duplicated key '" + std::string(item.key) + "' in DB " + to_text(item.db));
  }
  return {};
}

}  // namespace holdfast::snapshot
