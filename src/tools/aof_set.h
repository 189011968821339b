#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "disk/disk.h"
#include "tools/aof_check.h"

namespace holdfast::tools {

enum class AofPartKind : uint8_t { kSingle, kBase, kIncrement };
/// "single", "base", "incr".
std::string part_kind_name(AofPartKind kind);

struct AofPartReport {
  AofPartKind kind = AofPartKind::kSingle;
  std::string name;
  std::string path;
  /// No later file has a byte: the only file from which a start, or a repair, may cut anything off.
  bool is_last = false;
  /// Asked for with until_unix_s: a file before ends where time is up, this one was not read.
  bool skipped = false;
  AofFileReport file;
};

/// What was found in all files of an AOF.
struct AofReport {
  bool ok() const;

  /// The manifest; "" for a single file.
  std::string manifest_path;
  /// Why the manifest cannot be used; then there are no parts.
  std::string manifest_error;
  /// In the order of loading.
  std::vector<AofPartReport> parts;
  /// Named by the manifest as waiting to be deleted: neither loaded nor checked.
  std::vector<std::string> history;
};

/// The file to begin with: `target` itself, or when it is a directory the one manifest in it or in its appendonlydir,
/// or else its appendonly.aof.
Result<std::string> find_aof(Disk& disk, std::string const& target);

/// Checks the single AOF, or all that the manifest names: a file is a manifest when its name or its first bytes say so.
AofReport check_aof(Disk& disk, std::string const& path, AofFileOptions const& options);

}  // namespace holdfast::tools
