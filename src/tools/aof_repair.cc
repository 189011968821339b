#include "tools/aof_repair.h"

#include <cerrno>
#include <filesystem>
#include <memory>
#include <system_error>

#include "base/number.h"
#include "log/manifest.h"
#include "log/recovery.h"
#include "log/sidecar_index.h"

namespace holdfast::tools {
namespace {

Status mend_index(Disk& disk, AofCut const& cut, int64_t now_unix_ms) {
  std::string const& path = cut.part->path;
  std::string const index_path = log::sidecar_name(path);
  auto const present = disk.exists(index_path);
  if (!present) return std::unexpected(present.error());
  if (!*present) return {};

  log::AofPart const part{
      .name = cut.part->name, .path = path, .size = cut.keep_bytes, .is_base = false, .is_last = true};
  auto const stream = log::written_stream(disk, part);
  if (!stream) return disk.unlink(index_path);
  auto const writer = log::SidecarWriter::reopen(disk, index_path, path, stream->end, cut.keep_bytes, now_unix_ms);
  if (!writer) return std::unexpected(writer.error());
  return {};
}

/// Keeps servers away from the folder of the file, by the lock that Holdfast holds while it writes there
/// (server/data_lock); null where no such server has ever been. Fails while there is one.
Result<std::unique_ptr<DiskLock>> hold_folder(Disk& disk, std::string const& path) {
  std::error_code failed;
  auto const folder = std::filesystem::canonical(directory_of(path), failed);
  if (failed) return nullptr;
  std::string const lock_file = lock_path(folder.parent_path().string(), folder.filename().string());
  auto const present = disk.exists(lock_file);
  if (!present || !*present) return nullptr;
  auto lock = disk.lock(lock_file);
  if (!lock && lock.error().errnum == EWOULDBLOCK)
    return fail("a server writes this folder: end it first", EWOULDBLOCK);
  return lock;
}

}  // namespace

std::expected<std::optional<AofCut>, std::string> plan_fix(AofReport const& report) {
  if (!report.manifest_error.empty()) return std::unexpected("The manifest cannot be used: nothing can be fixed");
  std::optional<AofCut> cut;
  for (AofPartReport const& part : report.parts) {
    if (part.file.ok()) continue;
    if (part.file.verdict == AofVerdict::kUnreadable)
      return std::unexpected("Cannot fix AOF " + part.name + ": it cannot be read");
    if (part.file.problem->in_rdb) {
      return std::unexpected("Cannot fix AOF " + part.name + ": its RDB part is damaged, nothing can be cut off there");
    }
    if (!part.is_last)
      return std::unexpected("Failed to truncate AOF " + part.name + " because it is not the last file");
    cut = AofCut{&part, part.file.sound_up_to};
  }
  return cut;
}

std::expected<std::optional<AofCut>, std::string> plan_time_cut(AofReport const& report, int64_t until_unix_s) {
  for (AofPartReport const& part : report.parts) {
    if (!part.file.cut_for_time) continue;
    uint64_t const keep = *part.file.cut_for_time;
    std::string const time = to_text(until_unix_s);
    if (!part.is_last) {
      return std::unexpected("Failed to truncate AOF " + part.name + " to timestamp " + time + " to offset " +
                             to_text_unsigned(keep) +
                             " because it is not the last file.\nIf you insist, delete the files after it, "
                             "and the lines of the manifest that name them, and run this again.");
    }
    if (keep == 0) {
      return std::unexpected("AOF " + part.name + " has nothing before timestamp " + time + ", aborting...");
    }
    return AofCut{&part, keep};
  }
  return std::nullopt;
}

Status apply_cut(Disk& disk, AofCut const& cut, int64_t now_unix_ms) {
  auto const lock = hold_folder(disk, cut.part->path);
  if (!lock) return std::unexpected(lock.error());
  if (Status done = truncate_durably(disk, cut.part->path, cut.keep_bytes); !done) return done;
  return mend_index(disk, cut, now_unix_ms);
}

}  // namespace holdfast::tools
