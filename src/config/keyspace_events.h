#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace holdfast::config {

/// Classes of notify-keyspace-events. Without kKeyspace or kKeyevent nothing is sent.
enum KeyspaceEvents : uint32_t {
  kEventKeyspace = 1U << 0,  // K: channel __keyspace@<db>__:<key>
  kEventKeyevent = 1U << 1,  // E: channel __keyevent@<db>__:<event>
  kEventGeneric = 1U << 2,   // g
  kEventString = 1U << 3,    // $
  kEventList = 1U << 4,      // l
  kEventSet = 1U << 5,       // s
  kEventHash = 1U << 6,      // h
  kEventZset = 1U << 7,      // z
  kEventExpired = 1U << 8,   // x
  kEventEvicted = 1U << 9,   // e
  kEventStream = 1U << 10,   // t
  kEventModule = 1U << 11,   // d
  kEventKeyMiss = 1U << 12,  // m
  kEventNew = 1U << 13,      // n
};

/// What the letter A stands for: every class but key misses and new keys.
inline constexpr uint32_t kEventAll = kEventGeneric | kEventString | kEventList | kEventSet | kEventHash | kEventZset |
                                      kEventExpired | kEventEvicted | kEventStream | kEventModule;

/// Nothing when a letter is unknown.
std::optional<uint32_t> parse_keyspace_events(std::string_view letters);

/// As CONFIG GET prints the mask: A or the letters of the classes, then K, E and m. With A the reference leaves `n`
/// out, so a file written from this text would lose it: `keep_new` adds it.
std::string keyspace_events_text(uint32_t mask, bool keep_new = false);

}  // namespace holdfast::config
