#pragma once

namespace holdfast {

class Session;

/// Who is told of sessions and their commands without being asked. Any thread, for sessions of that thread.
class Observers {
 public:
  virtual ~Observers() = default;
  /// The session starts anew (RESET) or ends: it listens to nothing any more.
  virtual void forget(Session& session) = 0;
};

}  // namespace holdfast
