#include "keyspace/record.h"

#include <cstring>

#include "base/check.h"
#include "base/number.h"
#include "memory/slab.h"

namespace holdfast {
namespace {

constexpr size_t kHeadBytes = 5;
constexpr size_t kExpiryBytes = 6;
constexpr size_t kWideExpiryBytes = 8;
constexpr uint8_t kWideLength = 0xFE;  // a u32 length follows
constexpr size_t kShortLengthMax = kWideLength - 1;

size_t length_field_bytes(size_t length) { return length <= kShortLengthMax ? 1 : 5; }

template <class T>
T load(void const* at) {
  T value;
  std::memcpy(&value, at, sizeof value);
  return value;
}

template <class T>
void store(void* at, T value) {
  std::memcpy(at, &value, sizeof value);
}

/// True for what 48 bits do not hold.
bool is_wide_expiry(int64_t expire_ms) {
  return static_cast<int64_t>(static_cast<uint64_t>(expire_ms) << 16) >> 16 != expire_ms;
}

}  // namespace

size_t Record::bytes_for(RecordContent const& content, bool with_capacity) {
  size_t bytes = kHeadBytes + (content.key.size() <= 255 ? 1 : 4) + content.key.size();
  if (content.expire_ms) bytes += is_wide_expiry(*content.expire_ms) ? kWideExpiryBytes : kExpiryBytes;
  if (with_capacity) bytes += sizeof(uint32_t);
  bytes += is_inline(content.encoding) ? length_field_bytes(content.bytes.size()) + content.bytes.size() : 8;
  return bytes;
}

Record* Record::write(void* block, RecordContent const& content, uint32_t capacity) {
  auto* at = static_cast<uint8_t*>(block);
  bool long_key = content.key.size() > 255;
  bool wide_expiry = content.expire_ms && is_wide_expiry(*content.expire_ms);
  at[0] = static_cast<uint8_t>(static_cast<uint8_t>(content.type) | (static_cast<uint8_t>(content.encoding) << 4));
  at[1] = static_cast<uint8_t>((content.expire_ms ? kHasExpiry : 0) | (capacity ? kHasCapacity : 0) | (long_key ? kLongKey : 0) |
                               (wide_expiry ? kWideExpiry : 0));
  auto* record = reinterpret_cast<Record*>(at);
  record->set_access(content.access);
  at += kHeadBytes;
  if (long_key) {
    store(at, static_cast<uint32_t>(content.key.size()));
    at += 4;
  } else {
    *at++ = static_cast<uint8_t>(content.key.size());
  }
  if (content.expire_ms) {
    auto expire = static_cast<uint64_t>(*content.expire_ms);
    size_t bytes = wide_expiry ? kWideExpiryBytes : kExpiryBytes;
    std::memcpy(at, &expire, bytes);
    at += bytes;
  }
  if (capacity) {
    store(at, capacity);
    at += 4;
  }
  std::memcpy(at, content.key.data(), content.key.size());
  at += content.key.size();
  switch (content.encoding) {
    case Encoding::kInt: store(at, content.integer); break;
    case Encoding::kShared: store(at, content.shared); break;
    case Encoding::kBody: store(at, content.body); break;
    case Encoding::kEmbstr:
    case Encoding::kRaw:
    case Encoding::kPacked:
    case Encoding::kSchema:
    case Encoding::kIntset: {
      size_t length = content.bytes.size();
      if (length <= kShortLengthMax) {
        *at++ = static_cast<uint8_t>(length);
      } else {
        *at++ = kWideLength;
        store(at, static_cast<uint32_t>(length));
        at += 4;
      }
      if (length) std::memcpy(at, content.bytes.data(), length);
      break;
    }
  }
  return record;
}

size_t Record::expiry_offset() const { return kHeadBytes + (head()[1] & kLongKey ? 4 : 1); }

size_t Record::expiry_bytes() const {
  if (!has_expiry()) return 0;
  return head()[1] & kWideExpiry ? kWideExpiryBytes : kExpiryBytes;
}

int64_t Record::expire_ms() const {
  DCHECK(has_expiry());
  uint8_t const* at = head() + expiry_offset();
  if (head()[1] & kWideExpiry) return load<int64_t>(at);
  uint64_t expire = 0;
  std::memcpy(&expire, at, kExpiryBytes);
  return static_cast<int64_t>(expire << 16) >> 16;
}

bool Record::can_hold_expiry(int64_t expire_ms) const {
  return has_expiry() && (head()[1] & kWideExpiry || !is_wide_expiry(expire_ms));
}

void Record::set_expire_ms(int64_t expire_ms) {
  DCHECK(can_hold_expiry(expire_ms));
  auto expire = static_cast<uint64_t>(expire_ms);
  std::memcpy(head() + expiry_offset(), &expire, expiry_bytes());
}

size_t Record::key_offset() const { return expiry_offset() + expiry_bytes() + (head()[1] & kHasCapacity ? 4 : 0); }

std::string_view Record::key() const {
  size_t length = head()[1] & kLongKey ? load<uint32_t>(head() + kHeadBytes) : head()[kHeadBytes];
  return {reinterpret_cast<char const*>(head()) + key_offset(), length};
}

uint8_t const* Record::value() const {
  std::string_view k = key();
  return reinterpret_cast<uint8_t const*>(k.data()) + k.size();
}

std::string_view Record::inline_bytes() const {
  DCHECK(is_inline(encoding()));
  uint8_t const* at = value();
  if (*at != kWideLength) return {reinterpret_cast<char const*>(at) + 1, *at};
  return {reinterpret_cast<char const*>(at) + 5, load<uint32_t>(at + 1)};
}

size_t Record::inline_room(size_t block_bytes) const {
  uint8_t const* at = value();
  size_t before = static_cast<size_t>(at - head()) + (*at == kWideLength ? 5 : 1);
  size_t room = block_bytes - before;
  return *at == kWideLength ? room : (room < kShortLengthMax ? room : kShortLengthMax);
}

void Record::set_inline_length(size_t length) {
  uint8_t* at = value();
  if (*at != kWideLength) {
    DCHECK(length <= kShortLengthMax);
    *at = static_cast<uint8_t>(length);
  } else {
    store(at + 1, static_cast<uint32_t>(length));
  }
}

int64_t Record::integer() const {
  DCHECK(encoding() == Encoding::kInt);
  return load<int64_t>(value());
}
void Record::set_integer(int64_t number) {
  DCHECK(encoding() == Encoding::kInt);
  store(value(), number);
}
SharedBuffer* Record::shared() const {
  DCHECK(encoding() == Encoding::kShared);
  return load<SharedBuffer*>(value());
}
void Record::set_shared(SharedBuffer* buffer) {
  DCHECK(encoding() == Encoding::kShared);
  store(value(), buffer);
}

std::string_view Record::text(IntegerText& scratch) const {
  switch (encoding()) {
    case Encoding::kInt: return {scratch.bytes, format_int64(scratch.bytes, integer())};
    case Encoding::kShared: return shared()->view();
    default: break;
  }
  DCHECK(type() == ValueType::kString);
  return inline_bytes();
}

Body* Record::body() const {
  DCHECK(encoding() == Encoding::kBody);
  return load<Body*>(value());
}

ValueView Record::view() const {
  ValueView view{.type = type(), .encoding = encoding()};
  switch (encoding()) {
    case Encoding::kInt: view.integer = integer(); break;
    case Encoding::kShared: view.shared = shared(); break;
    case Encoding::kBody: view.body = body(); break;
    default: view.bytes = inline_bytes();
  }
  return view;
}

size_t Record::text_length() const {
  IntegerText scratch;
  return text(scratch).size();
}

size_t Record::content_bytes() const {
  uint8_t const* at = value();
  size_t before = static_cast<size_t>(at - head());
  if (!is_inline(encoding())) return before + 8;
  return before + (*at == kWideLength ? 5 : 1) + inline_bytes().size();
}

size_t Record::block_bytes() const {
  if (head()[1] & kHasCapacity) {
    return load<uint32_t>(head() + expiry_offset() + expiry_bytes());
  }
  return content_bytes();
}

}  // namespace holdfast
