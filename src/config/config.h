#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "config/choices.h"
#include "config/directives.h"
#include "config/file_grammar.h"
#include "config/keyspace_events.h"
#include "config/special_values.h"
#include "config/value_store.h"

namespace holdfast::config {

/// Who asks for CONFIG SET, and when.
struct SetContext {
  bool loading = false;
  /// From a loopback address or a unix socket.
  bool local_connection = false;
};

/// Lines of CONFIG REWRITE that other parts of the server know.
struct RewriteExtras {
  /// Complete: "user alice on ...". Left out when `aclfile` is set.
  std::vector<std::string> user_lines;
  /// Complete: "sentinel monitor ...". Without a value the file keeps the lines that it has.
  std::optional<std::vector<std::string>> sentinel_lines;
};

/// The configuration of a server: defaults, file, command line, and what CONFIG SET makes of it.
///
/// Threads: reading values is safe from any thread at any time, without a lock for numbers. Loading happens before
/// there are other threads. set(), rewrite(), set_replica_of() and override_number() change things in steps and call
/// hooks, which may use system calls, so no mutex is held: the caller sees to it that one of them runs at a time.
class Config {
 public:
  using Hook = std::function<Status()>;

  /// `working_directory` is absolute: the default of `dir`, and where relative paths of the command line start.
  explicit Config(std::string working_directory = current_directory());
  Config(Config const&) = delete;
  Config& operator=(Config const&) = delete;

  static std::string current_directory();

  // Values. Each accessor takes directives of its own types only (checked in debug builds).

  /// Integers, octal modes, choices and bit masks as their number, yes/no as 1 and 0.
  int64_t integer(Directive directive) const { return values_.number(directive); }
  bool flag(Directive directive) const { return values_.number(directive) != 0; }
  /// Bytes.
  uint64_t memory(Directive directive) const { return static_cast<uint64_t>(values_.number(directive)); }
  /// For Type::kChoice; E is the directive's enum in choices.h (or LogLevel).
  template <class E>
  E choice(Directive directive) const {
    return static_cast<E>(values_.number(directive));
  }
  /// Any directive, as CONFIG GET prints it.
  std::string text(Directive directive) const;

  /// maxmemory-clients in bytes, with a percentage taken of `maxmemory` (0, no limit, when that is 0).
  uint64_t client_memory_limit() const;
  /// KeyspaceEvents bits.
  uint32_t keyspace_events() const { return static_cast<uint32_t>(integer(Directive::kNotifyKeyspaceEvents)); }
  ClientOutputLimit output_limit(ClientClass client_class) const { return values_.output_limit(client_class); }
  std::vector<SavePoint> save_points() const { return read_save(values_.text(Directive::kSave)); }
  /// As written: a leading '-' marks an address that may be missing.
  std::vector<std::string> bind_addresses() const { return split_spaces(values_.text(Directive::kBind)); }
  OomScoreValues oom_score_values() const { return read_oom_values(values_.text(Directive::kOomScoreAdjValues)); }
  std::vector<double> latency_percentiles() const {
    return read_percentiles(values_.text(Directive::kLatencyTrackingInfoPercentiles));
  }
  std::optional<ReplicaOf> replica_of() const { return read_replica_of(values_.text(Directive::kReplicaof)); }

  // Loading. A failure's message is complete and is for standard error; its errnum is set when a file could not be
  // opened. The values are then of no use.

  /// One file, and nothing else. It becomes the file of rewrite().
  Status load_file(std::string const& path);
  /// As a file, without being one.
  Status load_text(std::string_view text);
  /// Everything that the arguments of main() say: file, standard input, options, in this order.
  Status apply_arguments(std::vector<std::string> const& arguments, int stdin_descriptor = 0);

  /// Absolute; empty when there is no file.
  std::string const& config_file() const { return facts_.config_file; }
  std::vector<ConfigLine> const& user_lines() const { return facts_.user_lines; }
  std::vector<ConfigLine> const& rename_lines() const { return facts_.rename_lines; }
  std::vector<ConfigLine> const& sentinel_lines() const { return facts_.sentinel_lines; }
  bool sentinel_mode() const { return facts_.sentinel_mode; }
  /// The value of `dir` that is in force was written as a relative path.
  bool dir_was_relative() const { return facts_.dir_relative; }
  bool dir_was_written() const { return facts_.dir_written; }

  // Run time.

  /// CONFIG GET: names as asked for (or as in the table, for patterns) with their values, each name once.
  std::vector<std::pair<std::string, std::string>> get(std::span<std::string const> patterns) const;

  /// CONFIG SET of name-value pairs: all or nothing. Returns the directives that changed. The message of a failure is
  /// the error reply without its '-'.
  Result<std::vector<Directive>> set(std::span<std::pair<std::string, std::string> const> pairs,
                                     SetContext const& context);

  /// `hook` runs inside set(), once per call, after all values are in place, if one of the directives changed. When it
  /// fails, every value is put back and the hooks that had run run again; its message, which may be empty, goes into
  /// the reply. Register before other threads start.
  void on_change(std::initializer_list<Directive> directives, Hook hook);

  /// CONFIG REWRITE. The message of a failure is the error reply without its '-'.
  Status rewrite(RewriteExtras const& extras) const;

  /// What REPLICAOF decided: it shows in CONFIG GET and CONFIG REWRITE. No hook runs.
  void set_replica_of(std::optional<ReplicaOf> const& primary);
  /// The server found another number in force than was asked for (a lower maxclients). No hook runs.
  void override_number(Directive directive, int64_t number);

 private:
  class Change;

  Status load_composed(std::string_view text);
  Status check_whole() const;
  bool protected_allowed(SetContext const& context) const;

  ValueStore values_;
  FileFacts facts_;
  std::vector<Hook> hooks_;
  std::array<std::vector<size_t>, kDirectiveCount> hooks_of_;
};

}  // namespace holdfast::config
