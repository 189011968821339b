#include "log/aof_directory.h"

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace holdfast::log {
namespace {

/// A manifest larger than this is damage; a line is at most 1 KiB and there are few files.
constexpr uint64_t kManifestBytesMax = 64ull * 1024 * 1024;

std::unexpected<FatalStart> fatal(std::string message) { return std::unexpected(FatalStart{{std::move(message)}}); }

/// `<stem>.<digits>.base.*` and `<stem>.<digits>.incr.*`, but no index.
bool is_part_name(std::string_view name, std::string_view stem) {
  if (!name.starts_with(stem) || name.ends_with(sidecar_name(""))) return false;
  name.remove_prefix(stem.size());
  if (!name.starts_with('.')) return false;
  name.remove_prefix(1);
  size_t const digits = std::min(name.find_first_not_of("0123456789"), name.size());
  name.remove_prefix(digits);
  return digits > 0 && (name.starts_with(".base.") || name.starts_with(".incr."));
}

}  // namespace

AofDirectory::AofDirectory(Disk& disk, Logger& logger, AofLocation location, bool keep_history)
    : disk_(disk), logger_(logger), location_(std::move(location)), keep_history_(keep_history) {}

std::expected<void, FatalStart> AofDirectory::load() {
  manifest_ = {};
  std::string const manifest_path = path(manifest_name(location_.stem));
  auto const present = disk_.exists(manifest_path);
  if (present && !*present) return {};
  auto const text = read_file(disk_, manifest_path, kManifestBytesMax);
  if (!text) {
    return fatal("Fatal error: can't open the AOF manifest file " + manifest_name(location_.stem) +
                 " for reading: " + std::strerror(text.error().errnum));
  }
  auto parsed = Manifest::parse(*text);
  if (!parsed) return std::unexpected(FatalStart{parsed.error().log_messages()});
  manifest_ = std::move(*parsed);
  return {};
}

/// The manifest already names the old file as base, but the file has not been moved.
bool AofDirectory::is_interrupted_migration() const {
  if (!manifest_.base || !manifest_.increments.empty() || !manifest_.history.empty()) return false;
  if (manifest_.base->name != location_.stem) return false;
  auto const moved = disk_.exists(path(location_.stem));
  return moved && !*moved;
}

std::expected<bool, FatalStart> AofDirectory::migrate_single_file() {
  std::string const old_path = location_.data_dir + "/" + location_.stem;
  auto const present = disk_.exists(old_path);
  if (!present || !*present) return false;
  // With appenddirname equal to appendfilename the name is that of the directory itself.
  if (location_.stem == location_.append_dir_name) return false;
  if (!manifest_.empty() && !is_interrupted_migration()) return false;

  if (Status made = ensure_directory(); !made) {
    return fatal("Can't open or create append-only dir " + location_.append_dir_name + ": " +
                 std::strerror(made.error().errnum));
  }
  Manifest migrated;
  migrated.base = ManifestFile{location_.stem, 1};
  migrated.history = manifest_.history;
  Status done = persist(std::move(migrated));
  if (done) done = disk_.rename(old_path, path(location_.stem));
  if (done) done = disk_.sync_directory(directory());
  if (!done) {
    return fatal("Error trying to migrate the old-style AOF file " + location_.stem + " into the AOF directory " +
                 location_.append_dir_name + ": " + done.error().message);
  }
  logger_.notice("Successfully migrated an old-style AOF file (%s) into the AOF directory (%s).",
                 location_.stem.c_str(), location_.append_dir_name.c_str());
  return true;
}

std::expected<void, FatalStart> AofDirectory::refuse_without_manifest() {
  auto const interrupted = disk_.exists(first_mark());
  if (!manifest_.empty()) {
    if (interrupted && *interrupted) end_first();
    return {};
  }
  if (interrupted && *interrupted) return {};
  auto const names = disk_.list(directory());
  if (!names) return {};  // there is no directory; another error is met by who writes there
  for (std::string const& name : *names) {
    if (!is_part_name(name, location_.stem)) continue;
    auto const bytes = disk_.file_size(path(name));
    if (bytes && *bytes == 0) continue;
    return std::unexpected(FatalStart{
        {"The append only directory " + directory() + " has files of an AOF (" + name + "), but no manifest that names them: " +
             manifest_name(location_.stem) + " is missing. A start would write over them",
         "Put the manifest back, or move the files away to start without them"}});
  }
  return {};
}

Status AofDirectory::begin_first() {
  auto const mark = disk_.create_truncate(first_mark());
  if (!mark) return std::unexpected(mark.error());
  return disk_.sync_directory(directory());
}

void AofDirectory::end_first() { static_cast<void>(disk_.unlink(first_mark())); }

Status AofDirectory::ensure_directory() {
  Status made = disk_.make_directory(directory());
  if (made) return disk_.sync_directory(location_.data_dir);
  if (made.error().errnum == EEXIST) return {};
  return made;
}

Status AofDirectory::persist(Manifest changed) {
  if (Status names = disk_.sync_directory(directory()); !names) return names;
  Status written = write_file_durably(disk_, path(manifest_name(location_.stem)),
                                      path(temp_manifest_name(location_.stem)), changed.format());
  if (!written) return written;
  manifest_ = std::move(changed);
  return {};
}

Status AofDirectory::delete_history() {
  if (keep_history_ || manifest_.history.empty()) return {};
  for (ManifestFile const& file : manifest_.history) {
    logger_.notice("Removing the history file %s in the background", file.name.c_str());
    if (Status gone = disk_.unlink(path(file.name)); !gone && gone.error().errnum != ENOENT) {
      logger_.warning("Failed to remove the history file %s: %s", file.name.c_str(),
                      std::strerror(gone.error().errnum));
    }
    // Files of Redis and RDB bases have no index.
    static_cast<void>(disk_.unlink(path(sidecar_name(file.name))));
  }
  Manifest changed = manifest_;
  changed.history.clear();
  return persist(std::move(changed));
}

}  // namespace holdfast::log
