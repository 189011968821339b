#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "pubsub/inbox.h"

namespace holdfast {

/// The inboxes of all workers. Any thread sends; a worker delivers what is its own.
class PostOffice {
 public:
  explicit PostOffice(int workers);

  /// Asks a worker to deliver; set before the workers start. Called without any mutex held.
  std::function<void(int worker)> wake;

  /// Sending to several workers. They are woken at the end of the scope, because that is a system call, which must not be
  /// made under the mutex that gives messages their order: make the round before the lock.
  class Round {
   public:
    explicit Round(PostOffice& office) : office_(office) {}
    ~Round() {
      for (int worker : woken_) office_.wake(worker);
    }
    Round(Round const&) = delete;
    Round& operator=(Round const&) = delete;

    void send(int worker, SharedPush const& message, Receivers receivers) {
      if (office_.inboxes_[static_cast<size_t>(worker)]->push(message, std::move(receivers))) woken_.push_back(worker);
    }
    void send_one(int worker, SharedPush const& message, uint64_t receiver) {
      send(worker, message, std::make_shared<std::vector<uint64_t> const>(1, receiver));
    }

   private:
    PostOffice& office_;
    std::vector<int> woken_;
  };

  Inbox& inbox(int worker) { return *inboxes_[static_cast<size_t>(worker)]; }

 private:
  std::vector<std::unique_ptr<Inbox>> inboxes_;
};

}  // namespace holdfast
