#include "command/blocked_client.h"

#include <utility>

#include "base/ticks.h"
#include "command/session.h"
#include "keyspace/partition_lock.h"

namespace holdfast {

BlockedClient::BlockedClient(Session& session, Command const& command, std::unique_ptr<WaitRequest> request,
                             uint64_t spent_ticks)
    : command_(command),
      request_(std::move(request)),
      waiter_(session.waiter()),
      db_(session.db()),
      protocol_(session.protocol()),
      muted_(session.reply_mode == Session::ReplyMode::kOff || session.reply_mode == Session::ReplyMode::kSkip),
      spent_ticks_(spent_ticks) {}

void BlockedClient::serve(Txn& txn, std::string_view key) {
  uint64_t const start = ticks();
  Reply reply(output_, protocol_);
  reply.set_muted(muted_);
  request_->run(txn, key, reply);
  rest_ = reply.take_rest();
  failed_ = reply.errors() > 0;
  error_code_ = reply.last_error_code();
  spent_ticks_ += ticks() - start;
}

void BlockedClient::deliver(uint64_t offset) {
  offset_ = offset;
  state_.store(State::kServed, std::memory_order_release);
  waiter_->wake();
}

std::vector<Unblockable::Key> BlockedClient::keys() const {
  std::vector<Key> keys;
  if (!waiting()) return keys;
  for (std::string const& key : request_->keys) keys.push_back({db_, key, request_->ready(key, nullptr)});
  return keys;
}

bool BlockedClient::unblock(Reason reason) {
  State const ended = reason == Reason::kTimeout ? State::kUnblocked
                      : reason == Reason::kError ? State::kUnblockedWithError
                                                 : State::kRoleChanged;
  if (!leave(ended)) return false;
  waiter_->wake();
  return true;
}

}  // namespace holdfast
