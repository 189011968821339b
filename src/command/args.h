#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "resp/reply.h"

namespace holdfast {

/// The arguments of one command, name included; views that live as long as the execution.
class Args {
 public:
  Args(std::string_view const* argv, size_t argc) : argv_(argv), argc_(argc) {}
  explicit Args(std::span<std::string_view const> argv) : argv_(argv.data()), argc_(argv.size()) {}

  std::string_view operator[](size_t index) const {
    DCHECK(index < argc_);
    return argv_[index];
  }
  size_t size() const { return argc_; }
  /// The first `count` arguments.
  Args first(size_t count) const { return {argv_, count}; }
  std::span<std::string_view const> span() const { return {argv_, argc_}; }
  /// Of all of them, without what is between.
  size_t bytes() const;
  /// Argument `index` equals the upper case word, ignoring case.
  bool is(size_t index, std::string_view word) const;
  /// The integer at `index`; on failure writes `-ERR value is not an integer or out of range` (or `error`) and is empty.
  std::optional<int64_t> integer(size_t index, Reply& reply, std::string_view error = {}) const;

 private:
  std::string_view const* argv_;
  size_t argc_;
};

}  // namespace holdfast
