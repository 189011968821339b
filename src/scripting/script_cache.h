#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/mutex.h"
#include "base/thread_annotations.h"
#include "command/script_run.h"

namespace holdfast::scripting {

/// A script of EVAL or SCRIPT LOAD. Immutable but for what is learnt of it; any thread.
struct Script {
  std::string sha;   ///< 40 lower case hex digits
  std::string text;  ///< as it was sent
  uint32_t flags = 0;
  bool has_header = false;
  std::atomic<ScriptReach> reach{ScriptReach::kDeclared};
};

/// The scripts of the whole process, by their SHA-1. Each worker compiles those it runs. Any thread; the mutex is a leaf.
class ScriptCache {
 public:
  std::shared_ptr<Script> find(std::string_view sha) const;
  /// Returns the one that is there already, if it is.
  std::shared_ptr<Script> add(std::shared_ptr<Script> script);
  /// SCRIPT FLUSH: what workers have compiled of an older generation is void.
  void clear();
  uint64_t generation() const { return generation_.load(std::memory_order_acquire); }

  size_t size() const;
  /// Of the texts and what belongs to them.
  size_t bytes() const;

 private:
  mutable Mutex mutex_;
  std::unordered_map<std::string, std::shared_ptr<Script>> scripts_ GUARDED_BY(mutex_);
  size_t bytes_ GUARDED_BY(mutex_) = 0;
  std::atomic<uint64_t> generation_{0};
};

}  // namespace holdfast::scripting
