#include "replication/history.h"

#include <utility>

#include "base/strings.h"

namespace holdfast::replication {

bool History::shares(std::string_view id, int64_t wanted) const {
  if (iequals(id, id_)) return true;
  return previous_end_ >= 0 && iequals(id, previous_id_) && wanted <= previous_end_;
}

bool History::may_resume(std::string_view id, int64_t wanted, uint64_t held_from, uint64_t end) const {
  auto const first = static_cast<uint64_t>(wanted);
  return wanted > 0 && first > held_from && first <= end + 1 && shares(id, wanted);
}

void History::branch(std::string id, uint64_t offset) {
  previous_id_ = std::exchange(id_, std::move(id));
  previous_end_ = static_cast<int64_t>(offset) + 1;
}

void History::adopt(std::string id) {
  id_ = std::move(id);
  previous_id_.assign(kIdDigits, '0');
  previous_end_ = -1;
}

}  // namespace holdfast::replication
