#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "pubsub/post_office.h"

namespace holdfast {

/// A connection as a receiver: the worker that owns it, and its id.
struct Subscriber {
  int worker;
  uint64_t id;
};

/// Who listens to one name, by worker. Guarded by whoever owns it.
///
/// A message carries a list of receivers that is shared by all messages until somebody comes or goes.
class Subscribers {
 public:
  /// Precondition: not in it / in it.
  void add(Subscriber subscriber);
  void remove(Subscriber subscriber);
  bool empty() const { return count_ == 0; }
  size_t size() const { return count_; }

  /// What the owner's mutex need not guard: the receivers of this moment.
  struct Group {
    int worker;
    Receivers receivers;
  };
  std::vector<Group> groups() const;
  /// Sends to all; returns how many they are.
  size_t send(SharedPush const& message, PostOffice::Round& round) const;

 private:
  struct OfWorker {
    int worker;
    std::vector<uint64_t> ids;
    mutable Receivers shared;  ///< a copy of `ids`, made when it is needed
  };
  static Receivers const& shared(OfWorker const& group);

  std::vector<OfWorker> workers_;
  size_t count_ = 0;
};

}  // namespace holdfast
