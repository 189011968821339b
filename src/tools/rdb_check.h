#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "disk/disk.h"
#include "values/value_type.h"

namespace holdfast::tools {

/// Bounds of what a report keeps, so that its size does not follow the file's claims.
inline constexpr size_t kTopKeysMax = 10'000;
inline constexpr size_t kListedDatabasesMax = 1024;
inline constexpr size_t kListedAuxFieldsMax = 64;
inline constexpr size_t kListedFunctionsMax = 1024;

/// Why a file is not sound, and what was being read.
struct RdbDamage {
  /// "io", "truncated", "corrupt", "signature", "version", "checksum" or "value".
  std::string kind;
  std::string message;
  /// Where the item began, and where in it reading stopped (for values: the end of the value).
  uint64_t offset = 0;
  uint64_t fault_offset = 0;
  /// E.g. "the value of a key".
  std::string reading;
  /// When a key was being read. The key is printable text.
  std::optional<std::string> key;
  std::optional<uint64_t> db;
  /// The type byte, and the name of the type ("list") when it has one.
  std::optional<uint8_t> rdb_type;
  std::string type;
};

struct RdbTypeStats {
  uint64_t keys = 0;
  /// Type byte, key and value as they stand in the file.
  uint64_t bytes = 0;
  /// Elements, fields, members, entries; a string is one.
  uint64_t elements = 0;
};

struct RdbBigKey {
  uint64_t bytes = 0;
  uint64_t db = 0;
  uint64_t elements = 0;
  uint64_t offset = 0;
  std::string type;
  /// Printable, cut.
  std::string key;
};

struct RdbDatabaseStats {
  uint64_t keys = 0;
  uint64_t expires = 0;
  uint64_t expired = 0;
};

/// What was found in an RDB file, up to the damage if there is any. Texts of the file are printable texts.
struct RdbReport {
  struct Aux {
    std::string name;
    std::string value;
    uint64_t end = 0;
  };

  bool ok() const { return !damage; }

  std::optional<RdbDamage> damage;
  int version = 0;
  uint64_t file_bytes = 0;
  /// Bytes of the RDB, checksum included; what follows in the file is not part of it.
  uint64_t rdb_bytes = 0;
  /// "ok", "none" (files before version 5), "disabled" (the writer had it switched off); "" when damage came first.
  std::string checksum;
  std::vector<Aux> aux;
  std::map<uint64_t, RdbDatabaseStats> databases;
  RdbDatabaseStats total;
  /// By ValueType.
  std::array<RdbTypeStats, 7> types;
  /// The biggest first.
  std::vector<RdbBigKey> biggest;
  uint64_t functions = 0;
  std::vector<std::string> function_names;
  /// Collections without elements, which loading leaves out.
  uint64_t empty_keys = 0;
  uint64_t module_aux = 0;
  /// What is not damage but should be known.
  std::vector<std::string> warnings;
};

struct RdbCheckOptions {
  /// The time by which keys are expired already.
  int64_t now_unix_ms = 0;
  /// How many of the biggest keys are kept.
  size_t top = 0;
  /// The RDB is the first part of an AOF: bytes behind it are nothing special.
  bool expect_tail = false;
};

/// Reads the RDB at the beginning of the file: frame, checksum, and every value as loading it would. Memory: a block of
/// the file and one value at a time.
RdbReport check_rdb(Disk& disk, std::string const& path, RdbCheckOptions const& options);

}  // namespace holdfast::tools
