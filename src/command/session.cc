#include "command/session.h"

#include "command/blocked_client.h"
#include "command/task_runner.h"
#include "command/observers.h"
#include "config/config.h"
#include "keyspace/keyspace.h"

namespace holdfast {

Session::Session(Services& services, std::shared_ptr<ClientCard> card) : services_(services), card_(std::move(card)) {}

Session::~Session() {
  if (parked) parked->locks.abandon(services_.keyspace);
  stop_waiting();
  forget_observers();
}

void Session::forget_observers() {
  if (observed) services_.observers->forget(*this);
  observed = false;
}

void Session::stop_waiting() {
  if (!blocked) return;
  blocked->close();
  if (blocked->over() && blocked->state() != BlockedClient::State::kServed) {
    leave_lines(services_.keyspace, db_, blocked->request());
  }
  blocked.reset();
  card_->set_unblockable(nullptr);
  card_->wait_ends.store(false, std::memory_order_relaxed);
}

void Session::unwatch() {
  watched.clear();
  watch_flag.reset();
  card_->watched_keys.store(0, std::memory_order_relaxed);
}

void Session::end_transaction() {
  transaction = {};
  card_->queued_commands.store(-1, std::memory_order_relaxed);
  card_->queued_bytes.store(0, std::memory_order_relaxed);
  unwatch();
}

void Session::reset() {
  end_transaction();
  forget_observers();
  select(0);
  set_protocol(2);
  card_->set_name("");
  reply_mode = ReplyMode::kOn;
  touch_keys = true;
  card_->no_touch.store(false, std::memory_order_relaxed);
  card_->no_evict.store(false, std::memory_order_relaxed);
  authenticated_ = !password_needed();
}

bool Session::password_needed() const { return !services_.config.text(config::Directive::kRequirepass).empty(); }

}  // namespace holdfast
