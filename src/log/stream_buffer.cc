#include "log/stream_buffer.h"

#include <algorithm>
#include <cstring>

#include "base/check.h"
#include "base/number.h"
#include "log/effect_buffer.h"
#include "log/reader.h"

namespace holdfast::log {
namespace {

/// "*2 $6 SELECT $10 <db>" and "#TS:<seconds>" and MULTI, each at its longest.
constexpr size_t kPrefixBytesMax = 96;

/// `SELECT <db>` in a small place on the stack.
class SelectText {
 public:
  explicit SelectText(int db) {
    char digits[kInt64TextBytesMax];
    size_t const digit_count = format_int64(digits, db);
    add("*2\r\n$6\r\nSELECT\r\n$");
    size_ += format_uint64(text_ + size_, digit_count);
    add("\r\n");
    add({digits, digit_count});
    add("\r\n");
  }
  std::string_view view() const { return {text_, size_}; }

 private:
  void add(std::string_view part) {
    std::memcpy(text_ + size_, part.data(), part.size());
    size_ += part.size();
  }
  char text_[kPrefixBytesMax];
  size_t size_ = 0;
};

/// The effects with a SELECT at every change of database, without one for the first.
void append_body(Chunk& chunk, std::span<Effect const> effects, bool transaction) {
  int db = effects.front().db;
  for (Effect const& effect : effects) {
    if (effect.db != db) chunk.append(SelectText(effect.db).view());
    db = effect.db;
    chunk.append(effect.resp);
  }
  if (transaction) chunk.append(kExecCommand);
}

}  // namespace

/// What is known of a unit without the mutex.
struct StreamBuffer::UnitShape {
  UnitShape(std::span<Effect const> effects, int64_t annotation_seconds) : annotation_s(annotation_seconds) {
    CHECK(!effects.empty());
    first_db = last_db = effects.front().db;
    uint64_t command_count = 0;
    for (Effect const& effect : effects) {
      if (effect.db != last_db) body_bytes += SelectText(effect.db).view().size();
      last_db = effect.db;
      body_bytes += effect.resp.size();
      command_count += effect.command_count;
    }
    transaction = command_count > 1;
    if (transaction) body_bytes += kExecCommand.size();
  }

  int64_t annotation_s;
  int first_db = 0;
  int last_db = 0;
  size_t body_bytes = 0;
  bool transaction = false;
};

Chunk Chunk::allocate(size_t capacity) {
  return {.bytes = std::make_unique_for_overwrite<char[]>(capacity), .size = 0, .capacity = capacity};
}

void Chunk::append(std::string_view text) {
  DCHECK(capacity - size >= text.size());
  std::memcpy(bytes.get() + size, text.data(), text.size());
  size += text.size();
}

StreamBuffer::Appended StreamBuffer::append_unit(std::span<Effect const> effects, int64_t annotation_s) {
  UnitShape const shape(effects, annotation_s);
  Chunk own_chunk;
  if (shape.body_bytes >= kOwnChunkBytesMin) {
    // The slack takes the prefix of the next unit, so that a row of large units needs no small chunks between.
    own_chunk = Chunk::allocate(shape.body_bytes + kPrefixBytesMax);
    append_body(own_chunk, effects, shape.transaction);
  }
  Appended appended{};
  while (!try_append(effects, shape, own_chunk, appended)) {
    Chunk fresh = Chunk::allocate(kChunkBytes);
    MutexLock lock(mutex_);
    spare_.push_back(std::move(fresh));
  }
  return appended;
}

/// False when a spare chunk is needed and there is none.
bool StreamBuffer::try_append(std::span<Effect const> effects, UnitShape const& shape, Chunk& own_chunk,
                              Appended& appended) {
  MutexLock lock(mutex_);
  if (!open_) {
    appended = {end_offset_, false};
    return true;
  }
  if (verbatim_) [[unlikely]] {
    verbatim_ = verbatim_file_begins_ = false;
    last_db_ = -1;
  }
  bool const own = own_chunk.capacity > 0;
  Chunk* chunk = room_for(kPrefixBytesMax + (own ? 0 : shape.body_bytes));
  if (!chunk) return false;

  // Annotations come before SELECT and MULTI, at most once a second, and are no part of the stream.
  size_t const size_before = chunk->size;
  if (shape.annotation_s > last_annotation_s_) {
    char digits[kInt64TextBytesMax];
    chunk->append("#TS:");
    chunk->append({digits, format_int64(digits, shape.annotation_s)});
    chunk->append("\r\n");
    last_annotation_s_ = shape.annotation_s;
  }
  size_t const annotation_bytes = chunk->size - size_before;

  write_prefix(*chunk, shape);
  if (!own) append_body(*chunk, effects, shape.transaction);
  uint64_t file_bytes = chunk->size - size_before;
  if (own) {
    file_bytes += own_chunk.size;
    batches_.back().chunks.push_back(std::move(own_chunk));
  }
  last_db_ = shape.last_db;
  end_offset_ += file_bytes - annotation_bytes;
  bool const wake = note_appended(file_bytes);
  appended = {end_offset_, wake};
  return true;
}

StreamBuffer::Appended StreamBuffer::append_verbatim(std::string_view bytes, int db) { return append_whole(bytes, db); }

StreamBuffer::Appended StreamBuffer::append_control(std::string_view bytes) { return append_whole(bytes, std::nullopt); }

/// `db`: of another server's stream, selected behind the bytes. Without it they are our own.
StreamBuffer::Appended StreamBuffer::append_whole(std::string_view bytes, std::optional<int> db) {
  bool const own = bytes.size() >= kOwnChunkBytesMin;
  size_t const needed = bytes.size() + kPrefixBytesMax;
  Appended appended{};
  while (!try_append_whole(bytes, db, appended)) {
    Chunk fresh = Chunk::allocate(own ? needed : kChunkBytes);
    MutexLock lock(mutex_);
    (own ? batches_.back().chunks : spare_).push_back(std::move(fresh));
  }
  return appended;
}

/// False when a chunk with enough room is needed and there is none.
bool StreamBuffer::try_append_whole(std::string_view bytes, std::optional<int> db, Appended& appended) {
  MutexLock lock(mutex_);
  if (!open_ || (verbatim_ && !db)) {
    appended = {end_offset_, false};
    return true;
  }
  Chunk* chunk = room_for(bytes.size() + kPrefixBytesMax);
  if (!chunk) return false;
  size_t file_bytes = bytes.size();
  if (verbatim_file_begins_ && last_db_ > 0) {
    SelectText const select(last_db_);
    chunk->append(kFileOnlyAnnotation);
    chunk->append(select.view());
    file_bytes += kFileOnlyAnnotation.size() + select.view().size();
  }
  chunk->append(bytes);
  if (db) {
    verbatim_ = true;
    verbatim_file_begins_ = false;
    last_db_ = *db;
  }
  end_offset_ += bytes.size();
  bool const wake = note_appended(file_bytes);
  appended = {end_offset_, wake};
  return true;
}

uint64_t StreamBuffer::forget_database() {
  MutexLock lock(mutex_);
  if (!verbatim_) last_db_ = -1;
  return end_offset_;
}

int StreamBuffer::selected_database() {
  MutexLock lock(mutex_);
  return std::max(last_db_, 0);
}

/// MULTI and SELECT as far as the unit needs them.
void StreamBuffer::write_prefix(Chunk& chunk, UnitShape const& shape) {
  if (shape.transaction) chunk.append(kMultiCommand);
  if (shape.first_db != last_db_) chunk.append(SelectText(shape.first_db).view());
}

/// The chunk that takes the next `bytes`, or null when one must be allocated first.
Chunk* StreamBuffer::room_for(size_t bytes) {
  std::vector<Chunk>& chunks = batches_.back().chunks;
  if (!chunks.empty() && chunks.back().capacity - chunks.back().size >= bytes) return &chunks.back();
  if (spare_.empty() || bytes > kChunkBytes) return nullptr;
  chunks.push_back(std::move(spare_.back()));
  spare_.pop_back();
  return &chunks.back();
}

/// Accounts for `file_bytes` at the end of the open batch. True when the writer wants to be woken; asks once only.
bool StreamBuffer::note_appended(uint64_t file_bytes) {
  Batch& batch = batches_.back();
  batch.file_bytes += file_bytes;
  batch.end_offset = end_offset_;
  published_end_.store(end_offset_, std::memory_order_release);
  uint64_t const pending = pending_bytes_.fetch_add(file_bytes, std::memory_order_relaxed) + file_bytes;
  if (batch.file_bytes >= kBatchBytesMax) batches_.emplace_back();
  bool const wake =
      wake_for_ == WakeFor::kAnyAppend || (wake_for_ == WakeFor::kLargePending && pending >= kGatherBytesMax);
  if (wake) wake_for_ = WakeFor::kNothing;
  return wake;
}

uint64_t StreamBuffer::end_file(bool open) {
  MutexLock lock(mutex_);
  batches_.back().ends_file = true;
  batches_.back().end_offset = end_offset_;
  batches_.emplace_back();
  verbatim_file_begins_ = verbatim_;
  if (!verbatim_) last_db_ = -1;
  open_ = open;
  return end_offset_;
}

void StreamBuffer::restart(uint64_t offset, int db) {
  MutexLock lock(mutex_);
  CHECK(!open_ && batches_.size() == 1 && batches_.back().file_bytes == 0);
  end_offset_ = offset;
  verbatim_ = db > 0;
  last_db_ = db > 0 ? db : -1;
  published_end_.store(offset, std::memory_order_release);
}

bool StreamBuffer::take(Batch& batch, WakeFor wake_for) {
  MutexLock lock(mutex_);
  Batch& oldest = batches_.front();
  if (oldest.file_bytes == 0 && !oldest.ends_file) {
    wake_for_ = wake_for;
    return false;
  }
  wake_for_ = WakeFor::kNothing;
  batch = std::move(oldest);
  batches_.pop_front();
  if (batches_.empty()) batches_.emplace_back();
  return true;
}

bool StreamBuffer::take_within_file(Batch& batch) {
  MutexLock lock(mutex_);
  Batch& oldest = batches_.front();
  if (oldest.file_bytes == 0 || oldest.ends_file) return false;
  batch = std::move(oldest);
  batches_.pop_front();
  if (batches_.empty()) batches_.emplace_back();
  return true;
}

bool StreamBuffer::gather(WakeFor wake_for) {
  MutexLock lock(mutex_);
  wake_for_ = wake_for;
  return batches_.size() > 1 || pending_bytes_.load(std::memory_order_relaxed) >= kGatherBytesMax;
}

void StreamBuffer::give_back(Batch batch) {
  pending_bytes_.fetch_sub(batch.file_bytes, std::memory_order_relaxed);
  // Chunks that are not kept are freed after the mutex is released, by the caller's batch.
  MutexLock lock(mutex_);
  for (Chunk& chunk : batch.chunks) {
    if (spare_.size() >= kSpareChunksMax) break;
    if (chunk.capacity != kChunkBytes) continue;
    chunk.size = 0;
    spare_.push_back(std::move(chunk));
  }
}

}  // namespace holdfast::log
