#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "base/result.h"
#include "disk/disk.h"

namespace holdfast {

/// Where the bytes of an RDB file come from. One thread.
class RdbSource {
 public:
  virtual ~RdbSource() = default;
  /// Gives between 1 and out.size() bytes, waiting for them if it must; 0 at the end.
  virtual Result<size_t> read(std::span<char> out) = 0;
  /// Bytes that are still to come, when that is known.
  virtual std::optional<uint64_t> remaining() const { return std::nullopt; }
};

/// An open file, or the part of it that starts at `offset`.
class RdbFileSource final : public RdbSource {
 public:
  /// `file` outlives the source.
  static Result<RdbFileSource> open(DiskFile& file, uint64_t offset = 0);

  Result<size_t> read(std::span<char> out) override;
  std::optional<uint64_t> remaining() const override { return end_ - offset_; }

 private:
  RdbFileSource(DiskFile& file, uint64_t offset, uint64_t end) : file_(&file), offset_(offset), end_(end) {}

  DiskFile* file_;
  uint64_t offset_;
  uint64_t end_;
};

}  // namespace holdfast
