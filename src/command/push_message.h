#pragma once

#include <cstddef>
#include <memory>

#include "resp/output_buffer.h"

namespace holdfast {

class Session;

/// Something that a connection is told without having asked: a message of a channel, an invalidated key, a line of MONITOR.
/// Immutable once made; shared by all who get it, on any thread.
class PushMessage {
 public:
  virtual ~PushMessage() = default;
  /// Writes it as `session` is to see it, or nothing if that has stopped listening. On the session's worker, between replies.
  virtual void write(Session& session, OutputBuffer& out) const = 0;
  /// About what it takes in memory, bytes.
  virtual size_t bytes() const = 0;
};

using SharedPush = std::shared_ptr<PushMessage const>;

}  // namespace holdfast
