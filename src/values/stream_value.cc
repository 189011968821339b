#include "values/stream_value.h"

#include <algorithm>

#include "base/check.h"
#include "base/number.h"

namespace holdfast {

std::unique_ptr<Body> StreamBody::freeze() {
  auto frozen = std::make_unique<StreamBody>();
  frozen->entries_ = entries_.freeze();
  frozen->last_id = last_id;
  frozen->max_deleted_id = max_deleted_id;
  frozen->entries_added = entries_added;
  frozen->groups_ = groups_;
  frozen->group_bytes_ = group_bytes_;
  return frozen;
}

void StreamBody::relocate(BlockMover& mover) {
  if (mover.part == 0) {
    mover.position = entries_.relocate(mover, mover.position);
    if (mover.position < entries_.size()) return;
  } else {
    uint64_t list = mover.part - 1;
    size_t index = 0;
    while (index < groups() && list > group(index).consumers()) list -= 1 + group(index++).consumers();
    if (index == groups()) {
      mover.complete = true;
      return;
    }
    if (groups_.unique() && groups_.own()[index].unique()) {
      if (!groups_.own()[index].own().relocate(mover, list)) return;
    } else {
      mover.pass_over();
    }
  }
  mover.part++;
  mover.position = 0;
  mover.complete = groups() == 0;
}

void StreamBody::append(StreamId id, std::span<std::string_view const> pairs, StreamNodeLimits const& limits) {
  DCHECK(last_id < id);
  entries_.append(id, pairs, limits);
  last_id = id;
  entries_added++;
}

bool StreamBody::erase(StreamId id) {
  if (!entries_.erase(id)) return false;
  max_deleted_id = std::max(max_deleted_id, id);
  return true;
}

int64_t StreamBody::estimate_entries_read(StreamId id) const {
  uint64_t const length = size();
  if (entries_added == 0) return 0;
  // XSETID may have set any number: what is counted from it wraps around.
  if (id == last_id || (length == 0 && id < last_id)) return static_cast<int64_t>(entries_added);
  if (id > last_id) return StreamGroup::kUnknown;
  StreamId const first = first_id();
  if (max_deleted_id == StreamId() || max_deleted_id < first) {
    if (id < first) return static_cast<int64_t>(entries_added - length);
    if (id == first) return static_cast<int64_t>(entries_added - length + 1);
  }
  return StreamGroup::kUnknown;
}

std::optional<int64_t> StreamBody::lag_of(StreamGroup const& group) const {
  if (entries_added == 0) return 0;
  bool const exact = group.entries_read != StreamGroup::kUnknown && !has_gaps_from(group.last_id);
  int64_t const read = exact ? group.entries_read : estimate_entries_read(group.last_id);
  if (read == StreamGroup::kUnknown) return std::nullopt;
  // XGROUP may have, too.
  return static_cast<int64_t>(entries_added - static_cast<uint64_t>(read));
}

size_t StreamBody::group_rank(std::string_view name) const {
  auto const at = std::lower_bound(groups_->begin(), groups_->end(), name,
                                   [](auto const& group, std::string_view other) { return group->name() < other; });
  return static_cast<size_t>(at - groups_->begin());
}

std::optional<size_t> StreamBody::find_group(std::string_view name) const {
  size_t const rank = group_rank(name);
  if (rank == groups() || group(rank).name() != name) return std::nullopt;
  return rank;
}

size_t StreamBody::add_group(StreamGroup group) {
  size_t const rank = group_rank(group.name());
  group_bytes_ += group.memory_bytes();
  Groups& groups = groups_.own();
  groups.insert(groups.begin() + static_cast<ptrdiff_t>(rank), CopyOnWrite<StreamGroup>(std::move(group)));
  return rank;
}

void StreamBody::remove_group(size_t index) {
  group_bytes_ -= group(index).memory_bytes();
  Groups& groups = groups_.own();
  groups.erase(groups.begin() + static_cast<ptrdiff_t>(index));
}

StreamBody& open_stream(ValueEdit& edit) {
  if (!edit.body) edit.become(std::make_unique<StreamBody>());
  return *static_cast<StreamBody*>(edit.body);
}

StreamNodeLimits stream_node_limits(ValueLimits const& limits) {
  return {.bytes = limits.stream_node_max_bytes.load(std::memory_order_relaxed),
          .entries = limits.stream_node_max_entries.load(std::memory_order_relaxed)};
}

StreamIdText::StreamIdText(StreamId id) {
  char* at = bytes + format_uint64(bytes, id.ms);
  *at++ = '-';
  at += format_uint64(at, id.seq);
  size = static_cast<size_t>(at - bytes);
}

}  // namespace holdfast
