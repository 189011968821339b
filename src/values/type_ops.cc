#include "values/type_ops.h"

#include "base/check.h"
#include "values/hash_ops.h"
#include "values/list_ops.h"
#include "values/set_ops.h"
#include "values/stream_ops.h"
#include "values/string_ops.h"
#include "values/zset_ops.h"

namespace holdfast {

TypeOps const& ops_of(ValueType type) {
  switch (type) {
    case ValueType::kString: return string_ops();
    case ValueType::kHash: return hash_ops();
    case ValueType::kList: return list_ops();
    case ValueType::kSet: return set_ops();
    case ValueType::kZset: return zset_ops();
    case ValueType::kStream: return stream_ops();
    default: break;
  }
  CHECK(!"there are no values of this type");
  __builtin_unreachable();
}

std::optional<ValueType> value_type_of(RdbType type) {
  switch (type) {
    case RdbType::kString: return ValueType::kString;
    case RdbType::kHash:
    case RdbType::kHashZipmap:
    case RdbType::kHashZiplist:
    case RdbType::kHashListpack:
    case RdbType::kHashMetadataPreGa:
    case RdbType::kHashListpackExPreGa:
    case RdbType::kHashMetadata:
    case RdbType::kHashListpackEx: return ValueType::kHash;
    case RdbType::kList:
    case RdbType::kListZiplist:
    case RdbType::kListQuicklist:
    case RdbType::kListQuicklist2: return ValueType::kList;
    case RdbType::kSet:
    case RdbType::kSetIntset:
    case RdbType::kSetListpack: return ValueType::kSet;
    case RdbType::kZset:
    case RdbType::kZset2:
    case RdbType::kZsetZiplist:
    case RdbType::kZsetListpack: return ValueType::kZset;
    case RdbType::kStreamListpacks:
    case RdbType::kStreamListpacks2:
    case RdbType::kStreamListpacks3: return ValueType::kStream;
    default: return std::nullopt;
  }
}

MaybeValue read_rdb_value(RdbType type, ByteReader& in, ValueContext const& context) {
  std::optional<ValueType> const value_type = value_type_of(type);
  return value_type ? ops_of(*value_type).read_rdb(type, in, context) : corrupt_value(in);
}

}  // namespace holdfast
