#include "scripting/script_call.h"

#include "command/errors.h"
#include "command/session.h"
#include "command/write_guards.h"
#include "snapshot/persistence.h"

namespace holdfast::scripting {

std::optional<size_t> key_count(Args args, Reply& reply, std::string_view not_a_number) {
  std::optional<int64_t> const count = args.integer(kKeyCountIndex, reply, not_a_number);
  if (!count) return std::nullopt;
  if (*count > static_cast<int64_t>(args.size() - kFirstKeyIndex)) {
    reply.error("Number of keys can't be greater than number of args");
    return std::nullopt;
  }
  if (*count < 0) {
    reply.error("Number of keys can't be negative");
    return std::nullopt;
  }
  return static_cast<size_t>(*count);
}

bool may_begin(Session& session, ScriptTerms const& terms, Reply& reply) {
  if (session.trusted()) return true;
  Services& services = session.services();
  bool const allows_stale = terms.flags_known && (terms.flags & kAllowStale);
  bool const stale = services.guards.restricted_by(WriteGuards::kStaleReplica) && !allows_stale;
  if (!terms.flags_known) {
    if (stale) reply.error(errors::kStaleReplica);
    return !stale;
  }
  bool const writes = (terms.flags & kNoWrites) == 0;
  if (writes && terms.read_only_call) {
    reply.error("Can not execute a script with write flag using *_ro command.");
    return false;
  }
  std::string_view const refusal = writes ? services.guards.write_refusal() : std::string_view();
  if (stale || !refusal.empty()) {
    reply.error(refusal.empty() ? errors::kStaleReplica : refusal);
    return false;
  }
  if (writes && services.persistence.refuse_writes()) {
    reply.error(errors::kMisconfRdb);
    return false;
  }
  if (writes && services.guards.log_failed()) {
    reply.error("-MISCONF Errors writing to the AOF file: " + services.guards.log_error());
    return false;
  }
  if (writes && !(terms.flags & kAllowOom) && session.out_of_memory) {
    reply.error(session.executing_transaction
                    ? "-OOM allow-oom flag is not set on the script, can not run it when used memory > 'maxmemory'"
                    : errors::kOutOfMemory);
    return false;
  }
  return true;
}

void apply_terms(ScriptTerms const& terms, NestedCalls& calls) {
  calls.set_read_only(terms.read_only());
  calls.set_allow_oom(terms.flags_known && (terms.flags & kAllowOom) != 0);
}

void push_arguments(lua_State* state, Args args, size_t first, size_t end) {
  lua_createtable(state, static_cast<int>(end - first), 0);
  for (size_t i = first; i < end; i++) {
    push(state, args[i]);
    lua_rawseti(state, -2, static_cast<int>(i - first + 1));
  }
}

}  // namespace holdfast::scripting
