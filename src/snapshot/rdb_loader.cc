#include <algorithm>
#include <cerrno>
#include <cinttypes>
#include <cstdlib>
#include <cstring>

#include "base/number.h"
#include "rdb/file_reader.h"
#include "snapshot/inserter.h"
#include "snapshot/loader.h"
#include "values/type_ops.h"

namespace holdfast::snapshot {
namespace {

constexpr uint64_t kClockMask = 0xFFFFFF;
/// Bytes of the shortest entry: type, key of one byte, empty value.
constexpr uint64_t kEntryBytesMin = 4;
/// Databases with fewer keys just grow.
constexpr uint64_t kExpectedKeysMin = 100'000;
constexpr size_t kReplicationIdDigits = 40;

class RdbLoad {
 public:
  RdbLoad(LoadParts const& parts, LoadOptions const& options, RdbFileSource& source)
      : parts_(parts),
        options_(options),
        reader_(source, {.check_crc = options.check_crc}),
        file_bytes_(source.remaining().value_or(0)),
        inserters_(parts.keyspace, options.inserters, options.replace),
        now_ms_(parts.clock.unix_ms()),
        base_bytes_(parts.progress.loaded_bytes.load(std::memory_order_relaxed)),
        lfu_(parts.keyspace.access().lfu.load(std::memory_order_relaxed)),
        clock_s_(static_cast<uint64_t>(parts.clock.unix_us() / 1'000'000)) {}

  Result<LoadedRdb> run() {
    Status read = read_all();
    Status const inserted = inserters_.finish();
    // Where both failed, the reader stopped because of the inserters.
    if (!inserted) {
      parts_.logger.warning("%s", inserted.error().message.c_str());
      return std::unexpected(inserted.error());
    }
    if (!read) return std::unexpected(read.error());
    note_progress();
    loaded_.bytes = reader_.offset();
    if (identity_.id.size() == kReplicationIdDigits && has_offset_) loaded_.identity = identity_;
    for (uint32_t i = 0; i < parts_.keyspace.partition_count(); i++) {
      for (int db = 0; db < parts_.keyspace.databases(); db++)
        parts_.keyspace.publish_counters(parts_.keyspace.partition(i), db);
    }
    parts_.logger.notice("Done loading RDB, keys loaded: %" PRIu64 ", keys expired: %" PRIu64 ".", loaded_.keys,
                         loaded_.expired);
    return loaded_;
  }

 private:
  Status read_all() {
    while (!inserters_.failed()) {
      switch (reader_.next()) {
        case RdbEvent::kEntry:
          if (Status entry = on_entry(); !entry) return entry;
          break;
        case RdbEvent::kAux:
          on_aux();
          break;
        case RdbEvent::kSelectDb:
          if (reader_.db() >= static_cast<uint64_t>(parts_.keyspace.databases())) return refuse_db();
          break;
        case RdbEvent::kResizeDb:
          on_resize();
          break;
        case RdbEvent::kSlotInfo:
          break;  // as kResizeDb
        case RdbEvent::kFunction:
          if (!parts_.functions) return refuse("The RDB file contains a function library, and there are no functions here");
          if (Status loaded = parts_.functions->load(reader_.function_source()); !loaded) {
            return refuse("Failed creating the library: " + loaded.error().message);
          }
          break;
        case RdbEvent::kModuleAux:
          return refuse("The RDB file contains AUX module data I can't load: there are no modules");
        case RdbEvent::kError:
          return on_error();
        case RdbEvent::kEnd:
          if (options_.check_crc && reader_.without_checksum()) {
            parts_.logger.warning("RDB file was saved with checksum disabled: no check performed.");
          }
          return {};
      }
    }
    return {};
  }

  Status on_entry() {
    RdbEntry const& entry = reader_.entry();
    if (!value_type_of(entry.type)) [[unlikely]] {
      bool const module = entry.type == RdbType::kModule2 || entry.type == RdbType::kModulePreGa;
      return refuse("Cannot load the " + std::string(module ? "module" : "unknown") + " at key '" + std::string(entry.key) +
                    "' in DB " + to_text_unsigned(entry.db) + ": values of RDB type " +
                    to_text(static_cast<int>(entry.type)) + " are not supported yet");
    }
    if (reader_.offset() >= next_note_) note_progress();
    // Who goes on with a history deletes what has expired in it as well, so that replicas of it do the same.
    bool const keep = options_.keep_expired || has_offset_;
    if (entry.expire_ms && !keep && *entry.expire_ms < now_ms_) {
      loaded_.expired++;
      return {};
    }
    loaded_.keys++;
    inserters_.add({.hash = parts_.keyspace.hash(entry.key),
                    .key = entry.key,
                    .value = entry.value,
                    .expire_ms = entry.expire_ms.value_or(LoadItem::kNoExpiry),
                    .access = access_of(entry),
                    .db = static_cast<int>(entry.db),
                    .type = entry.type},
                   reader_.block());
    return {};
  }

  void on_resize() {
    // Room is made for no more keys than the file can hold, whatever it says.
    uint64_t const keys = std::min(reader_.keys(), file_bytes_ / kEntryBytesMin);
    if (keys >= kExpectedKeysMin) inserters_.expect(static_cast<int>(reader_.db()), keys);
  }

  uint32_t access_of(RdbEntry const& entry) const {
    if (lfu_) {
      if (!entry.freq) return parts_.keyspace.initial_access();
      return static_cast<uint32_t>((clock_s_ / 60 & 0xFFFF) << 8 | *entry.freq);
    }
    if (!entry.idle_seconds) return parts_.keyspace.initial_access();
    uint64_t const now = clock_s_ & kClockMask;
    uint64_t const idle = *entry.idle_seconds & kClockMask;
    return static_cast<uint32_t>(now >= idle ? now - idle : now + kClockMask - idle);
  }

  void on_aux() {
    std::string const& name = reader_.aux_name();
    std::string const& value = reader_.aux_value();
    Logger& logger = parts_.logger;
    if (name.starts_with('%')) {
      logger.notice("RDB '%s': %s", name.c_str(), value.c_str());
    } else if (name == "redis-ver" || name == "valkey-ver") {
      logger.notice("Loading RDB produced by version %s", value.c_str());
    } else if (name == "ctime") {
      int64_t const age = static_cast<int64_t>(clock_s_) - std::strtoll(value.c_str(), nullptr, 10);
      logger.notice("RDB age %" PRId64 " seconds", std::max<int64_t>(age, 0));
    } else if (name == "used-mem") {
      double const bytes = static_cast<double>(std::strtoll(value.c_str(), nullptr, 10));
      logger.notice("RDB memory usage when created %.2f Mb", bytes / (1024 * 1024));
    } else if (name == "aof-base") {
      if (value == "1") logger.notice("RDB is base AOF");
    } else if (name == "aof-preamble") {
      if (value == "1") logger.notice("RDB has an AOF tail");
    } else if (name == "repl-id") {
      identity_.id = value;
    } else if (name == "repl-offset") {
      auto const offset = parse_int64(value);
      has_offset_ = offset && *offset >= 0;
      if (has_offset_) identity_.offset = static_cast<uint64_t>(*offset);
    } else if (name == "repl-stream-db") {
      auto const db = parse_int64(value);
      if (db && *db > 0 && *db < parts_.keyspace.databases()) identity_.db = static_cast<int>(*db);
    } else {
      // Redis says nothing about redis-bits, and logs unknown fields at level debug.
      logger.debug("RDB field '%s': %s", name.c_str(), value.c_str());
    }
  }

  Status on_error() {
    RdbError const& error = reader_.error();
    parts_.logger.warning("%s", error.message.c_str());
    if (error.kind == RdbError::Kind::kShortRead) {
      parts_.logger.warning("Internal error in RDB reading offset %" PRIu64 " -> Unexpected EOF reading RDB file",
                            error.offset);
    } else if (error.kind == RdbError::Kind::kBadChecksum) {
      parts_.logger.warning("Internal error in RDB reading offset %" PRIu64 " -> RDB CRC error", error.offset);
    }
    bool const unusable = error.kind == RdbError::Kind::kBadSignature || error.kind == RdbError::Kind::kBadVersion;
    return fail(error.message, unusable ? EINVAL : error.errnum);
  }

  Status refuse(std::string message) {
    parts_.logger.warning("%s", message.c_str());
    return fail(std::move(message));
  }

  Status refuse_db() {
    return refuse("FATAL: Data file was created with a Redis server configured to handle more than " +
                  to_text(parts_.keyspace.databases()) + " databases. Exiting\n");
  }

  void note_progress() {
    LoadProgress& progress = parts_.progress;
    progress.keys.fetch_add(loaded_.keys - noted_.keys, std::memory_order_relaxed);
    progress.expired_keys.fetch_add(loaded_.expired - noted_.expired, std::memory_order_relaxed);
    noted_ = loaded_;
    next_note_ = reader_.offset() + LoadProgress::kStepBytes;
    progress.reach(base_bytes_ + reader_.offset(), parts_.clock, parts_.logger);
  }

  LoadParts const& parts_;
  LoadOptions const& options_;
  RdbFileReader reader_;
  uint64_t file_bytes_;
  Inserters inserters_;
  int64_t now_ms_;
  uint64_t base_bytes_;
  bool lfu_;
  uint64_t clock_s_;
  LoadedRdb loaded_;
  LoadedRdb noted_;
  StreamIdentity identity_;
  bool has_offset_ = false;
  uint64_t next_note_ = 0;  // offset in the file
};

}  // namespace

Result<LoadedRdb> load_rdb(LoadParts const& parts, std::string const& path, LoadOptions const& options) {
  auto file = parts.disk.open_read(path);
  if (!file) return std::unexpected(file.error());
  auto source = RdbFileSource::open(**file);
  if (!source) return std::unexpected(source.error());
  return RdbLoad(parts, options, *source).run();
}

void empty_keyspace(Keyspace& keyspace) {
  for (uint32_t i = 0; i < keyspace.partition_count(); i++) {
    Partition& partition = keyspace.partition(i);
    for (size_t db = 0; db < partition.tables.size(); db++) {
      if (!partition.tables[db]) continue;
      keyspace.lazy_free().push(std::move(partition.tables[db]));
      keyspace.publish_counters(partition, static_cast<int>(db));
    }
  }
}

}  // namespace holdfast::snapshot
