#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "values/value_type.h"

namespace holdfast {

class Record;
class Reply;
class Txn;

/// What a command wants that has found nothing and may wait (BLPOP, XREAD BLOCK ...): made by its handler, kept as long as
/// it waits. Immutable but for what `run` changes; used by one thread at a time.
class WaitRequest {
 public:
  /// What is answered at once where waiting is not allowed (in EXEC).
  enum class Nothing : uint8_t { kNullArray, kNull };

  virtual ~WaitRequest() = default;
  WaitRequest(WaitRequest const&) = delete;
  WaitRequest& operator=(WaitRequest const&) = delete;

  /// Whether the wait ends with what `key` holds now (null: nothing).
  virtual bool ready(std::string_view key, Record const* record) const = 0;
  /// Does what the command would do if `key` were its only key, begin_command and end_command included. Precondition:
  /// ready, in a transaction that holds the key and the target.
  virtual void run(Txn& txn, std::string_view key, Reply& reply) = 0;

  /// The command as sent.
  std::vector<std::string> const& command() const { return command_; }
  ValueType type() const { return type_; }

  std::vector<std::string> keys;       ///< in the order of the command
  std::optional<std::string> target;   ///< the key that `run` changes besides the one that is ready
  int64_t timeout_ms = 0;              ///< 0: for ever
  Nothing nothing = Nothing::kNullArray;

 protected:
  /// `type`: of the values that are waited for, one of list, sorted set and stream.
  WaitRequest(std::span<std::string_view const> command, ValueType type)
      : command_(command.begin(), command.end()), type_(type) {}

 private:
  std::vector<std::string> command_;
  ValueType type_;
};

}  // namespace holdfast
