#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "command/args.h"
#include "commands/expiry_time.h"
#include "keyspace/txn.h"
#include "resp/reply.h"
#include "values/hash_value.h"

namespace holdfast {

// What the commands about the expiry of fields share (Redis 7.4 and 8.0).

/// Latest moment that a command may name, Unix ms. Files may hold later ones.
inline constexpr int64_t kFieldExpiryMax = (int64_t{1} << 46) - 1;

/// The moment (Unix ms) that `text` means. On failure replies why.
std::optional<int64_t> read_field_expiry(std::string_view text, TimeForm form, int64_t now_ms, char const* command,
                                         Reply& reply);

/// The fields behind `FIELDS numfields`: words[first], words[first + step] ...
struct FieldList {
  size_t first = 0;
  size_t count = 0;
};

/// Reads `FIELDS numfields field [field ...]` at args[at]; nothing may follow. Each field takes `step` words.
/// `not_positive` is the error when numfields is no positive number. On failure replies why.
std::optional<FieldList> read_fields(Args args, size_t at, size_t step, std::string_view not_positive, Reply& reply);

inline constexpr std::string_view kFieldCountNotPositive = "Number of fields must be a positive integer";

/// What became of fields, to be logged: commands that do not depend on when they are replayed.
class FieldEffects {
 public:
  FieldEffects(Txn& txn, std::string_view key) : txn_(txn), key_(key) {}
  void deleted(std::string_view field) { deleted_.push_back(field); }
  void expires(std::string_view field) { expiring_.push_back(field); }
  void persists(std::string_view field) { persistent_.push_back(field); }

  uint64_t changes() const { return deleted_.size() + expiring_.size() + persistent_.size(); }
  /// HDEL, HPEXPIREAT (at `expire_ms`), HPERSIST.
  void log(int64_t expire_ms);

 private:
  void log(std::vector<std::string_view> head, std::vector<std::string_view> const& fields, bool with_count);

  Txn& txn_;
  std::string_view key_;
  std::vector<std::string_view> deleted_;
  std::vector<std::string_view> expiring_;
  std::vector<std::string_view> persistent_;
};

/// Whether a field that is given this expiry goes at once. While expiry is held, moments of the past are kept.
bool deletes_at_once(Txn& txn, int64_t expire_ms);

}  // namespace holdfast
