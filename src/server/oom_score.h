#pragma once

#include <optional>

#include "base/mutex.h"
#include "base/result.h"
#include "base/thread_annotations.h"
#include "config/choices.h"
#include "config/special_values.h"

namespace holdfast {

/// How gladly the kernel ends this process when memory is short (`oom-score-adj`). Any thread: its mutex is held while a file of
/// /proc is written, but only those who administer the server and who change its role ever ask for it.
class OomScore {
 public:
  /// Writes what the configuration wants for this role: the first value for a primary, the second for a replica. The third is
  /// for children, and there are none.
  Status apply(config::OomScoreAdj mode, config::OomScoreValues const& values, bool replica) EXCLUDES(mutex_);

 private:
  Mutex mutex_;
  std::optional<int> base_ GUARDED_BY(mutex_);  ///< what it was when it was changed for the first time
  bool changed_ GUARDED_BY(mutex_) = false;
};

/// What the kernel takes: `value`, on top of `base` in the relative mode.
int oom_score(config::OomScoreAdj mode, int base, int value);

}  // namespace holdfast
