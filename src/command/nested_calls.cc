#include "command/nested_calls.h"

#include "base/check.h"
#include "base/ticks.h"
#include "command/access.h"
#include "command/errors.h"
#include "command/gate.h"
#include "command/lock_needs.h"
#include "command/observers.h"
#include "command/session.h"
#include "command/worker_context.h"
#include "command/write_guards.h"
#include "keyspace/keyspace.h"
#include "snapshot/persistence.h"

namespace holdfast {
namespace {

/// A script that has run for so long lets others in.
constexpr uint64_t kLastsNanoseconds = 500'000;
/// Calls between two looks at the clock.
constexpr uint32_t kCallsPerLook = 32;

}  // namespace

NestedCalls::NestedCalls(Gate& gate, Session& session, Txn& txn, LockSet& locks)
    : gate_(gate),
      session_(session),
      services_(session.services()),
      txn_(txn),
      locks_(locks),
      db_before_(session.db()),
      executing_before_(session.executing_transaction),
      out_of_memory_(session.out_of_memory),
      began_(ticks()) {
  session_.executing_transaction = true;
}

NestedCalls::~NestedCalls() {
  DCHECK(!locks_.is_open());
  session_.executing_transaction = executing_before_;
  if (session_.db() != db_before_) session_.select(db_before_);
  txn_.select(db_before_);
}

Command const* NestedCalls::refuse(std::string_view text) {
  refusal_ = text;
  return nullptr;
}

Command const* NestedCalls::admit(Args args) {
  Command const* command = services_.commands.find(args[0]);
  if (command && !command->subcommands.empty() && args.size() > 1) {
    command = services_.commands.find_subcommand(*command, args[1]);
  }
  if (!command) return refuse("ERR Unknown Redis command called from script");
  if (!command->arity_fits(args.size())) return refuse("ERR Wrong number of args calling Redis command from script");
  if (command->has(kNoScript)) return refuse("ERR This Redis command is not allowed from script");
  if (session_.trusted()) return command;
  if (!session_.unrestricted()) [[unlikely]] {
    if (auto const denial = check_access(session_, *command, args, acl::Context::kScript)) {
      return refuse(denied_in_script_text(*denial));
    }
  }
  if (services_.guards.restricted_by(WriteGuards::kStaleReplica) && !command->has(kStale)) {
    return refuse(errors::kStaleReplica.substr(1));
  }
  if (command->has(kWrite)) {
    if (read_only_) return refuse("ERR Write commands are not allowed from read-only scripts.");
    if (std::string_view const refusal = services_.guards.write_refusal(); !refusal.empty()) return refuse(refusal.substr(1));
    if (services_.persistence.refuse_writes()) return refuse(errors::kMisconfRdb.substr(1));
    if (services_.guards.log_failed()) {
      return refuse("MISCONF Errors writing to the AOF file: " + services_.guards.log_error());
    }
  }
  // What has begun to write may end: half of its writes would be worse.
  if (command->has(kDenyOom) && out_of_memory_ && !allow_oom_ && !wrote_) return refuse(errors::kOutOfMemory.substr(1));
  return command;
}

LockSet::Further NestedCalls::hold_keys(Command const& command, Args args) {
  using Further = LockSet::Further;
  Keyspace& keyspace = services_.keyspace;
  // What others are told at once cannot be taken back: only a run that is not repeated may do that.
  bool const told = command.has(kPubsub) || (services_.observers && services_.observers->monitored.load(std::memory_order_relaxed));
  if (told && !session_.trusted() && !locks_.may_extend(keyspace)) {
    repeat_with_ = ScriptReach::kFurther;
    return Further::kRefused;
  }
  if (needs_all_partitions(command, args) || command.kind == Command::Kind::kTask) {
    Further const held = locks_.hold_all(keyspace, while_waiting_);
    if (held == Further::kRefused) repeat_with_ = ScriptReach::kAll;
    return held;
  }
  Further held = locks_.is_open() ? Further::kOpened : Further::kHeld;
  for_each_key(command, args, [&](std::string_view key) {
    if (held == Further::kHeld) held = locks_.hold_key(keyspace, key, while_waiting_);
  });
  if (held == Further::kOpened) held = enter_keys(command, args);
  if (held == Further::kRefused) repeat_with_ = ScriptReach::kFurther;
  return held;
}

LockSet::Further NestedCalls::enter_keys(Command const& command, Args args) {
  Keyspace& keyspace = services_.keyspace;
  entered_keys_.clear();
  for_each_key(command, args, [&](std::string_view key) { entered_keys_.push_back(keyspace.hash(key)); });
  return locks_.enter(keyspace, entered_keys_, while_waiting_);
}

void NestedCalls::let_others_in() {
  if (locks_.is_open() || services_.tick_scale.nanoseconds(ticks() - began_) < kLastsNanoseconds) return;
  if (locks_.open(services_.keyspace)) tell_busy();
}

void NestedCalls::take_back() {
  if (locks_.is_open()) locks_.close(services_.keyspace, while_waiting_);
}

void NestedCalls::tell_busy() {
  if (busy_) busy_->set_held(locks_);
}

NestedCalls::Outcome NestedCalls::call(Args args, Reply& reply) {
  if (repeat_with_) return Outcome::kRepeat;
  Command const* command = admit(args);
  if (!command) {
    session_.worker().statistics.count_error(std::string_view(refusal_).substr(0, refusal_.find(' ')));
    return Outcome::kRefused;
  }
  switch (hold_keys(*command, args)) {
    case LockSet::Further::kHeld: break;
    case LockSet::Further::kRefused: return Outcome::kRepeat;
    case LockSet::Further::kGivenUp: return Outcome::kKilled;
    case LockSet::Further::kOpened: CHECK(!"entered by hold_keys");
  }
  if (busy_) [[unlikely]] {
    tell_busy();
    if (command->has(kWrite) ? !busy_->may_write() : busy_->killed()) {
      if (locks_.is_open()) locks_.leave(services_.keyspace);
      return Outcome::kKilled;
    }
  }
  size_t const logged_before = txn_.logged_commands();
  txn_.select(session_.db());
  gate_.run_nested(session_, *command, args, reply, txn_, CalledBy::kScript);
  if (locks_.is_open()) [[unlikely]] locks_.leave(services_.keyspace);
  if (!logging_) txn_.forget_logged_after(logged_before);
  if (command->has(kWrite)) wrote_ = true;
  if (++calls_ % kCallsPerLook == 0) let_others_in();
  return Outcome::kDone;
}

}  // namespace holdfast
