#pragma once

#include <string_view>

// The error replies that more than one command gives, in Redis's exact words. Texts that begin with '-' carry their own
// code; the others get "-ERR " in front (see Reply::error).

namespace holdfast::errors {

inline constexpr std::string_view kSyntax = "syntax error";
inline constexpr std::string_view kWrongType = "-WRONGTYPE Operation against a key holding the wrong kind of value";
inline constexpr std::string_view kNoSuchKey = "no such key";
inline constexpr std::string_view kNotInteger = "value is not an integer or out of range";
inline constexpr std::string_view kNotFloat = "value is not a valid float";
inline constexpr std::string_view kOutOfRange = "value is out of range";
inline constexpr std::string_view kIndexOutOfRange = "index out of range";
inline constexpr std::string_view kDbIndexOutOfRange = "DB index is out of range";
inline constexpr std::string_view kSameObject = "source and destination objects are the same";
inline constexpr std::string_view kOverflow = "increment or decrement would overflow";
inline constexpr std::string_view kNotFinite = "increment would produce NaN or Infinity";
inline constexpr std::string_view kStringTooLong = "string exceeds maximum allowed size (proto-max-bulk-len)";
inline constexpr std::string_view kBusyKey = "-BUSYKEY Target key name already exists.";
inline constexpr std::string_view kNoAuth = "-NOAUTH Authentication required.";
inline constexpr std::string_view kLoading = "-LOADING Redis is loading the dataset in memory";
inline constexpr std::string_view kOutOfMemory = "-OOM command not allowed when used memory > 'maxmemory'.";
inline constexpr std::string_view kNotInTransaction = "Command not allowed inside a transaction";
inline constexpr std::string_view kExecAborted = "-EXECABORT Transaction discarded because of previous errors.";
inline constexpr std::string_view kUnblocked = "-UNBLOCKED client unblocked via CLIENT UNBLOCK";
inline constexpr std::string_view kRoleChanged =
    "-UNBLOCKED force unblock from blocking operation, instance state changed (master -> replica?)";
inline constexpr std::string_view kReadOnlyReplica = "-READONLY You can't write against a read only replica.";
inline constexpr std::string_view kTooFewReplicas = "-NOREPLICAS Not enough good replicas to write.";
inline constexpr std::string_view kStaleReplica =
    "-MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.";
inline constexpr std::string_view kMisconfRdb =
    "-MISCONF Redis is configured to save RDB snapshots, but it's currently unable to persist to disk. Commands that may "
    "modify the data set are disabled, because this instance is configured to report errors during writes if RDB "
    "snapshotting fails (stop-writes-on-bgsave-error option). Please check the Redis logs for details about the RDB "
    "error.";

}  // namespace holdfast::errors
