#pragma once

#include <cstdint>
#include <forward_list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "rdb/byte_reader.h"
#include "rdb/format.h"
#include "rdb/source.h"

namespace holdfast {

/// Bytes of a file in memory. Entries point into it; who keeps a reference may read them from any thread.
class RdbBlock;
using RdbBlockPtr = std::shared_ptr<RdbBlock const>;

/// A key with its value, the value as it stands in the file. The views live as long as the block they were given with.
struct RdbEntry {
  uint64_t db = 0;
  RdbType type = RdbType::kString;
  std::optional<uint8_t> freq;
  std::optional<int64_t> expire_ms;  ///< Unix time.
  std::optional<uint64_t> idle_seconds;
  std::string_view key;
  std::string_view value;  ///< Payload after the type byte: for read_string_value and the decoders of the structures.
};

enum class RdbEvent : uint8_t { kAux, kSelectDb, kResizeDb, kSlotInfo, kFunction, kModuleAux, kEntry, kEnd, kError };

struct RdbError {
  enum class Kind : uint8_t { kIo, kShortRead, kCorrupt, kBadSignature, kBadVersion, kBadChecksum };
  Kind kind = Kind::kCorrupt;
  /// The text of the log line.
  std::string message;
  /// Where in the source the element began that could not be read.
  uint64_t offset = 0;
  /// Where in it reading stopped: at or behind `offset`.
  uint64_t fault_offset = 0;
  /// Of kIo.
  int errnum = 0;
};

/// Walks through an RDB file and gives one event after the other. Values are not decoded but only stepped over, so that
/// other threads can decode them: each entry points into a block of the file that stays as long as someone refers to
/// it.
///
/// The file is read in blocks of about block_bytes. What is unfinished at the end of a block is copied to the next, and
/// a value that is longer than a block gets a block of its own; memory beyond that is taken only for bytes that the
/// source has (when it knows) or that have come. One thread.
class RdbFileReader {
 public:
  struct Options {
    bool check_crc = true;
    size_t block_bytes = size_t{1} << 20;
  };

  /// `source` outlives the reader.
  RdbFileReader(RdbSource& source, Options options);
  explicit RdbFileReader(RdbSource& source) : RdbFileReader(source, Options()) {}

  /// Reads on to the next event. After kEnd and kError it gives the same again.
  RdbEvent next();

  // Of the latest event; each is valid until the next call of next().
  RdbEntry const& entry() const { return entry_; }
  /// Holds what entry() points to.
  RdbBlockPtr const& block() const { return block_view_; }
  std::string const& aux_name() const { return name_; }
  std::string const& aux_value() const { return text_; }
  std::string const& function_source() const { return text_; }
  /// kSelectDb, kResizeDb.
  uint64_t db() const { return entry_.db; }
  /// kResizeDb, kSlotInfo.
  uint64_t keys() const { return keys_; }
  uint64_t expiring_keys() const { return expiring_keys_; }
  /// kSlotInfo.
  uint64_t slot() const { return slot_; }
  /// kModuleAux; its data is skipped.
  uint64_t module_id() const { return module_id_; }

  /// Known from the first event on.
  int version() const { return version_; }
  /// Bytes of the source that belong to what was given so far; after kEnd the length of the RDB file.
  uint64_t offset() const { return block_offset_ + in_.offset(); }
  /// Offset in the source where the latest item began: an opcode or the type byte of a key. After kError: the one that could
  /// not be read.
  uint64_t item_offset() const { return block_offset_ + item_; }
  /// The bytes of that item as far as they are in memory, and what follows. Valid until the next call of next().
  std::string_view item_bytes() const;
  /// After kEnd: bytes that were read from the source but follow the file.
  std::string_view unread() const;
  /// After kEnd: the file has a checksum field that says "not computed".
  bool without_checksum() const { return without_checksum_; }
  RdbError const& error() const { return error_; }

 private:
  std::optional<RdbEvent> read_item();
  std::optional<RdbEvent> read_opcode(RdbOpcode opcode);
  RdbEvent read_entry(uint8_t type);
  RdbEvent read_module_aux();
  RdbEvent read_end();
  std::optional<RdbEvent> read_magic();
  RdbEvent stop(RdbError::Kind kind, std::string message);
  RdbEvent stop_at_fault();

  /// Replaces the block by one that starts at `item` and has more; false when that is impossible (error_ is set).
  bool refill(size_t item);
  void add_to_crc(size_t until);

  RdbSource& source_;
  Options options_;
  std::shared_ptr<RdbBlock> block_;
  RdbBlockPtr block_view_;
  ByteReader in_{std::string_view()};
  /// Offset in the source of the first byte of the block.
  uint64_t block_offset_ = 0;
  size_t item_ = 0;

  uint64_t crc_ = 0;
  /// The part of the block that is in crc_.
  size_t crc_until_ = 0;

  int version_ = 0;
  std::optional<RdbEvent> stopped_;
  bool without_checksum_ = false;
  RdbError error_;

  RdbEntry entry_;
  /// Prefixes of the next key.
  std::optional<int64_t> expire_ms_;
  std::optional<uint64_t> idle_seconds_;
  std::optional<uint8_t> freq_;
  std::string key_scratch_;
  std::string name_;
  std::string text_;
  uint64_t keys_ = 0;
  uint64_t expiring_keys_ = 0;
  uint64_t slot_ = 0;
  uint64_t module_id_ = 0;
};

}  // namespace holdfast
