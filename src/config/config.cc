#include "config/config.h"

#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <memory>
#include <unordered_set>

#include "base/check.h"
#include "base/glob.h"
#include "base/strings.h"

namespace holdfast::config {

Config::Config(std::string working_directory) : values_(std::move(working_directory)) {
  CHECK(values_.text(Directive::kDir).starts_with('/'));
}

std::string Config::current_directory() {
  struct Free {
    void operator()(char* text) const { std::free(text); }
  };
  std::unique_ptr<char, Free> const path(::getcwd(nullptr, 0));
  // A working directory that was removed has no name.
  return path == nullptr || *path != '/' ? "/" : std::string(path.get());
}

std::string Config::text(Directive directive) const { return value_text(row_of(directive), values_.get(directive)); }

uint64_t Config::client_memory_limit() const {
  int64_t const limit = integer(Directive::kMaxmemoryClients);
  if (limit >= 0) return static_cast<uint64_t>(limit);
  auto const percent = static_cast<uint64_t>(-limit);
  uint64_t const maxmemory = memory(Directive::kMaxmemory);
  return maxmemory / 100 * percent + maxmemory % 100 * percent / 100;
}

std::vector<std::pair<std::string, std::string>> Config::get(std::span<std::string const> patterns) const {
  std::vector<std::pair<std::string, std::string>> found;
  std::unordered_set<std::string> seen;
  auto const add = [&](std::string_view name, Directive directive) {
    if (seen.insert(to_lower(name)).second) found.emplace_back(name, text(directive));
  };
  for (std::string const& pattern : patterns) {
    if (pattern.find_first_of("*?[") == std::string::npos) {
      if (auto const directive = find_directive(pattern)) add(pattern, *directive);
      continue;
    }
    for (size_t i = 0; i < kDirectiveCount; ++i) {
      Row const& row = rows()[i];
      if (row.hidden) continue;
      for (std::string_view const name : {row.name, row.alias}) {
        if (!name.empty() && glob_match(pattern, name, true)) add(name, static_cast<Directive>(i));
      }
    }
  }
  return found;
}

void Config::on_change(std::initializer_list<Directive> directives, Hook hook) {
  for (Directive const directive : directives) hooks_of_[index_of(directive)].push_back(hooks_.size());
  hooks_.push_back(std::move(hook));
}

void Config::set_replica_of(std::optional<ReplicaOf> const& primary) {
  values_.put(Directive::kReplicaof, {0, primary ? replica_of_text(*primary) : std::string()});
}

void Config::override_number(Directive directive, int64_t number) {
  CHECK(is_number(row_of(directive).type));
  values_.put(directive, {number, {}});
}

}  // namespace holdfast::config
