#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "structures/block_list.h"
#include "structures/packed_list.h"
#include "values/detached_value.h"
#include "values/list_limit.h"

namespace holdfast {

/// Makes a list from its head to its tail: out of a file, or as the result of a command.
class ListBuilder {
 public:
  void append(std::string_view text);
  /// The entries of a valid packed list.
  void append_list(PackedListView list);
  /// What follows was a node of its own where the list comes from; a list of more than one node is a quicklist.
  void note_node() { nodes_++; }

  uint64_t size() const { return spilled_ ? blocks_.size() : packed_.count(); }
  /// The list; nothing when it has no elements.
  std::optional<DetachedValue> finish(ListLimit const& limit);

 private:
  void spill();

  PackedListBuilder packed_;  // until it is too long for a record
  BlockList blocks_;
  bool spilled_ = false;
  uint64_t nodes_ = 0;
};

}  // namespace holdfast
