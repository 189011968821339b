#pragma once

#include <syslog.h>

#include <cstdint>

#include "base/logger.h"
#include "config/directive_row.h"

// The word lists of the choice directives and the enums that callers compare with (Config::choice<E>()).

namespace holdfast::config {

enum class AclPubsub : int { kAllChannels, kResetChannels };
inline constexpr Choice kAclPubsubChoices[] = {{"allchannels", int(AclPubsub::kAllChannels)},
                                               {"resetchannels", int(AclPubsub::kResetChannels)}};

enum class AppendFsync : int { kEverySecond, kAlways, kNo };
inline constexpr Choice kAppendFsyncChoices[] = {
    {"everysec", int(AppendFsync::kEverySecond)}, {"always", int(AppendFsync::kAlways)}, {"no", int(AppendFsync::kNo)}};

enum class EndpointType : int { kIp, kHostname, kUnknown };
inline constexpr Choice kEndpointTypeChoices[] = {{"ip", int(EndpointType::kIp)},
                                                  {"hostname", int(EndpointType::kHostname)},
                                                  {"unknown-endpoint", int(EndpointType::kUnknown)}};

/// Who may use debug commands, module commands and protected directives. Local: loopback or unix socket.
enum class LocalAction : int { kNo, kYes, kLocal };
inline constexpr Choice kLocalActionChoices[] = {
    {"no", int(LocalAction::kNo)}, {"yes", int(LocalAction::kYes)}, {"local", int(LocalAction::kLocal)}};

inline constexpr Choice kLogLevelChoices[] = {{"debug", int(LogLevel::kDebug)},
                                              {"verbose", int(LogLevel::kVerbose)},
                                              {"notice", int(LogLevel::kNotice)},
                                              {"warning", int(LogLevel::kWarning)}};

enum class MaxmemoryPolicy : int {
  kVolatileLru,
  kVolatileLfu,
  kVolatileRandom,
  kVolatileTtl,
  kAllKeysLru,
  kAllKeysLfu,
  kAllKeysRandom,
  kNoEviction,
};
inline constexpr Choice kMaxmemoryPolicyChoices[] = {
    {"volatile-lru", int(MaxmemoryPolicy::kVolatileLru)},       {"volatile-lfu", int(MaxmemoryPolicy::kVolatileLfu)},
    {"volatile-random", int(MaxmemoryPolicy::kVolatileRandom)}, {"volatile-ttl", int(MaxmemoryPolicy::kVolatileTtl)},
    {"allkeys-lru", int(MaxmemoryPolicy::kAllKeysLru)},         {"allkeys-lfu", int(MaxmemoryPolicy::kAllKeysLfu)},
    {"allkeys-random", int(MaxmemoryPolicy::kAllKeysRandom)},   {"noeviction", int(MaxmemoryPolicy::kNoEviction)}};

enum class OomScoreAdj : int { kNo, kRelative, kAbsolute };
inline constexpr Choice kOomScoreAdjChoices[] = {{"no", int(OomScoreAdj::kNo)},
                                                 {"yes", int(OomScoreAdj::kRelative)},
                                                 {"relative", int(OomScoreAdj::kRelative)},
                                                 {"absolute", int(OomScoreAdj::kAbsolute)}};

enum class PropagationError : int { kIgnore, kPanic, kPanicOnReplicas };
inline constexpr Choice kPropagationErrorChoices[] = {{"ignore", int(PropagationError::kIgnore)},
                                                      {"panic", int(PropagationError::kPanic)},
                                                      {"panic-on-replicas", int(PropagationError::kPanicOnReplicas)}};

enum class DisklessLoad : int { kDisabled, kOnEmptyDb, kSwapDb };
inline constexpr Choice kDisklessLoadChoices[] = {{"disabled", int(DisklessLoad::kDisabled)},
                                                  {"on-empty-db", int(DisklessLoad::kOnEmptyDb)},
                                                  {"swapdb", int(DisklessLoad::kSwapDb)}};

enum class SanitizePayload : int { kNo, kYes, kClients };
inline constexpr Choice kSanitizeChoices[] = {{"no", int(SanitizePayload::kNo)},
                                              {"yes", int(SanitizePayload::kYes)},
                                              {"clients", int(SanitizePayload::kClients)}};

enum class Supervised : int { kUpstart, kSystemd, kAuto, kNo };
inline constexpr Choice kSupervisedChoices[] = {{"upstart", int(Supervised::kUpstart)},
                                                {"systemd", int(Supervised::kSystemd)},
                                                {"auto", int(Supervised::kAuto)},
                                                {"no", int(Supervised::kNo)}};

/// The values are those of <syslog.h>.
inline constexpr Choice kSyslogFacilityChoices[] = {
    {"user", LOG_USER},     {"local0", LOG_LOCAL0}, {"local1", LOG_LOCAL1},
    {"local2", LOG_LOCAL2}, {"local3", LOG_LOCAL3}, {"local4", LOG_LOCAL4},
    {"local5", LOG_LOCAL5}, {"local6", LOG_LOCAL6}, {"local7", LOG_LOCAL7}};

/// Who gets in when maxclients is reached. Loopback includes the Unix socket.
enum class MaxclientsReservedFor : int { kUnixSocket, kLoopback };
inline constexpr Choice kMaxclientsReservedForChoices[] = {{"unixsocket", int(MaxclientsReservedFor::kUnixSocket)},
                                                           {"loopback", int(MaxclientsReservedFor::kLoopback)}};

enum class TlsAuthClients : int { kNo, kYes, kOptional };
inline constexpr Choice kTlsAuthClientsChoices[] = {
    {"no", int(TlsAuthClients::kNo)}, {"yes", int(TlsAuthClients::kYes)}, {"optional", int(TlsAuthClients::kOptional)}};

/// Bits of shutdown-on-sigint and shutdown-on-sigterm; 0 is "default".
inline constexpr int64_t kShutdownSave = 1;
inline constexpr int64_t kShutdownNoSave = 2;
inline constexpr int64_t kShutdownNow = 4;
inline constexpr int64_t kShutdownForce = 8;
inline constexpr Choice kShutdownChoices[] = {{"default", 0},
                                              {"save", kShutdownSave},
                                              {"nosave", kShutdownNoSave},
                                              {"now", kShutdownNow},
                                              {"force", kShutdownForce}};

}  // namespace holdfast::config
