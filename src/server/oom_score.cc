#include "server/oom_score.h"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <fstream>

namespace holdfast {
namespace {

constexpr char kFile[] = "/proc/self/oom_score_adj";
constexpr int kScoreMax = 1000;

}  // namespace

int oom_score(config::OomScoreAdj mode, int base, int value) {
  return std::clamp(mode == config::OomScoreAdj::kAbsolute ? value : base + value, -kScoreMax, kScoreMax);
}

Status OomScore::apply(config::OomScoreAdj mode, config::OomScoreValues const& values, bool replica) {
  MutexLock lock(mutex_);
  bool const wanted = mode != config::OomScoreAdj::kNo;
  if (!wanted && !changed_) return {};
  if (!base_) {
    int value = 0;
    std::ifstream file(kFile);
    if (!(file >> value)) return fail_errno("Unable to read oom_score_adj", errno);
    base_ = value;
  }
  int const score = wanted ? oom_score(mode, *base_, values[replica ? 1 : 0]) : *base_;
  std::ofstream file(kFile);
  if (!(file << score << std::flush)) return fail_errno("Unable to write oom_score_adj", errno);
  changed_ = wanted;
  return {};
}

}  // namespace holdfast
