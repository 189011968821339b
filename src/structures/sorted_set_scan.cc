#include "structures/sorted_set_scan.h"

#include <algorithm>

namespace holdfast {

SortedSetScan::SortedSetScan(SortedSet const& set, uint64_t cursor, uint64_t count)
    : set_(&set), begin_(cursor & ((uint64_t{1} << kCursorBits) - 1)), end_(begin_) {
  gather(count);
  find_runs();
}

void SortedSetScan::widen() {
  while (!at_end_ && gathered_ < cost_ / kPairsPerMemberMax) {
    gather(cost_ / kPairsPerMemberMax);
    find_runs();
  }
}

void SortedSetScan::gather(uint64_t members) {
  while (!at_end_ && gathered_ < members) {
    end_ = set_->index_.scan(end_, [&](double score) {
      scores_.push_back(score);
      gathered_++;
    });
    at_end_ = end_ == 0;
  }
}

void SortedSetScan::find_runs() {
  std::sort(scores_.begin(), scores_.end());
  scores_.erase(std::unique(scores_.begin(), scores_.end()), scores_.end());
  runs_.clear();
  cost_ = 0;
  for (double score : scores_) {
    runs_.push_back(set_->tree_.range(ScoreBound{score}, ScoreBound{score}));
    cost_ += runs_.back().size();
  }
}

}  // namespace holdfast
