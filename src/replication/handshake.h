#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace holdfast::replication {

/// What a replica says to its primary before the data flow, as a machine without I/O: lines in, bytes out.
///
///   connected -> PING -> [AUTH] REPLCONF listening-port / [ip-address] / capa, all at once -> PSYNC -> a verdict
class Handshake {
 public:
  struct Terms {
    std::string user;      ///< masteruser
    std::string password;  ///< masterauth; empty: no AUTH
    int port = 0;          ///< where we listen, or are said to
    std::string announced_ip;
    /// Go on after this place of this history; none: everything is wanted.
    struct Place {
      std::string id;
      uint64_t offset = 0;
    };
    std::optional<Place> resume;
    /// We have been the primary and hand over: PSYNC ... FAILOVER.
    bool failover = false;
  };

  enum class Verdict : uint8_t {
    kMore,       ///< send what is to be sent, and give the next line
    kFull,       ///< a data set follows, then the stream from `place` on
    kContinue,   ///< the stream follows; `place.id` is the id of its history, empty when it has not changed
    kOldFull,    ///< as kFull from a primary that knows no PSYNC: its place is unknown
    kRetry,      ///< close, and try again in a while; `trouble` says why
  };
  struct Step {
    Verdict verdict = Verdict::kMore;
    std::string send = {};
    Terms::Place place = {};
    std::string trouble = {};
  };

  explicit Handshake(Terms terms) : terms_(std::move(terms)) {}

  /// The connection stands.
  Step begin();
  /// A line from the primary without its end. Empty lines keep the connection alive and mean nothing.
  Step on_line(std::string_view line);

 private:
  enum class Expects : uint8_t { kPong, kAuth, kPort, kAddress, kCapabilities, kPsync };

  Step introduce();
  Step ask();
  Step judge(std::string_view line) const;
  void expect_next();

  Terms terms_;
  Expects expects_ = Expects::kPong;
};

}  // namespace holdfast::replication
