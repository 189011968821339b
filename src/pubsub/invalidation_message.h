#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "command/push_message.h"

namespace holdfast {

/// Tells a connection that caches what it has read, or the one that it redirects to, which keys have changed: `invalidate`
/// in RESP3, a message of the channel __redis__:invalidate for a RESP2 subscriber that others redirect to, else nothing.
class InvalidationMessage final : public PushMessage {
 public:
  /// No keys: all of them.
  InvalidationMessage(std::optional<std::span<std::string_view const>> keys, bool redirected);

  void write(Session& session, OutputBuffer& out) const override;
  size_t bytes() const override { return keys_.size(); }

 private:
  std::string keys_;  ///< an array; empty: null
  bool redirected_;
};

/// Tells a connection that the one it redirects to is gone.
class BrokenRedirectMessage final : public PushMessage {
 public:
  explicit BrokenRedirectMessage(uint64_t redirect) : redirect_(redirect) {}
  void write(Session& session, OutputBuffer& out) const override;
  size_t bytes() const override { return sizeof *this; }

 private:
  uint64_t redirect_;
};

}  // namespace holdfast
