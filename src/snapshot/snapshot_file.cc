#include "snapshot/snapshot_file.h"

#include "base/crc64.h"
#include "base/number.h"
#include "log/effect_buffer.h"
#include "log/manifest.h"
#include "rdb/writer.h"
#include "values/type_ops.h"

namespace holdfast::snapshot {
namespace {

/// The version that other tools are told: what the format and the field names are those of.
constexpr std::string_view kRedisVersion = "7.2.4";
/// The buffer of compressed values is given back when it is larger.
constexpr size_t kScratchBytesKept = 1024 * 1024;

}  // namespace

Result<SnapshotFile> SnapshotFile::create(Disk& disk, std::string path, Options const& options) {
  auto file = disk.create_truncate(path);
  if (!file) return std::unexpected(file.error());
  return SnapshotFile(disk, std::move(path), options, std::move(*file));
}

Status SnapshotFile::write(std::string_view bytes) {
  if (bytes.empty()) return {};
  if (options_.checksum && options_.form == RecordForm::kRdb) crc_ = crc64(crc_, bytes);
  if (Status written = file_->append(bytes); !written) return written;
  bytes_ += bytes.size();
  if (index_) index_->cover(bytes);
  if (options_.incremental_sync && bytes_ - written_back_ >= kWriteBackBytes) {
    // Only a hint: the sync at the end is what counts, and reports errors.
    static_cast<void>(file_->sync_range(written_back_, bytes_ - written_back_));
    written_back_ = bytes_;
  }
  turns_.pass();
  return {};
}

/// The file is as good without it.
void SnapshotFile::begin_index(int64_t now_ms) {
  if (auto index = log::SidecarWriter::create(*disk_, log::sidecar_name(path_), 0, 0, now_ms)) index_ = std::move(*index);
}

Status SnapshotFile::write_header(Header const& header, CutFacts const& facts) {
  std::string out;
  if (options_.form == RecordForm::kResp) {
    begin_index(header.unix_seconds * 1000);
    if (header.annotate) out = "#TS:" + to_text(header.unix_seconds) + "\r\n";
    if (header.functions) {
      for (std::string const& source : *header.functions) log::append_command(out, {"FUNCTION", "LOAD", source});
    }
    return write(out);
  }
  RdbWriter writer(out, options_.compress);
  writer.magic(facts.expiring_fields ? kRdbVersionFieldExpiry : kRdbVersion);
  writer.aux("redis-ver", kRedisVersion);
  writer.aux("redis-bits", int64_t{64});
  writer.aux("ctime", header.unix_seconds);
  writer.aux("used-mem", static_cast<int64_t>(header.used_memory_bytes));
  if (header.identity) {
    writer.aux("repl-stream-db", int64_t{header.identity->db});
    writer.aux("repl-id", header.identity->id);
    writer.aux("repl-offset", static_cast<int64_t>(header.identity->offset));
  }
  writer.aux("aof-base", int64_t{header.aof_base});
  if (header.functions) {
    for (std::string const& source : *header.functions) writer.function(source);
  }
  // Blocks come in any order, so the sizes of all databases come first.
  for (size_t db = 0; db < facts.databases.size(); db++) {
    if (facts.databases[db].keys == 0) continue;
    writer.select_db(db);
    writer.resize_db(facts.databases[db].keys, facts.databases[db].expiring_keys);
  }
  return write(out);
}

Status SnapshotFile::write_block(Block const& block) {
  std::string_view const bytes = block.bytes;
  size_t done = 0;
  for (Block::Detour const& detour : block.detours) {
    if (Status written = write(bytes.substr(done, detour.at - done)); !written) return written;
    if (Status written = write_detour(block, detour); !written) return written;
    done = detour.at + detour.length;
  }
  return write(bytes.substr(done));
}

Status SnapshotFile::write_detour(Block const& block, Block::Detour const& detour) {
  using Kind = Block::Detour::Kind;
  if (detour.kind == Kind::kShared) return write(detour.shared->view());
  if (detour.kind == Kind::kValue) return write_value(*detour.value, detour.key);
  std::string_view const text = detour.kind == Kind::kSharedCompress
                                    ? detour.shared->view()
                                    : std::string_view(block.bytes).substr(detour.at, detour.length);
  scratch_.clear();
  RdbWriter writer(scratch_, options_.compress);
  if (text.size() <= kCompressBytesMax) {
    writer.string(text);
    Status const written = write(scratch_);
    if (scratch_.capacity() > kScratchBytesKept) scratch_ = {};
    return written;
  }
  writer.length(text.size());
  if (Status written = write(scratch_); !written) return written;
  return write(text);
}

Status SnapshotFile::write_value(DetachedValue const& value, std::string_view key) {
  scratch_.clear();
  Status status;
  auto const done = [&] {
    status = write(scratch_);
    scratch_.clear();
    return status.has_value();
  };
  TypeOps const& ops = ops_of(value.type);
  if (options_.form == RecordForm::kRdb) {
    RdbWriter writer(scratch_, options_.compress);
    ops.write_rdb(value.view(), writer, done);
  } else {
    ops.write_commands(key, value.view(), scratch_, done);
  }
  if (status) status = write(scratch_);
  if (scratch_.capacity() > kScratchBytesKept) scratch_ = {};
  return status;
}

Status SnapshotFile::finish() {
  if (options_.form == RecordForm::kRdb) {
    std::string end;
    RdbWriter(end).eof(options_.checksum ? std::optional(crc_) : std::nullopt);
    failed_step_ = "rdbSaveRio";
    if (Status written = file_->append(end); !written) return written;
    bytes_ += end.size();
  }
  if (index_) {
    // It says only what is so: nothing, when it cannot be written.
    static_cast<void>(index_->advance(0, bytes_, 0, true));
    index_.reset();
  }
  failed_step_ = "fsync";
  if (options_.transient) return file_->close();
  if (Status synced = file_->sync(); !synced) return synced;
  failed_step_ = "fclose";
  return file_->close();
}

void SnapshotFile::remove() {
  file_.reset();
  // Nothing can be done about a file that will not go; its name is used again by the next snapshot.
  static_cast<void>(disk_->unlink(path_));
  if (options_.form == RecordForm::kResp) static_cast<void>(disk_->unlink(log::sidecar_name(path_)));
}

}  // namespace holdfast::snapshot
