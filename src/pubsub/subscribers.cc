#include "pubsub/subscribers.h"

#include <algorithm>
#include <memory>

#include "base/check.h"

namespace holdfast {

void Subscribers::add(Subscriber subscriber) {
  auto found = std::ranges::find(workers_, subscriber.worker, &OfWorker::worker);
  if (found == workers_.end()) found = workers_.insert(found, OfWorker{subscriber.worker, {}, {}});
  found->ids.push_back(subscriber.id);
  found->shared.reset();
  count_++;
}

void Subscribers::remove(Subscriber subscriber) {
  auto found = std::ranges::find(workers_, subscriber.worker, &OfWorker::worker);
  CHECK(found != workers_.end());
  auto id = std::ranges::find(found->ids, subscriber.id);
  CHECK(id != found->ids.end());
  *id = found->ids.back();
  found->ids.pop_back();
  found->shared.reset();
  if (found->ids.empty()) workers_.erase(found);
  count_--;
}

Receivers const& Subscribers::shared(OfWorker const& group) {
  if (!group.shared) group.shared = std::make_shared<std::vector<uint64_t> const>(group.ids);
  return group.shared;
}

std::vector<Subscribers::Group> Subscribers::groups() const {
  std::vector<Group> groups;
  for (OfWorker const& group : workers_) groups.push_back({group.worker, shared(group)});
  return groups;
}

size_t Subscribers::send(SharedPush const& message, PostOffice::Round& round) const {
  for (OfWorker const& group : workers_) round.send(group.worker, message, shared(group));
  return count_;
}

}  // namespace holdfast
