#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace holdfast::snapshot {

/// Libraries of functions as far as files know them: by their source. Implemented by src/scripting.
class FunctionStore {
 public:
  using Sources = std::shared_ptr<std::vector<std::string> const>;

  virtual ~FunctionStore() = default;
  /// Of all libraries at this moment. Any thread.
  virtual Sources sources() const = 0;
  /// Adds a library, or replaces the one of its name. While loading, or in a global transaction.
  virtual Status load(std::string_view source) = 0;
  /// Removes all. While loading, or in a global transaction.
  virtual void clear() = 0;
};

}  // namespace holdfast::snapshot
