#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace holdfast {

/// CLIENT TRACKING of one connection. Belongs to its session; what other threads must know is in Tracking.
struct TrackingState {
  bool broadcast = false;  ///< BCAST: by prefix, whatever was read
  bool opt_in = false;     ///< only what is read right after CLIENT CACHING YES
  bool opt_out = false;    ///< but for what is read right after CLIENT CACHING NO
  bool no_loop = false;    ///< not what this connection changes itself
  bool caching = false;    ///< CLIENT CACHING was said for the next command
  bool broken_redirect = false;
  uint64_t redirect = 0;   ///< id of the connection that is told; 0: this one
  std::vector<std::string> prefixes = {};  ///< of BCAST, sorted

  /// Whether keys that are read now are remembered.
  bool remembers() const { return !broadcast && (!opt_in || caching) && (!opt_out || !caching); }
};

}  // namespace holdfast
