#include "admin/dataset_digest.h"

#include "base/strings.h"
#include "values/hash_value.h"
#include "values/type_ops.h"

namespace holdfast {
namespace {

std::string_view view(Sha1Digest const& digest) { return {reinterpret_cast<char const*>(digest.data()), digest.size()}; }

void exclusive_or(Sha1Digest& into, Sha1Digest const& other) {
  for (size_t i = 0; i < into.size(); i++) into[i] = static_cast<uint8_t>(into[i] ^ other[i]);
}

bool expiring_field(Record const& record, std::string_view field) {
  if (record.encoding() != Encoding::kBody || record.body()->expiring_elements() == 0) return false;
  std::optional<HashValue> const value = HashReader(record.view()).find(field);
  return value && value->expire_ms;
}

/// Goes on with `digest`: that of a key's name, or an empty one.
void add_value(Digest& digest, Record const& record) {
  digest.mix(static_cast<uint32_t>(record.type()));
  ops_of(record.type()).for_digest(record.view(), [&](std::string_view first, std::string_view second) {
    switch (record.type()) {
      case ValueType::kSet:
        digest.add(first);
        break;
      case ValueType::kHash:
      case ValueType::kZset: {
        Digest element;
        element.mix(first);
        element.mix(second);
        if (expiring_field(record, first)) element.add("!!hexpire!!");
        digest.add(element);
        break;
      }
      default:
        digest.mix(first);
    }
  });
  if (record.has_expiry()) digest.add("!!expire!!");
}

}  // namespace

void Digest::add(std::string_view bytes) { exclusive_or(bytes_, sha1(bytes)); }
void Digest::add(Digest const& other) { add(view(other.bytes_)); }
void Digest::merge(Digest const& other) { exclusive_or(bytes_, other.bytes_); }

void Digest::mix(std::string_view bytes) {
  add(bytes);
  bytes_ = sha1(view(bytes_));
}

void Digest::mix(uint32_t number) {
  char const bytes[] = {static_cast<char>(number >> 24), static_cast<char>(number >> 16), static_cast<char>(number >> 8),
                        static_cast<char>(number)};
  mix(std::string_view(bytes, sizeof bytes));
}

std::string Digest::hex() const { return to_hex(view(bytes_)); }

Digest digest_of_value(Record const& record) {
  Digest digest;
  add_value(digest, record);
  return digest;
}

void DatasetDigest::add(int db, Record const& record) {
  Digest digest;
  digest.mix(record.key());
  add_value(digest, record);
  databases_[db].add(digest);
}

Digest DatasetDigest::result() const {
  Digest result;
  for (auto const& [db, keys] : databases_) {
    result.mix(static_cast<uint32_t>(db));
    result.merge(keys);
  }
  return result;
}

}  // namespace holdfast
