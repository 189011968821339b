#pragma once

#include "acl/users.h"

namespace holdfast::acl {

/// A few commands in a few categories, for tests.
inline Catalog test_catalog() {
  enum : uint32_t { kRead = 1, kWrite = 2, kString = 4, kAdmin = 8, kSlow = 16 };
  return {{
              {.name = "get", .categories = kRead | kString},
              {.name = "set", .categories = kWrite | kString},
              {.name = "strlen", .categories = kRead | kString},
              {.name = "lrange", .categories = kRead},
              {.name = "lpush", .categories = kWrite},
              {.name = "config", .categories = kSlow, .subcommands = {6, 7}},
              {.name = "config|get", .categories = kAdmin | kSlow, .is_subcommand = true},
              {.name = "config|set", .categories = kAdmin | kSlow, .is_subcommand = true},
              {.name = "keys", .categories = kRead | kSlow},
          },
          {"read", "write", "string", "admin", "slow"}};
}

}  // namespace holdfast::acl
