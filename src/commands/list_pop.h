#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "command/args.h"
#include "keyspace/txn.h"
#include "values/list_value.h"

namespace holdfast {

// What the commands that take elements off a list share with those that wait for them.

/// Removes the element at an end of a list that exists, and replies it.
void pop_one(Txn& txn, std::string_view key, Record* record, ListEnd end, Reply& reply);

/// LEFT or RIGHT. On failure writes the error.
std::optional<ListEnd> read_list_end(Args args, size_t index, Reply& reply);

/// What LMPOP and BLMPOP are asked for.
struct ListPop {
  size_t first_key = 0;  ///< argument index
  size_t keys = 0;
  ListEnd end = ListEnd::kHead;
  uint64_t count = 1;

  /// Reads `numkeys key [key ...] LEFT|RIGHT [COUNT count]` from `index` on. On failure writes the error.
  static std::optional<ListPop> parse(Args args, size_t index, Reply& reply);
};

/// Pops from the first list that is there, and replies its name and the elements. False: there is none, and nothing was
/// replied.
bool pop_first(Txn& txn, Args args, ListPop const& pop, Reply& reply);

/// Moves an element from args[1] to args[2] and replies it. False: there is no list args[1], and nothing was replied.
bool move_element(Txn& txn, Args args, Reply& reply, ListEnd from, ListEnd to);

}  // namespace holdfast
