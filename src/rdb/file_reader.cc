#include "rdb/file_reader.h"

#include <algorithm>
#include <cinttypes>
#include <cstdio>
#include <cstring>
#include <utility>

#include "base/check.h"
#include "base/crc64.h"
#include "rdb/skip_value.h"

namespace holdfast {

class RdbBlock {
 public:
  explicit RdbBlock(size_t capacity) : data_(std::make_unique_for_overwrite<char[]>(capacity)), capacity_(capacity) {}

  char* data() { return data_.get(); }
  size_t size() const { return size_; }
  std::string_view bytes() const { return {data_.get(), size_}; }
  std::span<char> room() { return {data_.get() + size_, capacity_ - size_}; }
  void grow(size_t bytes) { size_ += bytes; }

  /// Keeps a key that does not stand in the file as it is. Texts that were kept before stay where they are, so other
  /// threads may read those meanwhile.
  std::string_view keep(std::string text) { return texts_.emplace_front(std::move(text)); }

 private:
  std::unique_ptr<char[]> data_;
  size_t capacity_;
  size_t size_ = 0;
  std::forward_list<std::string> texts_;
};

RdbFileReader::RdbFileReader(RdbSource& source, Options options) : source_(source), options_(options) {
  CHECK(options_.block_bytes > 0);
  block_ = std::make_shared<RdbBlock>(0);
  block_view_ = block_;
}

std::string_view RdbFileReader::item_bytes() const { return block_->bytes().substr(item_); }
std::string_view RdbFileReader::unread() const { return block_->bytes().substr(in_.offset()); }

RdbEvent RdbFileReader::next() {
  if (stopped_) return *stopped_;
  for (;;) {
    item_ = in_.offset();
    std::optional<RdbEvent> const event = version_ == 0 ? read_magic() : read_item();
    if (in_.ok()) [[likely]] {
      if (event) return *event;
      continue;
    }
    if (in_.fault() == RdbFault::kCorrupt) return stop_at_fault();
    if (!refill(item_)) return *stopped_;
  }
}

// ---- one item: an opcode with its data, or a key ----
// When the input runs short an item is read again from its start, so reading a part of it must leave no trace.

std::optional<RdbEvent> RdbFileReader::read_item() {
  uint8_t const first = in_.byte();
  if (is_rdb_value_type(first)) [[likely]]
    return read_entry(first);
  if (first < static_cast<uint8_t>(RdbOpcode::kSlotInfo)) {
    in_.corrupt();
    return std::nullopt;
  }
  return read_opcode(static_cast<RdbOpcode>(first));
}

RdbEvent RdbFileReader::read_entry(uint8_t type) {
  std::string_view const key = in_.string(key_scratch_);
  size_t const value_start = in_.offset();
  skip_value(static_cast<RdbType>(type), in_);
  if (!in_.ok()) return RdbEvent::kEntry;
  entry_.type = static_cast<RdbType>(type);
  bool const made = !key.empty() && key.data() == key_scratch_.data();
  entry_.key = made ? block_->keep(std::move(key_scratch_)) : key;
  if (made) key_scratch_.clear();
  entry_.value = in_.since(value_start);
  entry_.expire_ms = std::exchange(expire_ms_, std::nullopt);
  entry_.idle_seconds = std::exchange(idle_seconds_, std::nullopt);
  entry_.freq = std::exchange(freq_, std::nullopt);
  return RdbEvent::kEntry;
}

std::optional<RdbEvent> RdbFileReader::read_opcode(RdbOpcode opcode) {
  switch (opcode) {
    case RdbOpcode::kExpireTimeMs: {
      int64_t const unix_ms = in_.fixed64_signed();
      if (in_.ok()) expire_ms_ = unix_ms;
      return std::nullopt;
    }
    case RdbOpcode::kExpireTime: {
      int64_t const unix_seconds = in_.fixed32_signed();
      if (in_.ok()) expire_ms_ = unix_seconds * 1000;
      return std::nullopt;
    }
    case RdbOpcode::kIdle: {
      uint64_t const seconds = in_.length();
      if (in_.ok()) idle_seconds_ = seconds;
      return std::nullopt;
    }
    case RdbOpcode::kFreq: {
      uint8_t const counter = in_.byte();
      if (in_.ok()) freq_ = counter;
      return std::nullopt;
    }
    case RdbOpcode::kSelectDb: {
      uint64_t const db = in_.length();
      if (in_.ok()) entry_.db = db;
      return RdbEvent::kSelectDb;
    }
    case RdbOpcode::kResizeDb:
      keys_ = in_.length();
      expiring_keys_ = in_.length();
      return RdbEvent::kResizeDb;
    case RdbOpcode::kSlotInfo:
      slot_ = in_.length();
      keys_ = in_.length();
      expiring_keys_ = in_.length();
      return RdbEvent::kSlotInfo;
    case RdbOpcode::kAux:
      name_ = in_.string(key_scratch_);
      text_ = in_.string(key_scratch_);
      return RdbEvent::kAux;
    case RdbOpcode::kFunction2:
      text_ = in_.string(key_scratch_);
      return RdbEvent::kFunction;
    case RdbOpcode::kModuleAux:
      return read_module_aux();
    case RdbOpcode::kEof:
      return read_end();
    case RdbOpcode::kFunctionPreGa:
      break;
  }
  in_.corrupt();
  return std::nullopt;
}

RdbEvent RdbFileReader::read_module_aux() {
  module_id_ = in_.length();
  if (in_.length() != static_cast<uint64_t>(RdbModuleOpcode::kUnsigned)) in_.corrupt();
  uint64_t const when = in_.length();
  if (in_.ok() && when != 1 && when != 2) in_.corrupt();
  skip_module_data(in_);
  return RdbEvent::kModuleAux;
}

RdbEvent RdbFileReader::read_end() {
  size_t const covered = in_.offset();
  if (version_ >= kRdbVersionChecksum) {
    uint64_t const stored = in_.fixed64();
    if (!in_.ok()) return RdbEvent::kEnd;
    without_checksum_ = stored == 0;
    add_to_crc(covered);
    if (options_.check_crc && stored != 0 && stored != crc_) {
      char message[128];
      std::snprintf(message, sizeof message,
                    "Wrong RDB checksum expected: (%" PRIx64 ") but got (%" PRIx64 "). Aborting now.", stored, crc_);
      return stop(RdbError::Kind::kBadChecksum, message);
    }
  }
  stopped_ = RdbEvent::kEnd;
  return RdbEvent::kEnd;
}

std::optional<RdbEvent> RdbFileReader::read_magic() {
  constexpr size_t kMagicBytes = 9;
  static constexpr std::string_view kSignature = "REDIS";
  std::string_view const magic = in_.raw(kMagicBytes);
  if (!in_.ok()) return std::nullopt;
  if (!magic.starts_with(kSignature)) {
    return stop(RdbError::Kind::kBadSignature, "Wrong signature trying to load DB from file");
  }
  // Four digits, where Redis takes those up to something else: a damaged one would make it a version without checksum.
  int version = 0;
  for (char const c : magic.substr(kSignature.size())) {
    if (c < '0' || c > '9') {
      version = 0;
      break;
    }
    version = version * 10 + (c - '0');
  }
  if (version < 1 || version > kRdbVersionReadableMax) {
    return stop(RdbError::Kind::kBadVersion, "Can't handle RDB format version " + std::to_string(version));
  }
  version_ = version;
  return std::nullopt;
}

// ---- errors ----

RdbEvent RdbFileReader::stop(RdbError::Kind kind, std::string message) {
  error_.kind = kind;
  error_.message = std::move(message);
  error_.offset = item_offset();
  error_.fault_offset = offset();
  stopped_ = RdbEvent::kError;
  return RdbEvent::kError;
}

RdbEvent RdbFileReader::stop_at_fault() {
  return stop(RdbError::Kind::kCorrupt,
              "Bad data format in RDB file at offset " + std::to_string(item_offset()));
}

// ---- blocks ----

void RdbFileReader::add_to_crc(size_t until) {
  // Before the magic is read the version is not known, and there is nothing to add.
  if (options_.check_crc && version_ >= kRdbVersionChecksum) {
    crc_ = crc64(crc_, block_->bytes().substr(crc_until_, until - crc_until_));
  }
  crc_until_ = until;
}

bool RdbFileReader::refill(size_t item) {
  std::string_view const tail = block_->bytes().substr(item);
  uint64_t const missing = in_.missing_bytes();
  std::optional<uint64_t> const remaining = source_.remaining();
  auto const short_read = [&] {
    stop(RdbError::Kind::kShortRead, "Short read or OOM loading DB. Unrecoverable error, aborting now.");
    return false;
  };
  if (remaining && missing > *remaining) return short_read();

  // Doubling keeps the cost of reading an item again and again linear. A source of unknown length gets no more memory
  // for its claims than for its bytes.
  uint64_t wanted = std::max<uint64_t>(options_.block_bytes, tail.size());
  if (remaining) wanted = std::min(std::max(wanted, missing), *remaining);
  auto block = std::make_shared<RdbBlock>(tail.size() + wanted);
  std::memcpy(block->data(), tail.data(), tail.size());
  block->grow(tail.size());
  while (block->size() - tail.size() < missing && !block->room().empty()) {
    auto const got = source_.read(block->room());
    if (!got) {
      stop(RdbError::Kind::kIo, got.error().message);
      error_.errnum = got.error().errnum;
      return false;
    }
    if (*got == 0) return short_read();
    block->grow(*got);
  }

  add_to_crc(item);
  crc_until_ = 0;
  block_offset_ += item;
  item_ = 0;
  block_ = std::move(block);
  block_view_ = block_;
  in_ = ByteReader(block_->bytes());
  return true;
}

}  // namespace holdfast
