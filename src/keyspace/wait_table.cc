#include "keyspace/wait_table.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "base/number.h"

namespace holdfast {
namespace {

bool waits(std::weak_ptr<KeyWaiter> const& place) {
  std::shared_ptr<KeyWaiter> const waiter = place.lock();
  return waiter && waiter->waiting();
}

}  // namespace

WaitLine::Queue& WaitLine::queue(ValueType type) {
  DCHECK(type == ValueType::kList || type == ValueType::kZset || type == ValueType::kStream);
  return queues_[type == ValueType::kList ? 0 : type == ValueType::kZset ? 1 : 2];
}

void WaitLine::add(ValueType type, std::weak_ptr<KeyWaiter> waiter) { queue(type).push_back(std::move(waiter)); }

std::shared_ptr<KeyWaiter> WaitLine::first(ValueType type) {
  for (Queue& queue = this->queue(type); !queue.empty(); queue.pop_front()) {
    std::shared_ptr<KeyWaiter> waiter = queue.front().lock();
    if (waiter && waiter->waiting()) return waiter;
  }
  return nullptr;
}

void WaitLine::drop_first(ValueType type) { queue(type).pop_front(); }

void WaitLine::visit_streams(std::function<bool(std::shared_ptr<KeyWaiter> const&)> const& visit) {
  Queue& queue = this->queue(ValueType::kStream);
  size_t kept = 0;
  for (size_t i = 0; i < queue.size(); i++) {
    std::shared_ptr<KeyWaiter> const waiter = queue[i].lock();
    if (!waiter || !waiter->waiting() || visit(waiter)) continue;
    if (kept != i) queue[kept] = std::move(queue[i]);
    kept++;
  }
  queue.resize(kept);
}

size_t WaitLine::sweep() {
  size_t left = 0;
  for (Queue& queue : queues_) {
    std::erase_if(queue, [](auto const& place) { return !waits(place); });
    queue.shrink_to_fit();
    left += queue.size();
  }
  return left;
}

size_t WaitLine::places() const {
  size_t places = 0;
  for (Queue const& queue : queues_) places += queue.size();
  return places;
}

std::string WaitTable::name(int db, std::string_view key) { return to_text(db).append(":").append(key); }

void WaitTable::add(int db, std::string_view key, ValueType type, std::shared_ptr<KeyWaiter> const& waiter) {
  count_one_more();
  lines_[name(db, key)].add(type, waiter);
}

void WaitTable::add_target(uint64_t key_hash, uint64_t target_hash, std::shared_ptr<KeyWaiter> const& waiter) {
  targets_.emplace(key_hash, Target{target_hash, waiter});
}

WaitLine* WaitTable::find(int db, std::string_view key) {
  auto const found = lines_.find(name(db, key));
  return found == lines_.end() ? nullptr : &found->second;
}

void WaitTable::drop_if_empty(int db, std::string_view key) {
  auto const found = lines_.find(name(db, key));
  if (found != lines_.end() && found->second.empty()) lines_.erase(found);
}

size_t WaitTable::places() const {
  size_t places = 0;
  for (auto const& [name, line] : lines_) places += line.places();
  return places;
}

std::vector<std::string> WaitTable::keys_of(int db) const {
  std::string const prefix = name(db, "");
  std::vector<std::string> keys;
  for (auto const& [text, line] : lines_) {
    if (text.starts_with(prefix)) keys.push_back(text.substr(prefix.size()));
  }
  return keys;
}

void WaitTable::find_targets(uint64_t key_hash, std::function<void(uint64_t)> const& found) const {
  auto const [begin, end] = targets_.equal_range(key_hash);
  for (auto each = begin; each != end; ++each) {
    if (waits(each->second.waiter)) found(each->second.hash);
  }
}

void WaitTable::count_one_more() {
  if (++added_ < sweep_at_) return;
  size_t left = 0;
  for (auto line = lines_.begin(); line != lines_.end();) {
    size_t const waiting = line->second.sweep();
    left += waiting;
    line = waiting == 0 ? lines_.erase(line) : std::next(line);
  }
  std::erase_if(targets_, [](auto const& each) { return !waits(each.second.waiter); });
  added_ = 0;
  sweep_at_ = std::max(kSweepAtMin, left * 2);
}

}  // namespace holdfast
