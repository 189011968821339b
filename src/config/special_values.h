#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

// The directives that are a list or a record. Each is kept as one canonical text, the one of CONFIG GET: parse_* makes
// it from the words of a line, read_* reads it back (and is given nothing but such texts). Messages of failures are the
// texts that CONFIG SET shows after the " - ".

namespace holdfast::config {

using Words = std::vector<std::string>;

/// The pieces between spaces, without empty ones.
Words split_spaces(std::string_view text);
std::string join_spaces(Words const& words);

/// Save when `changes` writes came within `seconds`.
struct SavePoint {
  int64_t seconds;
  int64_t changes;
  bool operator==(SavePoint const&) const = default;
};

/// `before` is the text that the new pairs are added to; a single empty word clears it.
Result<std::string> parse_save(Words const& words, std::string_view before);
std::vector<SavePoint> read_save(std::string_view text);

enum class ClientClass : uint8_t { kNormal, kReplica, kPubsub };
inline constexpr size_t kClientClassCount = 3;
inline constexpr std::array<ClientClass, kClientClassCount> kClientClasses = {
    ClientClass::kNormal, ClientClass::kReplica, ClientClass::kPubsub};

/// A client is closed when its pending output passes `hard_bytes`, or `soft_bytes` for `soft_seconds`. 0: no limit.
struct ClientOutputLimit {
  uint64_t hard_bytes = 0;
  uint64_t soft_bytes = 0;
  int64_t soft_seconds = 0;
  bool operator==(ClientOutputLimit const&) const = default;
};
using OutputLimits = std::array<ClientOutputLimit, kClientClassCount>;

/// Classes that are not named keep what `before` says.
Result<std::string> parse_output_limits(Words const& words, std::string_view before);
OutputLimits read_output_limits(std::string_view text);

/// For the primary, a replica, and a child process.
using OomScoreValues = std::array<int, 3>;
Result<std::string> parse_oom_values(Words const& words);
OomScoreValues read_oom_values(std::string_view text);

Result<std::string> parse_percentiles(Words const& words);
std::vector<double> read_percentiles(std::string_view text);

inline constexpr size_t kBindAddressesMax = 16;
Result<std::string> parse_bind(Words const& words);

struct ReplicaOf {
  std::string host;
  int port;
  bool operator==(ReplicaOf const&) const = default;
};
Result<std::string> parse_replica_of(Words const& words);
std::optional<ReplicaOf> read_replica_of(std::string_view text);
std::string replica_of_text(ReplicaOf const& primary);

}  // namespace holdfast::config
