#include "snapshot/dataset_loader.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "base/check.h"
#include "config/accident_warnings.h"
#include "snapshot/aof_location.h"
#include "snapshot/snapshot_file.h"

namespace holdfast::snapshot {

using config::Directive;

void DatasetLoader::begin() {
  progress_.clear();
  start_s_.store(now_s(), std::memory_order_relaxed);
  loading_.store(true, std::memory_order_release);
}

LoadOptions DatasetLoader::load_options(int inserters) const {
  return {.inserters = inserters, .check_crc = parts_.config.flag(Directive::kRdbchecksum)};
}

std::string DatasetLoader::rdb_path() const {
  return parts_.config.text(Directive::kDir) + "/" + parts_.config.text(Directive::kDbfilename);
}

void DatasetLoader::empty_dataset() {
  empty_keyspace(parts_.keyspace);
  if (parts_.functions) parts_.functions->clear();
}

void DatasetLoader::note_rdb_size() {
  if (auto const size = parts_.disk.file_size(rdb_path())) progress_.total_bytes.store(*size, std::memory_order_relaxed);
}

// ---- at the start ----

Result<Persistence::StartLoaded> DatasetLoader::load_at_start(Persistence::StartLoad const& start) {
  int64_t const start_us = mono_us();
  Persistence::StartLoaded loaded;
  loaded.from_append_only = parts_.config.flag(Directive::kAppendonly);
  Status const done = loaded.from_append_only ? load_append_only_file(start, loaded) : load_dump(start, loaded);
  loaded.keys = progress_.keys.load(std::memory_order_relaxed);
  loaded.expired = progress_.expired_keys.load(std::memory_order_relaxed);
  loaded.duration_us = mono_us() - start_us;
  if (done) return loaded;
  empty_dataset();
  return std::unexpected(done.error());
}

Status DatasetLoader::load_dump(Persistence::StartLoad const& start, Persistence::StartLoaded& loaded) {
  int64_t const start_us = mono_us();
  note_rdb_size();
  auto const rdb = load_rdb(load_parts(), rdb_path(), load_options(start.inserters));
  if (rdb) {
    parts_.logger.notice("DB loaded from disk: %.3f seconds", static_cast<double>(mono_us() - start_us) / 1e6);
    loaded.identity = rdb->identity;
    return {};
  }
  loaded.found_nothing = rdb.error().errnum == ENOENT;
  if (loaded.found_nothing) return {};
  parts_.logger.warning("The RDB file %s cannot be loaded", rdb_path().c_str());
  if (rdb.error().errnum != 0) {
    parts_.logger.warning("Fatal error loading the DB: %s. Exiting.", std::strerror(rdb.error().errnum));
  }
  return std::unexpected(rdb.error());
}

Status DatasetLoader::load_append_only_file(Persistence::StartLoad const& start, Persistence::StartLoaded& loaded) {
  CHECK(start.directory && start.replay);
  LoadOptions options = load_options(start.inserters);
  options.machine_up_since_ms = start.machine_up_since_ms;
  auto const aof = load_append_only(load_parts(), *start.directory, options,
                                    parts_.config.flag(Directive::kAofLoadTruncated), start.replay);
  if (!aof) return std::unexpected(aof.error());
  loaded.commands = aof->commands;
  loaded.found_nothing = aof->plan.total_bytes == 0;
  Status continued = continue_log(*aof, start);
  if (continued && start.resume && aof->stream_offset) {
    loaded.identity = StreamIdentity{.id = {}, .offset = *aof->stream_offset, .db = aof->db};
  }
  if (!continued) {
    parts_.logger.warning("Can't open the append-only file: %s", continued.error().message.c_str());
  }
  return continued;
}

Status DatasetLoader::continue_log(LoadedAof const& aof, Persistence::StartLoad const& start) {
  if (aof.stream_offset) parts_.log.restart_stream(*aof.stream_offset, start.following ? aof.db : 0);
  if (aof.plan.no_files()) {
    if (Status written = write_first_base(); !written) return written;
  }
  return parts_.log.start(aof.plan, start.resume && aof.stream_offset.has_value());
}

/// Redis begins an AOF with a base of the present (empty) data set.
Status DatasetLoader::write_first_base() {
  bool const rdb = parts_.config.flag(Directive::kAofUseRdbPreamble);
  auto file = SnapshotFile::create(
      parts_.disk, parts_.config.text(Directive::kDir) + "/temp-rewriteaof-bg.aof",
      {.form = rdb ? RecordForm::kRdb : RecordForm::kResp, .checksum = parts_.config.flag(Directive::kRdbchecksum)});
  if (!file) return std::unexpected(file.error());
  Status written = file->write_header({.unix_seconds = now_s(), .aof_base = true}, {});
  if (written) written = file->finish();
  if (written) {
    written = parts_.log.commit_base(file->path(), rdb ? log::BaseFormat::kRdb : log::BaseFormat::kResp, true);
  }
  if (!written) file->remove();
  return written;
}

// ---- while the server runs ----

Status DatasetLoader::reload_dump(Persistence::Reload const& reload) {
  if (!reload.keep) empty_dataset();
  LoadOptions options = load_options(1);
  options.replace = reload.replace;
  note_rdb_size();
  auto const loaded = load_rdb(load_parts(), rdb_path(), options);
  if (loaded) return {};
  empty_dataset();
  return std::unexpected(loaded.error());
}

Result<LoadedRdb> DatasetLoader::adopt_dump(std::string const& path) {
  empty_dataset();
  LoadOptions options = load_options(std::max(1, config::read_machine_facts().usable_cpus));
  options.keep_expired = true;
  if (auto const size = parts_.disk.file_size(path)) progress_.total_bytes.store(*size, std::memory_order_relaxed);
  auto loaded = load_rdb(load_parts(), path, options);
  if (!loaded) empty_dataset();
  return loaded;
}

Status DatasetLoader::reload_append_only(ReplayCommand const& replay) {
  CHECK(replay);
  // The files belong to the log, which goes on writing them; this looks at them by their names only. Nothing is cut off.
  log::AofDirectory directory(parts_.disk, parts_.logger, aof_location(parts_.config), true);
  empty_dataset();
  parts_.keyspace.attach_log(nullptr);  // what is replayed is in the log already
  LoadOptions options = load_options(1);
  options.machine_up_since_ms = INT64_MIN;  // long before
  auto const loaded = load_append_only(load_parts(), directory, options, false, replay);
  parts_.keyspace.attach_log(&parts_.log);
  if (loaded) return {};
  empty_dataset();
  return std::unexpected(loaded.error());
}

}  // namespace holdfast::snapshot
