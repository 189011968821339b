#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/clock.h"
#include "base/logger.h"
#include "base/mutex.h"
#include "base/result.h"
#include "base/thread_annotations.h"
#include "command/script_run.h"
#include "snapshot/function_store.h"

namespace holdfast::scripting {

/// A function of a library. Immutable but for what is learnt of it; any thread.
struct LibraryFunction {
  std::string name;
  std::optional<std::string> description;
  uint32_t flags = 0;
  mutable std::atomic<ScriptReach> reach{ScriptReach::kDeclared};
};

/// A library that was accepted. The order of the functions is that of their registration.
struct Library {
  std::string name;
  std::string source;  ///< with its first line
  std::vector<std::unique_ptr<LibraryFunction>> functions;
};

/// All libraries at some moment. Immutable.
class LibrarySet {
 public:
  using Libraries = std::map<std::string, std::shared_ptr<Library const>, std::less<>>;
  struct Found {
    std::shared_ptr<Library const> library;
    size_t index = 0;  ///< of the function in it
    LibraryFunction const& function() const { return *library->functions[index]; }
  };

  Libraries const& libraries() const { return libraries_; }
  size_t function_count() const;
  /// Any case.
  std::optional<Found> find(std::string_view function) const;
  bool holds(Library const* library) const;

  /// A set with these instead of those of the same name, when `replace`. Fails with the text of the error reply.
  Result<std::shared_ptr<LibrarySet const>> with(std::vector<std::shared_ptr<Library const>> const& added, bool replace) const;
  std::shared_ptr<LibrarySet const> without(std::string_view library) const;

 private:
  Libraries libraries_;
  std::unordered_map<std::string, Found> functions_;  // by name in lower case

  Status index(std::shared_ptr<Library const> const& library);
};

/// The functions of the whole process. Changed in global transactions and while loading only; read by any thread. Each
/// worker compiles the libraries whose functions it calls. The mutex is a leaf.
class FunctionRegistry final : public snapshot::FunctionStore {
 public:
  FunctionRegistry(Clock const& clock, Logger& logger, std::atomic<int64_t>& state_bytes)
      : clock_(clock), logger_(logger), state_bytes_(state_bytes) {}

  std::shared_ptr<LibrarySet const> current() const;
  /// Changes with every change.
  uint64_t version() const { return version_.load(std::memory_order_acquire); }
  void publish(std::shared_ptr<LibrarySet const> set);

  /// Runs the code of a library, in a Lua state of its own, to see what it registers. Fails with the text of the error
  /// reply. Any thread; takes a few hundred microseconds, at most half a second.
  Result<std::shared_ptr<Library const>> examine(std::string_view source) const;

  Sources sources() const override;
  Status load(std::string_view source) override;
  void clear() override { publish(std::make_shared<LibrarySet>()); }

  /// Of the sources and what belongs to them.
  size_t bytes() const;

 private:
  Clock const& clock_;
  Logger& logger_;
  std::atomic<int64_t>& state_bytes_;
  mutable Mutex mutex_;
  std::shared_ptr<LibrarySet const> current_ GUARDED_BY(mutex_) = std::make_shared<LibrarySet>();
  std::atomic<uint64_t> version_{1};
};

}  // namespace holdfast::scripting
