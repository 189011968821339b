#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "log/aof_directory.h"
#include "log/reader.h"
#include "log/sidecar_index.h"

namespace holdfast::log {

/// One file of a start, in the order of loading. A file of size 0 is skipped.
struct AofPart {
  std::string name;
  std::string path;
  uint64_t size = 0;
  bool is_base = false;
  /// No later file has a byte: the only file whose tail may be truncated. (Redis goes by the manifest alone, so there
  /// a torn tail is fatal when power fails right after the next increment was created.)
  bool is_last = false;
};

/// What a start with appendonly yes has to load.
struct RecoveryPlan {
  std::vector<AofPart> parts;
  uint64_t total_bytes = 0;
  uint64_t base_bytes = 0;

  /// Neither base nor increment: start empty and write a first base. (An RDB file is not loaded in its place.)
  bool no_files() const { return parts.empty(); }
};

/// Loads the manifest, adopts an old single-file AOF and sizes the files. A file that is missing is fatal.
std::expected<RecoveryPlan, FatalStart> plan_recovery(AofDirectory& directory);

/// What to do after a part could not be read to its end. Either way log `messages`, all of level warning.
struct LoadErrorDecision {
  /// True: the file was truncated to its sound part, go on. False: the start is over.
  bool go_on = false;
  std::vector<std::string> messages;
};

/// Decides for an error of AofFileReader. A truncated tail of the last file is cut off when `load_truncated` (config
/// aof-load-truncated) allows; nothing else is ever changed on disk. Where the index of the file knows that complete
/// units stood beyond the place, a "truncated" command is damage (say, a flipped digit in a length), and cutting
/// there would throw away good data: that is a format error.
LoadErrorDecision decide_load_error(AofDirectory& directory, AofPart const& part, AofError const& error,
                                    bool load_truncated);

/// Decides for a file that was read to its end and was longer once: its index knows `known_bytes`. That may be the tail that
/// a power failure took, of the last file, when `load_truncated` allows.
LoadErrorDecision decide_lost_end(AofPart const& part, uint64_t known_bytes, bool load_truncated);

/// The part of an increment, up to its end, that is the stream byte by byte, without annotations.
struct WrittenStream {
  uint64_t begin = 0;          ///< stream offset
  uint64_t position = 0;       ///< of that in the file
  uint64_t end = 0;            ///< stream offset of the end of the file
  bool whole_file = false;     ///< nothing of the stream is in the file before `begin`
};
/// From the index of a loaded increment and the bytes after the last entry. Nothing to go by (no index, a file of Redis):
/// fails. Reads only what the index does not cover.
Result<WrittenStream> written_stream(Disk& disk, AofPart const& part);

/// "DB loaded from base file <f>: <s.3> seconds", or incr file.
std::string loaded_part_message(AofPart const& part, int64_t elapsed_us);
/// "DB loaded from append only file: <s.3> seconds".
std::string loaded_all_message(int64_t elapsed_us);
/// "Unknown command '<c>' reading the append only file <f>"; fatal.
std::string unknown_command_message(AofPart const& part, std::string_view command);

}  // namespace holdfast::log
