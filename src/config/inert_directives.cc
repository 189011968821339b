#include "config/inert_directives.h"

namespace holdfast::config {
namespace {

struct Inert {
  std::string_view name;
  /// Null: `directive` is not at its default.
  bool (*is_set)(Config const& config);
  Directive directive;
  std::string_view consequence;
};

bool is_sentinel(Config const& config) { return config.sentinel_mode(); }

constexpr Inert kInert[] = {
    {"cluster-enabled", nullptr, Directive::kClusterEnabled,
     "the server joins no cluster: it answers for all keys by itself"},
    {"--sentinel", is_sentinel, Directive::kPort, "the server watches nobody: it is a server like any other"},
    {"repl-diskless-load", nullptr, Directive::kReplDisklessLoad,
     "a replica always receives all data into a file and checks it; until then it serves its old data, then it answers LOADING "
     "until the new are in memory"},
    {"list-compress-depth", nullptr, Directive::kListCompressDepth, "lists are not compressed"},
};

}  // namespace

std::vector<std::string> inert_directives(Config const& config) {
  Config const defaults(config.text(Directive::kDir));
  std::vector<std::string> texts;
  for (Inert const& inert : kInert) {
    bool const set = inert.is_set ? inert.is_set(config) : config.text(inert.directive) != defaults.text(inert.directive);
    if (set) texts.push_back(std::string(inert.name) + " has no effect yet: " + std::string(inert.consequence) + ".");
  }
  return texts;
}

}  // namespace holdfast::config
