#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "memory/shared_buffer.h"
#include "structures/touched_places.h"
#include "values/detached_value.h"

namespace holdfast::snapshot {

/// A block is handed on when it has this many bytes, referenced values included.
inline constexpr size_t kBlockBytes = 64 * 1024;

/// How a record is written to the file.
enum class RecordForm : uint8_t {
  kRdb,   ///< RDB file
  kResp,  ///< RESP commands (the base of an AOF with aof-use-rdb-preamble no)
  kDigest,  ///< for no file: what a digest is made of, see group_digest.h
};

/// Some saved records, ready for the file up to what is too slow to do under a partition's lock. Each block begins with
/// the selection of its database, so blocks may follow each other in any order.
struct Block {
  /// A place of `bytes` where the file differs from them.
  struct Detour {
    enum class Kind : uint8_t {
      kCompress,        ///< bytes[at, at + length) are a text: write it as RDB string, compressed if that helps
      kShared,          ///< before bytes[at] comes the text of `shared`, as it is
      kSharedCompress,  ///< before bytes[at] comes the text of `shared` as RDB string, compressed if that helps
      kValue,           ///< before bytes[at] comes the payload of `value` (RDB), or the commands that make it (RESP)
    };
    Kind kind;
    size_t at;
    size_t length;
    SharedBufferRef shared;
    /// A collection as it was at the cut: a frozen body, or a copy of packed bytes.
    std::unique_ptr<DetachedValue> value;
    std::string key;  ///< of `value`, for RESP
  };

  std::string bytes;
  std::vector<Detour> detours;
  size_t shared_bytes = 0;
  uint64_t keys = 0;
  int db = -1;  ///< the database selected last
  /// For bodies that fill a block: what is copied because of them counts here. Null: they are kept until they are written.
  CopyBudget* copies = nullptr;

  size_t size() const { return bytes.size() + shared_bytes; }
  bool full() const { return size() >= kBlockBytes; }
  /// Keeps the memory of `bytes`.
  void clear() {
    bytes.clear();
    detours.clear();
    shared_bytes = 0;
    keys = 0;
    db = -1;
  }
};

using BlockPtr = std::unique_ptr<Block>;

}  // namespace holdfast::snapshot
