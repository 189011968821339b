#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "base/sha1.h"
#include "keyspace/record.h"

namespace holdfast {

// DEBUG DIGEST: a hash of keys and values that does not depend on their order in memory, bit for bit that of Redis.
// With S = SHA-1, `add(d, x)` is d ^= S(x) (order does not matter) and `mix(d, x)` is d = S(d ^ S(x)) (order matters).

/// A digest that is being built; begins with zeros.
class Digest {
 public:
  void add(std::string_view bytes);
  void add(Digest const& other);
  /// Puts another one in, as it is: the sums of `add` of two places make the sum of both.
  void merge(Digest const& other);
  void mix(std::string_view bytes);
  /// mix() with the number as four bytes, big endian.
  void mix(uint32_t number);
  /// 40 lower case hex digits.
  std::string hex() const;
  bool operator==(Digest const&) const = default;

 private:
  Sha1Digest bytes_{};
};

/// DEBUG DIGEST-VALUE: of the value and of whether the key expires.
Digest digest_of_value(Record const& record);

/// The digest of all databases, fed with their keys in any order.
class DatasetDigest {
 public:
  void add(int db, Record const& record);
  Digest result() const;

 private:
  std::map<int, Digest> databases_;  // those with keys
};

}  // namespace holdfast
