#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "rdb/byte_reader.h"
#include "rdb/format.h"
#include "rdb/writer.h"
#include "values/detached_value.h"
#include "values/value_limits.h"
#include "values/value_view.h"

namespace holdfast {

/// Values are written in pieces of about this many bytes.
inline constexpr size_t kValuePieceBytes = 64 * 1024;

/// Takes the output of who writes a value, and empties it; false: stop. May be empty: all in one piece.
using PieceDone = std::function<bool()>;

/// For who writes, between elements: hands over what is in `out` when that is a piece. False: stop.
inline bool piece_done(std::string const& out, PieceDone const& done) {
  return out.size() < kValuePieceBytes || !done || done();
}

/// A value that was read, or nothing: see TypeOps::read_rdb.
using MaybeValue = std::optional<DetachedValue>;

/// For who reads one: what to return on damage.
inline MaybeValue corrupt_value(ByteReader& in) {
  in.corrupt();
  return std::nullopt;
}

/// What a value of any type can be asked, whatever its form. One object of each type; see `ops_of`. Thread rule: functions
/// of a view may run on any thread that may read the view.
class TypeOps {
 public:
  virtual ~TypeOps() = default;

  /// The word OBJECT ENCODING answers, e.g. "listpack".
  virtual std::string_view encoding_name(ValueView const& value) const = 0;
  /// Gives a packed value that goes into a record a denser form, if there is one: changes bytes and encoding.
  virtual void compact([[maybe_unused]] std::string& bytes, [[maybe_unused]] Encoding& encoding) const {}
  /// Elements, fields, members, entries.
  virtual uint64_t length(ValueView const& value) const = 0;

  /// How the value is written to an RDB file.
  virtual RdbType rdb_type(ValueView const& value) const = 0;
  /// Appends the payload, without the type byte. False: `done` has said so.
  virtual bool write_rdb(ValueView const& value, RdbWriter& writer, PieceDone const& done) const = 0;
  /// Decodes the payload of a type that belongs to this one and checks it deeply: whatever the bytes are, it ends, and takes
  /// no more memory than a small multiple of them. On damage marks `in` corrupt; the result means nothing then. nullopt with
  /// `in` fine: a value without elements (old versions wrote them), which no key can hold.
  virtual MaybeValue read_rdb(RdbType type, ByteReader& in, ValueContext const& context) const = 0;

  /// Appends commands (RESP) that make the value under `key`, at most 64 elements each: the base of an AOF without preamble.
  virtual bool write_commands(std::string_view key, ValueView const& value, std::string& out, PieceDone const& done) const = 0;

  /// Calls `visit` with the texts that DEBUG DIGEST mixes or adds; see admin/dataset_digest. Elements of an unordered type are
  /// given as one call each: hash {field, value}, zset {member, score as %.17g}, set {member}; of an ordered one as calls with
  /// one text each: list elements, stream ids, fields and values.
  virtual void for_digest(ValueView const& value,
                          std::function<void(std::string_view first, std::string_view second)> const& visit) const = 0;
};

/// Precondition: there are values of this type.
TypeOps const& ops_of(ValueType type);
/// The type of value that an RDB type decodes to; nullopt: modules and what is unknown.
std::optional<ValueType> value_type_of(RdbType type);

/// The empty or unknown cases of read_rdb told apart: reads any type; nullopt and `in.ok()`: nothing to keep.
MaybeValue read_rdb_value(RdbType type, ByteReader& in, ValueContext const& context);

}  // namespace holdfast
