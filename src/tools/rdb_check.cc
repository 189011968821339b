#include "tools/rdb_check.h"

#include <algorithm>

#include "base/hash.h"
#include "base/number.h"
#include "rdb/file_reader.h"
#include "rdb/skip_value.h"
#include "tools/regular_file.h"
#include "tools/text.h"
#include "values/type_ops.h"

namespace holdfast::tools {
namespace {

std::string name_of_type(RdbType type) {
  if (type == RdbType::kModule2 || type == RdbType::kModulePreGa) return std::string(type_name(ValueType::kModule));
  auto const value_type = value_type_of(type);
  return value_type ? std::string(type_name(*value_type)) : std::string();
}

std::string_view kind_name(RdbError::Kind kind) {
  switch (kind) {
    case RdbError::Kind::kIo:
      return "io";
    case RdbError::Kind::kShortRead:
      return "truncated";
    case RdbError::Kind::kCorrupt:
      return "corrupt";
    case RdbError::Kind::kBadSignature:
      return "signature";
    case RdbError::Kind::kBadVersion:
      return "version";
    case RdbError::Kind::kBadChecksum:
      return "checksum";
  }
  return "corrupt";
}

std::string_view reading_of(RdbOpcode opcode) {
  switch (opcode) {
    case RdbOpcode::kSlotInfo:
      return "the sizes of a slot";
    case RdbOpcode::kFunction2:
      return "a function library";
    case RdbOpcode::kFunctionPreGa:
      return "a function library in the form of Redis 7.0 release candidates";
    case RdbOpcode::kModuleAux:
      return "data of a module";
    case RdbOpcode::kIdle:
      return "an idle time";
    case RdbOpcode::kFreq:
      return "an access frequency";
    case RdbOpcode::kAux:
      return "an AUX field";
    case RdbOpcode::kResizeDb:
      return "the sizes of a database";
    case RdbOpcode::kExpireTimeMs:
    case RdbOpcode::kExpireTime:
      return "an expire time";
    case RdbOpcode::kSelectDb:
      return "a database number";
    case RdbOpcode::kEof:
      return "the checksum at the end";
  }
  return "an opcode";
}

/// `NAME` of `#!lua name=NAME`.
std::string_view library_name(std::string_view source) {
  constexpr std::string_view kName = "name=";
  std::string_view const line = source.substr(0, source.find('\n'));
  size_t const at = line.find(kName);
  if (!line.starts_with("#!") || at == line.npos) return {};
  std::string_view const name = line.substr(at + kName.size());
  return name.substr(0, name.find_first_of(" \t\r"));
}

class RdbCheck {
 public:
  RdbCheck(RdbFileSource& source, RdbCheckOptions const& options) : options_(options), reader_(source) {
    report_.file_bytes = source.remaining().value_or(0);
  }

  RdbReport run() {
    while (!done_) on_event(reader_.next());
    report_.version = reader_.version();
    std::ranges::sort(report_.biggest, is_bigger);
    return std::move(report_);
  }

 private:
  void on_event(RdbEvent event) {
    switch (event) {
      case RdbEvent::kEntry:
        return on_entry();
      case RdbEvent::kAux:
        return on_aux();
      case RdbEvent::kSelectDb:
        return on_database();
      case RdbEvent::kFunction:
        return on_function();
      case RdbEvent::kModuleAux:
        report_.module_aux++;
        return;
      case RdbEvent::kResizeDb:
      case RdbEvent::kSlotInfo:
        return;
      case RdbEvent::kEnd:
        return on_end();
      case RdbEvent::kError:
        return on_error();
    }
  }

  // ---- keys ----

  void on_entry() {
    RdbEntry const& entry = reader_.entry();
    std::optional<ValueType> const type = value_type_of(entry.type);
    uint64_t elements = 0;
    if (type) {
      ByteReader in(entry.value);
      MaybeValue const value = read_rdb_value(entry.type, in, context_);
      if (!in.ok() || !in.at_end()) return on_bad_value();
      if (!value) {
        report_.empty_keys++;
        return;
      }
      elements = *type == ValueType::kString ? 1 : ops_of(*type).length(value->view());
    }
    count(entry, type.value_or(ValueType::kModule), elements);
  }

  void count(RdbEntry const& entry, ValueType type, uint64_t elements) {
    uint64_t const bytes = reader_.offset() - reader_.item_offset();
    RdbTypeStats& stats = report_.types[static_cast<size_t>(type)];
    stats.keys++;
    stats.bytes += bytes;
    stats.elements += elements;
    count_key(report_.total, entry);
    if (RdbDatabaseStats* const database = database_of(entry.db)) count_key(*database, entry);
    keep_if_big(entry, bytes, elements);
  }

  void count_key(RdbDatabaseStats& stats, RdbEntry const& entry) const {
    stats.keys++;
    if (!entry.expire_ms) return;
    stats.expires++;
    if (*entry.expire_ms < options_.now_unix_ms) stats.expired++;
  }

  /// Nothing when there are too many to list.
  RdbDatabaseStats* database_of(uint64_t db) {
    auto const found = report_.databases.find(db);
    if (found != report_.databases.end()) return &found->second;
    if (report_.databases.size() < kListedDatabasesMax) return &report_.databases[db];
    unlisted_databases_ = true;
    return nullptr;
  }

  static bool is_bigger(RdbBigKey const& a, RdbBigKey const& b) {
    return a.bytes != b.bytes ? a.bytes > b.bytes : a.offset < b.offset;
  }

  /// `biggest` is a heap with the smallest on top.
  void keep_if_big(RdbEntry const& entry, uint64_t bytes, uint64_t elements) {
    size_t const top = std::min(options_.top, kTopKeysMax);
    std::vector<RdbBigKey>& kept = report_.biggest;
    if (top == 0 || (kept.size() == top && bytes <= kept.front().bytes)) return;
    if (kept.size() == top) {
      std::ranges::pop_heap(kept, is_bigger);
      kept.pop_back();
    }
    kept.push_back({bytes, entry.db, elements, reader_.item_offset(), name_of_type(entry.type), printable(entry.key)});
    std::ranges::push_heap(kept, is_bigger);
  }

  // ---- the rest ----

  void on_aux() {
    if (report_.aux.size() == kListedAuxFieldsMax) {
      unlisted_aux_ = true;
      return;
    }
    report_.aux.push_back({printable(reader_.aux_name()), printable(reader_.aux_value()), reader_.offset()});
  }

  void on_database() { static_cast<void>(database_of(reader_.db())); }

  void on_function() {
    report_.functions++;
    std::string_view const name = library_name(reader_.function_source());
    if (name.empty()) bad_libraries_++;
    if (report_.function_names.size() < kListedFunctionsMax) report_.function_names.push_back(printable(name));
  }

  void on_end() {
    done_ = true;
    report_.rdb_bytes = reader_.offset();
    report_.checksum = reader_.version() < kRdbVersionChecksum ? "none"
                       : reader_.without_checksum()            ? "disabled"
                                                               : "ok";
    warn_if(report_.checksum == "disabled", "the file was saved with checksum disabled: no check performed");
    warn_if(report_.empty_keys != 0, counted(report_.empty_keys, "key") + " without elements: loading leaves them out");
    uint64_t const module_keys = report_.types[static_cast<size_t>(ValueType::kModule)].keys;
    warn_if(module_keys != 0 || report_.module_aux != 0,
            "data of modules (" + counted(module_keys, "key") + "): Holdfast cannot load this file");
    warn_if(bad_libraries_ != 0,
            counted(bad_libraries_, "function library").append(" without a name in its first line"));
    warn_if(unlisted_databases_, "more databases than are listed");
    warn_if(unlisted_aux_, "more AUX fields than are listed");
    uint64_t const rest = report_.file_bytes - std::min(report_.file_bytes, report_.rdb_bytes);
    warn_if(rest != 0 && !options_.expect_tail,
            counted(rest, "byte") + " behind the end of the RDB were not looked at");
  }

  void warn_if(bool condition, std::string warning) {
    if (condition) report_.warnings.push_back(std::move(warning));
  }

  // ---- damage ----

  void on_bad_value() {
    done_ = true;
    RdbEntry const& entry = reader_.entry();
    RdbDamage& damage = report_.damage.emplace();
    damage.kind = "value";
    damage.message = "The value of key '" + printable(entry.key) + "' is not a sound " + name_of_type(entry.type);
    damage.offset = reader_.item_offset();
    damage.fault_offset = reader_.offset();
    damage.reading = "the contents of a value";
    damage.key = printable(entry.key);
    damage.db = entry.db;
    damage.rdb_type = static_cast<uint8_t>(entry.type);
    damage.type = name_of_type(entry.type);
  }

  void on_error() {
    done_ = true;
    RdbError const& error = reader_.error();
    RdbDamage& damage = report_.damage.emplace();
    damage.kind = kind_name(error.kind);
    damage.message = error.message;
    damage.offset = error.offset;
    damage.fault_offset = error.fault_offset;
    // These are the words of a start, which is given up.
    constexpr std::string_view kGivenUp = " Aborting now.";
    if (damage.message.ends_with(kGivenUp)) damage.message.resize(damage.message.size() - kGivenUp.size());
    if (error.kind == RdbError::Kind::kShortRead) damage.message = "Unexpected EOF reading RDB file";
    if (reader_.version() == 0) {
      damage.reading = "the signature and version";
    } else {
      describe_item(damage);
    }
  }

  /// What the bytes where reading stopped were to become.
  void describe_item(RdbDamage& damage) const {
    ByteReader in(reader_.item_bytes());
    if (in.at_end()) {
      damage.reading = "a type or opcode";
      return;
    }
    uint8_t const first = in.byte();
    if (!is_rdb_value_type(first)) {
      bool const opcode = first >= static_cast<uint8_t>(RdbOpcode::kSlotInfo);
      damage.reading = opcode ? reading_of(static_cast<RdbOpcode>(first)) : "a type or opcode";
      if (!opcode) damage.rdb_type = first;
      return;
    }
    damage.db = reader_.db();
    damage.rdb_type = first;
    damage.type = name_of_type(static_cast<RdbType>(first));
    std::string scratch;
    std::string_view const key = in.string(scratch);
    damage.reading = in.ok() ? "the value of a key" : "a key";
    if (in.ok()) damage.key = printable(key);
  }

  RdbCheckOptions const& options_;
  RdbFileReader reader_;
  RdbReport report_;
  KeyHasher hasher_;
  ValueLimits limits_;
  ValueContext context_{hasher_, limits_};
  uint64_t bad_libraries_ = 0;
  bool unlisted_databases_ = false;
  bool unlisted_aux_ = false;
  bool done_ = false;
};

RdbReport unreadable(Error const& error) {
  RdbReport report;
  report.damage =
      RdbDamage{.kind = "io", .message = printable(error.message, error.message.size()), .reading = "the file"};
  return report;
}

}  // namespace

RdbReport check_rdb(Disk& disk, std::string const& path, RdbCheckOptions const& options) {
  if (Status usable = refuse_special_file(path); !usable) return unreadable(usable.error());
  auto file = disk.open_read(path);
  if (!file) return unreadable(file.error());
  auto source = RdbFileSource::open(**file);
  if (!source) return unreadable(source.error());
  return RdbCheck(*source, options).run();
}

}  // namespace holdfast::tools
