#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "disk/disk.h"

namespace holdfast::log {

// The sidecar index of an increment, `<increment>.idx`. It is never needed to read the increment (Redis neither writes
// nor reads it) and never listed in the manifest. All numbers little endian:
//
//   header, 48 bytes: magic "HFAOFIDX" | version u32 = 1 | entry size u32 = 40 | first stream offset u64 |
//                     first file position u64 | creation time i64, unix ms | CRC64 of the 40 bytes before
//   entry,  40 bytes: time i64, unix ms | stream offset u64 | file position u64 | CRC64 of the file's bytes since the
//                     entry before | CRC64 of the 32 bytes before, seeded with the header's CRC64
//
// An entry says: at this time the file had been written to this position, which is the end of a unit and lies at this
// offset of the stream. One is written every second or every MiB, after the bytes it speaks of. An index may end early
// (crash, disk full): what it does not cover is simply not known.

inline constexpr uint32_t kSidecarVersion = 1;
inline constexpr size_t kSidecarHeaderBytes = 48;
inline constexpr size_t kSidecarEntryBytes = 40;
/// An entry is due after either.
inline constexpr int64_t kSidecarIntervalMs = 1000;
inline constexpr uint64_t kSidecarIntervalBytes = 1024 * 1024;
/// An index file larger than this is not read (more than a year of entries).
inline constexpr uint64_t kSidecarBytesMax = 2ull * 1024 * 1024 * 1024;

struct SidecarEntry {
  int64_t unix_ms = 0;
  uint64_t stream_offset = 0;
  uint64_t file_position = 0;
  uint64_t data_crc = 0;
  bool operator==(SidecarEntry const&) const = default;
};

/// A parsed index: the header and the entries up to the first that is damaged.
struct SidecarIndex {
  uint64_t first_stream_offset = 0;
  uint64_t first_file_position = 0;
  int64_t created_ms = 0;
  std::vector<SidecarEntry> entries;
  /// CRC64 of the header, the seed of the entries.
  uint64_t header_crc = 0;

  /// Bytes of the index file that are sound.
  uint64_t valid_bytes() const { return kSidecarHeaderBytes + entries.size() * kSidecarEntryBytes; }
  /// Position, and stream offset there, up to which the increment is known.
  uint64_t covered_position() const { return entries.empty() ? first_file_position : entries.back().file_position; }
  uint64_t covered_offset() const { return entries.empty() ? first_stream_offset : entries.back().stream_offset; }
  /// True when a unit that was wholly written ends at a position in (after, up_to].
  bool knows_end_in(uint64_t after, uint64_t up_to) const;

  /// Nothing when the header is not sound.
  static std::optional<SidecarIndex> parse(std::string_view bytes);
};

/// The index beside an increment; nothing when it is missing or its header is damaged. Fails only when it cannot be
/// read.
Result<std::optional<SidecarIndex>> read_sidecar(Disk& disk, std::string const& path);

/// The increment ends at `position` now: what its index, if there is one, says of bytes behind it is dropped.
Status cut_sidecar(Disk& disk, std::string const& path, uint64_t position);

/// What verify_increment found.
struct Verification {
  /// No byte that the index covers is wrong.
  bool ok = true;
  /// Every covered byte before this position is as it was written.
  uint64_t verified_up_to = 0;
  /// The first range that is not as it was written: the damage is inside [bad_begin, bad_end). Equal when ok.
  uint64_t bad_begin = 0;
  uint64_t bad_end = 0;
  /// Time of the entry that ends the verified part: unix ms.
  int64_t verified_until_ms = 0;
  /// The index speaks of bytes beyond the end of the file: a tail was lost. No damage by itself (a crash, a
  /// truncation).
  bool file_is_shorter = false;
};

/// Reads the increment and holds it against its index. Reads in blocks; takes as long as the file is large.
Result<Verification> verify_increment(Disk& disk, std::string const& increment_path, SidecarIndex const& index);

/// A crash of the machine may leave zeros where a block was not written yet: in whole blocks of this size, at multiples of it.
inline constexpr uint64_t kLostBlockBytes = 512;
/// The first such block at or behind `begin`.
Result<std::optional<uint64_t>> find_block_of_zeros(Disk& disk, std::string const& path, uint64_t begin);

/// Writes the index of one increment. Owned by the log writer thread. A failure to write it never harms the log: the
/// index just ends there.
class SidecarWriter {
 public:
  /// A new index for bytes from `position` on.
  static Result<SidecarWriter> create(Disk& disk, std::string const& path, uint64_t stream_offset, uint64_t position,
                                      int64_t now_ms);
  /// Continues the index of an increment of `position` bytes that ends at `stream_offset`, with one entry for what was
  /// not covered. Where the old index is of no use a new one begins.
  static Result<SidecarWriter> reopen(Disk& disk, std::string const& path, std::string const& increment_path,
                                      uint64_t stream_offset, uint64_t position, int64_t now_ms);

  /// Bytes that were written to the increment, in order.
  void cover(std::string_view bytes);
  /// The increment is now at this place, the end of a unit. Writes an entry if one is due or `force` is set and there
  /// are bytes without one.
  Status advance(uint64_t stream_offset, uint64_t position, int64_t now_ms, bool force);
  /// When the next entry is due although few bytes come, unix ms; nothing when all bytes are covered.
  std::optional<int64_t> due_ms() const;

 private:
  SidecarWriter(std::unique_ptr<DiskFile> file, SidecarIndex const& index, int64_t last_entry_ms);

  std::unique_ptr<DiskFile> file_;
  uint64_t header_crc_;
  uint64_t covered_position_;
  int64_t last_entry_ms_;
  uint64_t data_crc_ = 0;
  uint64_t uncovered_bytes_ = 0;
};

}  // namespace holdfast::log
