#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "disk/disk.h"
#include "tools/at_risk.h"
#include "tools/rdb_check.h"

namespace holdfast::tools {

/// Names that are counted one by one; others are counted together as kOtherCommands.
inline constexpr size_t kListedCommandsMax = 512;
inline constexpr size_t kCommandNameBytesMax = 64;
inline constexpr char kOtherCommands[] = "(other)";

enum class AofVerdict : uint8_t {
  kOk,
  kEmpty,      ///< no byte: sound as well
  kTruncated,  ///< the tail is torn: the file ends inside a command or an open MULTI
  kCorrupt,    ///< bytes that were not written so
  kUnreadable  ///< missing, no regular file, or the system refused to read
};
/// "ok", "empty", "truncated", "corrupt", "unreadable".
std::string verdict_name(AofVerdict verdict);

struct CommandStats {
  uint64_t count = 0;
  uint64_t bytes = 0;
};

/// What the sidecar index of a file says about it.
struct IndexReport {
  /// The header is sound; else the index counts as not there.
  bool sound = false;
  uint64_t entries = 0;
  /// Bytes of the index behind its sound entries.
  uint64_t unsound_bytes = 0;
  /// The file holds what was written, up to here.
  uint64_t verified_up_to = 0;
  /// The first range with other bytes than were written; equal when there is none.
  uint64_t bad_begin = 0;
  uint64_t bad_end = 0;
  /// It speaks of bytes behind the end of the file.
  bool file_is_shorter = false;
};

struct AofProblem {
  std::string message;
  uint64_t offset = 0;
  /// In the RDB at the beginning of the file: nothing can be cut off there.
  bool in_rdb = false;
};

/// What was found in one file. Texts of the file are printable texts.
struct AofFileReport {
  bool ok() const { return verdict == AofVerdict::kOk || verdict == AofVerdict::kEmpty; }

  AofVerdict verdict = AofVerdict::kOk;
  std::optional<AofProblem> problem;
  uint64_t size = 0;
  /// The end of the last complete command outside of an open MULTI before the problem, or of the RDB.
  uint64_t sound_up_to = 0;
  /// The sound part was written until then, unix seconds; by an annotation or, if that is later, by the index.
  std::optional<int64_t> sound_until_s;
  std::optional<int64_t> first_time_s;
  /// Read before the problem, apart from those in an open MULTI. Where only the index sees damage some of them lie
  /// behind it.
  uint64_t commands = 0;
  uint64_t command_bytes = 0;
  std::map<std::string, CommandStats, std::less<>> by_name;
  /// Of the RDB at the beginning, if there is one.
  std::optional<RdbReport> rdb;
  std::optional<IndexReport> index;
  /// When there is a problem behind the RDB.
  std::optional<AtRisk> at_risk;
  /// Asked for with until_unix_s: where to cut off what is later; nothing when nothing is.
  std::optional<uint64_t> cut_for_time;
};

struct AofFileOptions {
  int64_t now_unix_ms = 0;
  /// Looks no further than the first annotation that is later, unix seconds.
  std::optional<int64_t> until_unix_s;
};

/// Reads one file of an AOF to its end: an RDB at the beginning, commands, annotations, and the index beside it.
/// Memory: a block of the file and one command or value at a time.
AofFileReport check_aof_file(Disk& disk, std::string const& path, AofFileOptions const& options);

}  // namespace holdfast::tools
