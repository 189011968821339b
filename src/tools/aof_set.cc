#include "tools/aof_set.h"

#include <algorithm>
#include <filesystem>
#include <system_error>

#include "base/number.h"
#include "log/manifest.h"
#include "tools/regular_file.h"
#include "tools/text.h"

namespace holdfast::tools {
namespace {

constexpr std::string_view kManifestSuffix = ".manifest";
constexpr std::string_view kManifestBegin = "file ";
constexpr std::string_view kTemporaryBegin = "temp-";
/// A manifest larger than this is damage.
constexpr uint64_t kManifestBytesMax = 64ull * 1024 * 1024;

bool is_directory(std::string const& path) {
  std::error_code ignored;
  return std::filesystem::is_directory(path, ignored);
}

Result<std::vector<std::string>> manifests_in(Disk& disk, std::string const& directory) {
  auto names = disk.list(directory);
  if (!names) return names;
  std::erase_if(*names, [](std::string const& name) {
    return !name.ends_with(kManifestSuffix) || name.starts_with(kTemporaryBegin);
  });
  return names;
}

bool is_manifest(Disk& disk, std::string const& path) {
  if (path.ends_with(kManifestSuffix)) return true;
  auto file = disk.open_read(path);
  if (!file) return false;
  std::string begin(std::max(kManifestBegin.size(), log::kManifestChecksumMark.size()), '\0');
  auto const got = (*file)->pread(begin, 0);
  return got && (begin.starts_with(kManifestBegin) || begin.starts_with(log::kManifestChecksumMark));
}

std::string error_text(log::ManifestError const& error) {
  std::string text = printable(error.reason);
  if (error.line != 0) text += ", line " + to_text(error.line) + ": " + printable(error.line_text);
  return text;
}

/// Reads the manifest into the parts; false when it cannot be used.
bool read_manifest(Disk& disk, AofReport& report) {
  auto const text = read_file(disk, report.manifest_path, kManifestBytesMax);
  if (!text) {
    report.manifest_error = text.error().message;
    return false;
  }
  auto const manifest = log::Manifest::parse(*text);
  if (!manifest) {
    report.manifest_error = error_text(manifest.error());
    return false;
  }
  std::string const directory = directory_of(report.manifest_path);
  auto const add = [&](AofPartKind kind, std::string const& name) {
    report.parts.push_back({.kind = kind, .name = printable(name), .path = directory + "/" + name, .file = {}});
  };
  if (manifest->base) add(AofPartKind::kBase, manifest->base->name);
  for (log::ManifestFile const& file : manifest->increments) add(AofPartKind::kIncrement, file.name);
  for (log::ManifestFile const& file : manifest->history) report.history.push_back(printable(file.name));
  return true;
}

void mark_last(AofReport& report) {
  uint64_t bytes_after = 0;
  for (auto part = report.parts.rbegin(); part != report.parts.rend(); ++part) {
    bool const readable = part->file.verdict != AofVerdict::kUnreadable;
    part->is_last = bytes_after == 0;
    // What cannot be read may hold anything.
    bytes_after += readable ? part->file.size : 1;
  }
}

}  // namespace

std::string part_kind_name(AofPartKind kind) {
  switch (kind) {
    case AofPartKind::kSingle:
      return "single";
    case AofPartKind::kBase:
      return "base";
    case AofPartKind::kIncrement:
      return "incr";
  }
  return "single";
}

bool AofReport::ok() const {
  return manifest_error.empty() &&
         std::ranges::all_of(parts, [](AofPartReport const& part) { return part.skipped || part.file.ok(); });
}

Result<std::string> find_aof(Disk& disk, std::string const& target) {
  if (!is_directory(target)) return target;
  for (std::string const& directory : {target, target + "/appendonlydir"}) {
    if (!is_directory(directory)) continue;
    auto const manifests = manifests_in(disk, directory);
    if (!manifests) return std::unexpected(manifests.error());
    if (manifests->size() > 1) return fail("There are several manifests in " + directory + ": name one of them");
    if (manifests->size() == 1) return directory + "/" + manifests->front();
  }
  std::string single = target + "/appendonly.aof";
  auto const present = disk.exists(single);
  if (present && *present) return single;
  return fail("There is no manifest and no appendonly.aof in " + target);
}

AofReport check_aof(Disk& disk, std::string const& path, AofFileOptions const& options) {
  AofReport report;
  if (refuse_special_file(path) && is_manifest(disk, path)) {
    report.manifest_path = path;
    if (!read_manifest(disk, report)) return report;
  } else {
    report.parts.push_back({.kind = AofPartKind::kSingle, .name = printable(path), .path = path, .file = {}});
  }
  bool time_is_up = false;
  for (AofPartReport& part : report.parts) {
    if (time_is_up) {
      part.skipped = true;
      part.file.size = disk.file_size(part.path).value_or(0);
      continue;
    }
    part.file = check_aof_file(disk, part.path, options);
    time_is_up = part.file.cut_for_time.has_value();
  }
  mark_last(report);
  return report;
}

}  // namespace holdfast::tools
