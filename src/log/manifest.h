#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace holdfast::log {

// The manifest of a multi-part AOF (Redis 7): a text file with one line a file,
//
//   file appendonly.aof.1.base.rdb seq 1 type b
//   file appendonly.aof.1.incr.aof seq 1 type i
//
// base first, then history files (waiting to be deleted), then increments in ascending sequence. The state is base
// plus increments in list order. This file knows only the text and the names; aof_directory.h does the disk part.
//
// Holdfast puts a comment before it that Redis skips, and drops when it writes: `#CRC64:` and 16 hex digits, of the lines
// below. Without it a lost line is a lost file, and one bit makes an increment (i) history (h), which is deleted.

/// A manifest line with its LF may not be longer (Redis reads lines into a buffer of this size).
inline constexpr size_t kManifestLineBytesMax = 1024;

/// Begins the line with the checksum.
inline constexpr std::string_view kManifestChecksumMark = "#CRC64:";

/// One file of the manifest. `seq` counts bases and increments independently, from 1.
struct ManifestFile {
  std::string name;
  int64_t seq = 0;
  bool operator==(ManifestFile const&) const = default;
};

/// Why a manifest cannot be used. All of these end a start. `line` is 0 when the reason belongs to no line.
struct ManifestError {
  std::string reason;
  int line = 0;
  std::string line_text;

  /// The four (or two) log messages of this error, with the newlines Redis puts into them.
  std::vector<std::string> log_messages() const;
};

enum class BaseFormat : uint8_t { kRdb, kResp };

/// The parsed manifest: a value, copied before a change and replaced after the change is on disk.
struct Manifest {
  std::optional<ManifestFile> base;
  std::vector<ManifestFile> history;
  std::vector<ManifestFile> increments;

  /// Reads the text of a manifest file. Unknown key-value pairs and comment lines are skipped, any name is allowed. A checksum
  /// in the first line must be right.
  static std::expected<Manifest, ManifestError> parse(std::string_view text);
  /// The text of this manifest: checksum, base, history, increments.
  std::string format() const;

  bool empty() const { return !base && increments.empty(); }
  /// Highest sequence in use, 0 when there is none.
  int64_t base_seq() const { return base ? base->seq : 0; }
  int64_t increment_seq() const { return increments.empty() ? 0 : increments.back().seq; }

  /// The file that the next base or increment will be, for append file name `stem` (config appendfilename).
  ManifestFile next_base(std::string_view stem, BaseFormat format) const;
  ManifestFile next_increment(std::string_view stem) const;

  /// Makes `new_base` the base. The old base and all increments with a sequence below `first_live_increment` become
  /// history, the newest history first.
  void replace_base(ManifestFile new_base, int64_t first_live_increment);

  bool operator==(Manifest const&) const = default;
};

// Names inside the AOF directory for an append file name.
std::string manifest_name(std::string_view stem);
std::string temp_manifest_name(std::string_view stem);
/// The increment that is written while AOF is being switched on and no base exists yet.
std::string temp_increment_name(std::string_view stem);
/// The sidecar index of an increment. Never listed in the manifest.
std::string sidecar_name(std::string_view increment_name);

}  // namespace holdfast::log
