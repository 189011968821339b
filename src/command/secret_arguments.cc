#include "command/secret_arguments.h"

#include <algorithm>

#include "config/directives.h"

namespace holdfast {
namespace {

void add_from(std::vector<size_t>& secrets, size_t first, size_t end) {
  for (size_t i = first; i < end; i++) secrets.push_back(i);
}

/// `word` and the `count` arguments after it; the word itself may be shown.
void add_after_word(std::vector<size_t>& secrets, Args args, size_t from, std::string_view word, size_t count) {
  for (size_t i = from; i < args.size(); i++) {
    if (!args.is(i, word)) continue;
    size_t const end = std::min(args.size(), i + 1 + count);
    add_from(secrets, i + 1, end);
    i = end - 1;
  }
}

bool is_secret_directive(std::string_view name) {
  auto const directive = config::find_directive(name);
  return directive && config::row_of(*directive).sensitive;
}

}  // namespace

std::vector<size_t> secret_arguments(std::string_view full_name, Args args) {
  std::vector<size_t> secrets;
  if (full_name == "auth") {
    add_from(secrets, 1, args.size());
  } else if (full_name == "hello") {
    add_after_word(secrets, args, 2, "AUTH", 2);
  } else if (full_name == "acl|setuser") {
    add_from(secrets, 2, args.size());
  } else if (full_name == "config|set") {
    for (size_t i = 2; i + 1 < args.size(); i += 2) {
      if (is_secret_directive(args[i])) secrets.push_back(i + 1);
    }
  } else if (full_name == "migrate") {
    // The options begin after host, port, key, database and timeout; KEYS ends them.
    for (size_t i = 6; i < args.size() && !args.is(i, "KEYS"); i++) {
      size_t const count = args.is(i, "AUTH") ? 1 : args.is(i, "AUTH2") ? 2 : 0;
      size_t const end = std::min(args.size(), i + 1 + count);
      add_from(secrets, i + 1, end);
      i = end - 1;
    }
  }
  return secrets;
}

}  // namespace holdfast
