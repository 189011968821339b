#pragma once

#include <string>
#include <string_view>

#include "structures/stream_leaf.h"

namespace holdfast {

// A node of a stream in a file: its key is the id that the others count from, and its listpack is
//
//   entries, deleted, number of names, names ..., 0
//   then for each entry: flags (1 deleted, 2 the names in front), ms - key.ms, seq - key.seq,
//     [number of pairs] { [field] value }, number of elements so far

/// The listpack of a leaf whose key is `master`.
std::string pack_stream_node(StreamLeaf const& leaf);

/// A leaf of foreign bytes, or null when they are no node. Nothing is trusted. Entries that are marked as deleted are
/// left out; a leaf may come out without entries, and is then to be destroyed. `before`: the last id of the node before;
/// becomes that of this one.
StreamLeaf* unpack_stream_node(StreamId key, std::string_view listpack, StreamId& before);

}  // namespace holdfast
