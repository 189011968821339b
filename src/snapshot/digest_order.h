#pragma once

#include <functional>

#include "base/result.h"
#include "snapshot/group_digest.h"

namespace holdfast::snapshot {

/// Digests of all keys at one moment. Made by a cut, so nobody waits for them; see Persistence::make_digests.
struct DigestOrder {
  /// In the global transaction of the cut. False: nobody wants them any more.
  std::function<bool()> begun;
  /// On the file thread; with success `result` is there. Not called when SHUTDOWN has cancelled it before it was its turn.
  std::function<void(Status const&)> ended;
  GroupDigests result;
};

}  // namespace holdfast::snapshot
