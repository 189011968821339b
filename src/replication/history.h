#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace holdfast::replication {

/// Hex digits of the id of a history.
inline constexpr size_t kIdDigits = 40;

/// Which histories of writes this server's data belong to, and up to where. A place in a history is a number of bytes of its
/// stream; PSYNC asks for the byte after it, counted from 1.
///
/// Pure; who keeps it guards it.
class History {
 public:
  /// A history that begins here.
  explicit History(std::string fresh_id) : id_(std::move(fresh_id)), previous_id_(kIdDigits, '0') {}
  /// One that was known before.
  History(std::string id, std::string previous_id, int64_t previous_end)
      : id_(std::move(id)), previous_id_(std::move(previous_id)), previous_end_(previous_end) {}
  bool operator==(History const&) const = default;

  std::string const& id() const { return id_; }
  std::string const& previous_id() const { return previous_id_; }
  /// INFO second_repl_offset: the first byte that the previous history does not share; -1: there is none.
  int64_t previous_end() const { return previous_end_; }

  /// The bytes before `wanted` (the offset of a PSYNC) of the history `id` are the same as ours.
  bool shares(std::string_view id, int64_t wanted) const;

  /// PSYNC `id` `wanted` may go on, where the stream is held from the byte `held_from` on and ends at `end`.
  bool may_resume(std::string_view id, int64_t wanted, uint64_t held_from, uint64_t end) const;

  /// A history of the id begins at `offset`, where we are: promotion, a primary that has loaded what an earlier run has saved, or
  /// +CONTINUE of a primary that has branched off at or before it.
  void branch(std::string id, uint64_t offset);
  /// The data are those of `id` (a full synchronization, a file), whatever was before is forgotten.
  void adopt(std::string id);

 private:
  std::string id_;
  std::string previous_id_;
  int64_t previous_end_ = -1;
};

}  // namespace holdfast::replication
