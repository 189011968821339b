#pragma once

#include <cstdint>

namespace holdfast {

/// Version of the files and payloads we write unless the data needs more: every Redis from 7.0 on and Valkey 8 read it.
inline constexpr int kRdbVersion = 10;
/// Version that a hash with expiring fields needs (Redis 7.4 and later).
inline constexpr int kRdbVersionFieldExpiry = 12;
/// Newest version we read.
inline constexpr int kRdbVersionReadableMax = 12;
/// Files older than this have no checksum.
inline constexpr int kRdbVersionChecksum = 5;

/// First bytes of the strings that are not their length and their bytes: integers of 8, 16 and 32 bits, LZF.
inline constexpr uint8_t kRdbString8 = 0xC0;
inline constexpr uint8_t kRdbString16 = 0xC1;
inline constexpr uint8_t kRdbString32 = 0xC2;
inline constexpr uint8_t kRdbStringLzf = 0xC3;

/// First byte of a value. 8 and 26..243 mean nothing.
enum class RdbType : uint8_t {
  kString = 0,
  kList = 1,
  kSet = 2,
  kZset = 3,
  kHash = 4,
  kZset2 = 5,
  kModulePreGa = 6,
  kModule2 = 7,
  kHashZipmap = 9,
  kListZiplist = 10,
  kSetIntset = 11,
  kZsetZiplist = 12,
  kHashZiplist = 13,
  kListQuicklist = 14,
  kStreamListpacks = 15,
  kHashListpack = 16,
  kZsetListpack = 17,
  kListQuicklist2 = 18,
  kStreamListpacks2 = 19,
  kSetListpack = 20,
  kStreamListpacks3 = 21,
  kHashMetadataPreGa = 22,
  kHashListpackExPreGa = 23,
  kHashMetadata = 24,
  kHashListpackEx = 25,
};

enum class RdbOpcode : uint8_t {
  kSlotInfo = 244,
  kFunction2 = 245,
  kFunctionPreGa = 246,
  kModuleAux = 247,
  kIdle = 248,
  kFreq = 249,
  kAux = 250,
  kResizeDb = 251,
  kExpireTimeMs = 252,
  kExpireTime = 253,
  kSelectDb = 254,
  kEof = 255,
};

/// Node kinds of kListQuicklist2.
inline constexpr uint64_t kRdbNodePlain = 1;
inline constexpr uint64_t kRdbNodePacked = 2;

/// Sub opcodes of module data.
enum class RdbModuleOpcode : uint8_t { kEof = 0, kSigned = 1, kUnsigned = 2, kFloat = 3, kDouble = 4, kString = 5 };

}  // namespace holdfast
