#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "structures/packed_entry.h"

namespace holdfast {

/// The names of a hash's fields in their order, kept once for all hashes that have the same. Such a hash is stored as
///
///   u16 number of the schema | values, in the order of the names, as packed entries              (Encoding::kSchema)
///
/// and takes the packed form again before a field comes or goes. A schema is made when the same names in the same order have
/// been seen a few times, and never goes away; so that strangers cannot fill the memory with them, there are no more than
/// kSchemasMax of them, of at most kNameBytesMax. Schemas belong to the process: records, frozen values and values on their way
/// refer to them by number.
///
/// Immutable: any thread may read one.
class HashSchema {
 public:
  static constexpr size_t kFieldsMax = 32;
  /// Of the names as packed entries.
  static constexpr size_t kNameBytesMax = 512;
  static constexpr size_t kSchemasMax = 16384;
  /// So often are names seen before they become a schema. A count is lost when too many other names are met meanwhile.
  static constexpr unsigned kSightings = 16;
  static constexpr size_t kNumberBytes = sizeof(uint16_t);

  HashSchema(uint16_t number, uint64_t hash, size_t size, std::string names)
      : number_(number), size_(static_cast<uint16_t>(size)), hash_(hash), names_(std::move(names)) {}

  /// That of a hash in this form.
  static HashSchema const& of(std::string_view form);

  uint16_t number() const { return number_; }
  /// Number of fields.
  size_t size() const { return size_; }
  /// The names as packed entries.
  std::string_view names() const { return names_; }
  uint64_t hash() const { return hash_; }
  std::optional<size_t> index_of(packed::Needle const& field) const;

 private:
  uint16_t number_;
  uint16_t size_;
  uint64_t hash_;  // of the names
  std::string names_;
};

/// Turns the packed list of a hash into the form of its schema. False, and nothing is changed: it has none (yet).
/// Any thread; what it shares with others is locked inside.
bool take_schema_form(std::string& bytes);
/// The packed list of a hash in the form of its schema.
std::string packed_form(std::string_view form);

/// The entries of the values.
inline std::string_view schema_values(std::string_view form) { return form.substr(HashSchema::kNumberBytes); }

}  // namespace holdfast
