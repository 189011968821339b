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

  std::string const& id() const { return id_; }
  std::string const& previous_id() const { return previous_id_; }
  /// INFO second_repl_offset: the first byte that the previous history does not share; -1: there is none.
  int64_t previous_end() const { return previous_end_; }

  /// The bytes before `wanted` (the offset of a PSYNC) of the history `id` are the same as ours.
  bool shares(std::string_view id, int64_t wanted) const;

  /// This server goes on alone at `offset`: promotion, or a primary that has loaded what an earlier run has saved.
  void branch(std::string fresh_id, uint64_t offset);
  /// A full synchronization: the data are those of `id`, whatever was before is forgotten.
  void adopt(std::string id);
  /// +CONTINUE with another id: the primary has branched off at or before `offset`, where we are.
  void follow_branch(std::string id, uint64_t offset) { branch(std::move(id), offset); }
  /// What was saved belongs to `id`, and we go on with it.
  void resume(std::string id) { adopt(std::move(id)); }
  /// The old history can no longer be continued by anybody.
  void forget_previous();

 private:
  std::string id_;
  std::string previous_id_;
  int64_t previous_end_ = -1;
};

}  // namespace holdfast::replication
