#include "rdb/skip_value.h"

namespace holdfast {
namespace {

constexpr uint64_t kStreamIdBytes = 16;
constexpr uint64_t kMillisBytes = 8;

void skip_strings(ByteReader& in, uint64_t strings) {
  for (uint64_t i = 0; i < strings && in.ok(); ++i) in.skip_string();
}

void skip_string_pairs(ByteReader& in) {
  uint64_t const pairs = in.count(2);
  for (uint64_t i = 0; i < pairs && in.ok(); ++i) {
    in.skip_string();
    in.skip_string();
  }
}

void skip_ascii_double(ByteReader& in) {
  constexpr uint8_t kTextBytesMax = 252;
  uint8_t const size = in.byte();
  if (size <= kTextBytesMax) in.skip(size);
}

void skip_zset(ByteReader& in, bool binary) {
  constexpr uint64_t kBinaryBytes = 8;
  uint64_t const members = in.count(binary ? 1 + kBinaryBytes : 2);
  for (uint64_t i = 0; i < members && in.ok(); ++i) {
    in.skip_string();
    if (binary) {
      in.skip(kBinaryBytes);
    } else {
      skip_ascii_double(in);
    }
  }
}

void skip_quicklist2(ByteReader& in) {
  uint64_t const nodes = in.count(2);
  for (uint64_t i = 0; i < nodes && in.ok(); ++i) {
    uint64_t const container = in.length();
    if (in.ok() && container != kRdbNodePlain && container != kRdbNodePacked) in.corrupt();
    in.skip_string();
  }
}

void skip_expiring_fields(ByteReader& in) {
  uint64_t const fields = in.count(3);
  for (uint64_t i = 0; i < fields && in.ok(); ++i) {
    in.length();
    in.skip_string();
    in.skip_string();
  }
}

void skip_lengths(ByteReader& in, int lengths) {
  for (int i = 0; i < lengths; ++i) in.length();
}

void skip_consumer_group(ByteReader& in, int version) {
  in.skip_string();                        // name
  skip_lengths(in, version >= 2 ? 3 : 2);  // last delivered ID, entries read
  uint64_t const pending = in.count(kStreamIdBytes + kMillisBytes + 1);
  for (uint64_t i = 0; i < pending && in.ok(); ++i) {
    in.skip(kStreamIdBytes + kMillisBytes);
    in.length();  // deliveries
  }
  uint64_t const consumers = in.count(1 + kMillisBytes + 1);
  for (uint64_t i = 0; i < consumers && in.ok(); ++i) {
    in.skip_string();                                // name
    in.skip(kMillisBytes * (version >= 3 ? 2 : 1));  // seen, active
    in.skip(in.count(kStreamIdBytes) * kStreamIdBytes);
  }
}

void skip_stream(ByteReader& in, int version) {
  uint64_t const nodes = in.count(2);
  skip_strings(in, 2 * nodes);
  // Length, last ID; from version 2 on first ID, greatest deleted ID, entries added.
  skip_lengths(in, version >= 2 ? 8 : 3);
  uint64_t const groups = in.count();
  for (uint64_t i = 0; i < groups && in.ok(); ++i) skip_consumer_group(in, version);
}

}  // namespace

void skip_module_data(ByteReader& in) {
  while (in.ok()) {
    switch (in.length()) {
      case static_cast<uint64_t>(RdbModuleOpcode::kEof):
        return;
      case static_cast<uint64_t>(RdbModuleOpcode::kSigned):
      case static_cast<uint64_t>(RdbModuleOpcode::kUnsigned):
        in.length();
        break;
      case static_cast<uint64_t>(RdbModuleOpcode::kFloat):
        in.skip(4);
        break;
      case static_cast<uint64_t>(RdbModuleOpcode::kDouble):
        in.skip(8);
        break;
      case static_cast<uint64_t>(RdbModuleOpcode::kString):
        in.skip_string();
        break;
      default:
        in.corrupt();
    }
  }
}

void skip_value(RdbType type, ByteReader& in) {
  switch (type) {
    case RdbType::kString:
    case RdbType::kHashZipmap:
    case RdbType::kListZiplist:
    case RdbType::kSetIntset:
    case RdbType::kZsetZiplist:
    case RdbType::kHashZiplist:
    case RdbType::kHashListpack:
    case RdbType::kZsetListpack:
    case RdbType::kSetListpack:
    case RdbType::kHashListpackExPreGa:
      return in.skip_string();
    case RdbType::kList:
    case RdbType::kSet:
    case RdbType::kListQuicklist:
      return skip_strings(in, in.count());
    case RdbType::kZset:
      return skip_zset(in, false);
    case RdbType::kZset2:
      return skip_zset(in, true);
    case RdbType::kHash:
      return skip_string_pairs(in);
    case RdbType::kModule2:
      in.length();  // module id
      return skip_module_data(in);
    case RdbType::kListQuicklist2:
      return skip_quicklist2(in);
    case RdbType::kStreamListpacks:
      return skip_stream(in, 1);
    case RdbType::kStreamListpacks2:
      return skip_stream(in, 2);
    case RdbType::kStreamListpacks3:
      return skip_stream(in, 3);
    case RdbType::kHashMetadataPreGa:
      return skip_expiring_fields(in);
    case RdbType::kHashMetadata:
      in.skip(kMillisBytes);  // smallest expiry
      return skip_expiring_fields(in);
    case RdbType::kHashListpackEx:
      in.skip(kMillisBytes);
      return in.skip_string();
    case RdbType::kModulePreGa:  // has no frame, so no end
      break;
  }
  in.corrupt();
}

}  // namespace holdfast
