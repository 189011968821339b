#include "command/session.h"

#include "command/blocked_client.h"
#include "command/task_runner.h"
#include "command/observers.h"
#include "config/config.h"
#include "keyspace/keyspace.h"

namespace holdfast {

Session::Session(Services& services, std::shared_ptr<ClientCard> card, Peer peer, WorkerContext* const* worker,
                 WorkerContext* own_worker)
    : services_(services), card_(std::move(card)), own_worker_(own_worker), worker_(worker ? worker : &own_worker_), peer_(peer) {}

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
  card_->argument_bytes.store(0, std::memory_order_relaxed);
}

void Session::unwatch() {
  watched.clear();
  if (watch_flag) {
    card_->set_watch_flag(nullptr);
    watch_flag.reset();
  }
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
  set_protocol(static_cast<int>(services_.config.integer(config::Directive::kClientDefaultResp)));
  card_->set_name("");
  reply_mode = ReplyMode::kOn;
  touch_keys = true;
  card_->no_touch.store(false, std::memory_order_relaxed);
  card_->no_evict.store(false, std::memory_order_relaxed);
  begin_as_default();
}

void Session::become(std::shared_ptr<acl::User const> user, uint64_t generation) {
  user_ = std::move(user);
  seen_generation_ = generation;
  unrestricted_at_ = authenticated() && user_->unrestricted() ? generation : 0;
}

void Session::begin_as_default() {
  uint64_t const generation = services_.users.generation();
  std::shared_ptr<acl::User const> user = services_.users.default_user();
  logged_in_ = user->enabled() && user->needs_no_password();
  card_->set_user(user->name());
  become(std::move(user), generation);
}

bool Session::log_in(std::string_view name, std::string_view password) {
  uint64_t const generation = services_.users.generation();
  std::shared_ptr<acl::User const> user = services_.users.find(name);
  if (!user || !user->accepts(password)) return false;
  logged_in_ = true;
  card_->set_user(user->name());
  become(std::move(user), generation);
  return true;
}

void Session::act_for_server() {
  user_.reset();
  logged_in_ = true;
}

bool Session::may_listen_on() const {
  for (Topic topic : {Topic::kChannel, Topic::kPattern, Topic::kShardChannel}) {
    for (std::string const& name : subscriptions->names(topic)) {
      if (!user_->may_listen(name, topic == Topic::kPattern)) return false;
    }
  }
  return true;
}

bool Session::follow_user() {
  uint64_t const generation = services_.users.generation();
  if (!user_ || generation == seen_generation_) return true;
  std::shared_ptr<acl::User const> now = services_.users.present(*user_);
  if (!now) return false;
  bool const changed = now != user_;
  become(std::move(now), generation);
  return !changed || !subscriptions || may_listen_on();
}

}  // namespace holdfast
