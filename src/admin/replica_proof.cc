#include "admin/replica_proof.h"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "admin/help.h"
#include "admin/keyspace_walk.h"
#include "base/number.h"
#include "base/strings.h"
#include "command/errors.h"
#include "command/session.h"
#include "command/task.h"
#include "replication/replication.h"
#include "snapshot/block.h"
#include "snapshot/group_digest.h"

namespace holdfast {
namespace {

using replication::ProofResult;
using replication::ProofRun;
using replication::ProofVerdict;
using replication::Proofs;
using replication::Replication;

constexpr char kReplicaProof[] = "replicaproof";
constexpr int64_t kTimeoutDefaultMs = 60'000;

// ---- RUN, LAST ----

void write_verdict(ProofVerdict const& verdict, Reply& reply) {
  reply.map(4);
  reply.field("replica", verdict.replica);
  reply.field("via", verdict.via);
  reply.field("result", replication::state_text(verdict.state));
  reply.bulk("groups");
  reply.array(verdict.differences.size());
  for (snapshot::GroupDifference const& each : verdict.differences) {
    reply.array(4);
    reply.integer(each.db);
    reply.integer(each.group);
    reply.integer(static_cast<int64_t>(each.keys_here));
    reply.integer(static_cast<int64_t>(each.keys_there));
  }
}

void write_result(ProofResult const& result, Reply& reply) {
  reply.map(8);
  reply.field("time", result.unix_s);
  reply.field("duration-ms", result.duration_ms);
  reply.field("offset", result.offset);
  reply.field("keys", result.keys);
  reply.field("equal", result.count(ProofVerdict::State::kEqual));
  reply.field("different", result.count(ProofVerdict::State::kDifferent));
  reply.field("unchecked", result.unchecked());
  reply.bulk("replicas");
  reply.array(result.replicas.size());
  for (ProofVerdict const& verdict : result.replicas) write_verdict(verdict, reply);
}

void log_result(Logger& logger, ProofResult const& result) {
  for (ProofVerdict const& verdict : result.replicas) {
    std::string_view const text = replication::state_text(verdict.state);
    std::string const name = verdict.replica + (verdict.via.empty() ? "" : " (via " + verdict.via + ")");
    if (verdict.state == ProofVerdict::State::kDifferent) {
      logger.warning("Replica proof at offset %llu: the data of replica %s are different in %zu groups of keys",
                     static_cast<unsigned long long>(result.offset), name.c_str(), verdict.differences.size());
    } else {
      logger.notice("Replica proof at offset %llu: replica %s: %.*s", static_cast<unsigned long long>(result.offset), name.c_str(),
                    static_cast<int>(text.size()), text.data());
    }
  }
}

/// Waits for the digests of this server and its replicas.
class ProofTask final : public Task {
 public:
  ProofTask(Services& services, std::shared_ptr<ProofRun> run, int64_t timeout_ms)
      : services_(services), run_(std::move(run)), timeout_ms_(timeout_ms), begin_us_(services.clock.monotonic_us()) {}
  ~ProofTask() override { proofs().end(*run_, nullptr); }

  Progress step(TaskSlice& slice) override {
    ProofRun::Progress const progress = proofs().look(*run_);
    int64_t const elapsed_ms = (services_.clock.monotonic_us() - begin_us_) / 1000;
    bool const late = elapsed_ms >= timeout_ms_;
    if (services_.replication->is_replica()) return refuse(slice, "REPLICAPROOF has ended: this server is a replica now.");
    switch (progress) {
      case ProofRun::Progress::kFailed: return refuse(slice, "REPLICAPROOF was cancelled.");
      case ProofRun::Progress::kQueued:
        return late ? refuse(slice, "REPLICAPROOF timed out waiting for another snapshot to end.") : Progress::kWait;
      case ProofRun::Progress::kWalking:
        return late ? refuse(slice, "REPLICAPROOF timed out before this server had looked at its own keys.") : Progress::kWait;
      case ProofRun::Progress::kWaiting:
        if (!late) return Progress::kWait;
        break;
      case ProofRun::Progress::kComplete: break;
    }
    auto result = std::make_shared<ProofResult>(run_->result());
    result->unix_s = services_.clock.unix_ms() / 1000;
    result->duration_ms = elapsed_ms;
    log_result(services_.logger, *result);
    write_result(*result, slice.reply());
    proofs().end(*run_, std::move(result));
    return Progress::kDone;
  }

 private:
  Proofs& proofs() { return services_.replication->proofs(); }
  static Progress refuse(TaskSlice& slice, std::string_view why) {
    slice.reply().error(why);
    return Progress::kDone;
  }

  Services& services_;
  std::shared_ptr<ProofRun> run_;
  int64_t timeout_ms_;
  int64_t begin_us_;
};

/// [TIMEOUT milliseconds]. None: an error was replied.
std::optional<int64_t> read_timeout(Args args, Reply& reply) {
  if (args.size() == 2) return kTimeoutDefaultMs;
  if (args.size() != 4 || !args.is(2, "TIMEOUT")) {
    reply.error(errors::kSyntax);
    return std::nullopt;
  }
  auto const ms = args.integer(3, reply, "timeout is not an integer or out of range");
  if (ms && *ms <= 0) {
    reply.error("REPLICAPROOF timeout must be greater than 0");
    return std::nullopt;
  }
  return ms;
}

std::unique_ptr<Task> cmd_replicaproof_run(Session& session, Args args, Reply& reply) {
  auto const timeout_ms = read_timeout(args, reply);
  if (!timeout_ms) return nullptr;
  Services& services = session.services();
  Replication& replication = *services.replication;
  std::string_view refusal;
  if (replication.is_replica()) refusal = "REPLICAPROOF RUN is not valid when server is a replica.";
  else if (replication.failover_state() != Replication::FailoverState::kNone) refusal = "REPLICAPROOF RUN not allowed while failing over.";
  else if (replication.replicas().count() == 0) refusal = "REPLICAPROOF RUN requires connected replicas.";
  std::shared_ptr<ProofRun> run = refusal.empty() ? replication.proofs().start() : nullptr;
  if (run) return std::make_unique<ProofTask>(services, std::move(run), *timeout_ms);
  reply.error(refusal.empty() ? "REPLICAPROOF already in progress." : refusal);
  return nullptr;
}

void cmd_replicaproof_last(Session& session, Args, Reply& reply) {
  auto const last = session.services().replication->proofs().last();
  last ? write_result(*last, reply) : reply.null();
}

// ---- KEYS ----

/// Names and digests of the keys of one group. What is done under a lock is copying, and freezing what is big.
class GroupKeysTask final : public Task {
 public:
  GroupKeysTask(int db, uint8_t group)
      : walk_([this, db, group](int of, Record const& record) {
          if (of == db && snapshot::key_group(record.key()) == group) snapshot::write_digest_record(block_, of, record);
        }) {}

  Progress step(TaskSlice& slice) override {
    bool const done = walk_.step(slice, slice.session().services().keyspace);
    snapshot::visit_digest_records(
        block_, [this](int, std::string_view key, std::optional<int64_t> expire_ms, ValueView const& value) {
          snapshot::KeyDigest const digest = snapshot::digest_of_key(key, expire_ms, value);
          found_.emplace_back(key, to_hex({reinterpret_cast<char const*>(digest.data()), digest.size()}));
        });
    block_.clear();
    if (!done) return Progress::kAgain;
    std::ranges::sort(found_);
    slice.reply().array(found_.size());
    for (auto const& [key, digest] : found_) {
      slice.reply().array(2);
      slice.reply().bulk(key);
      slice.reply().bulk(digest);
    }
    return Progress::kDone;
  }

 private:
  snapshot::Block block_;
  std::vector<std::pair<std::string, std::string>> found_;
  KeyspaceWalk walk_;
};

std::unique_ptr<Task> cmd_replicaproof_keys(Session& session, Args args, Reply& reply) {
  auto const db = args.integer(2, reply, "invalid DB index");
  if (!db) return nullptr;
  if (*db < 0 || *db >= session.services().keyspace.databases()) {
    reply.error("DB index is out of range");
    return nullptr;
  }
  auto const group = args.integer(3, reply);
  if (!group) return nullptr;
  if (*group < 0 || *group >= static_cast<int64_t>(snapshot::kKeyGroups)) {
    reply.error("group is out of range, must be between 0 and 255");
    return nullptr;
  }
  return std::make_unique<GroupKeysTask>(static_cast<int>(*db), static_cast<uint8_t>(*group));
}

constexpr CommandRow kReplicaProofRows[] = {
    {.name = "replicaproof", .arity = -2, .flags = "", .keys = "", .categories = "", .tips = "", .group = "server",
     .since = "7.2.4", .complexity = "Depends on the subcommand.",
     .summary = "Commands that show whether replicas have what their primary has.", .syntax = ""},
    {.name = "replicaproof|help", .arity = 2, .flags = "loading stale", .keys = "", .categories = "", .tips = "",
     .group = "server", .since = "7.2.4", .complexity = "O(1)", .summary = "Prints this help.", .syntax = "",
     .handler = &cmd_help<kReplicaProof>},
    {.name = "replicaproof|keys", .arity = 4, .flags = "admin noscript", .keys = "", .categories = "keyspace",
     .tips = "nondeterministic_output", .group = "server", .since = "7.2.4",
     .complexity = "O(N) where N is the number of keys",
     .summary = "Lists the keys of one group with their digests, on a primary or a replica.", .syntax = "db:integer group:integer",
     .handler = &cmd_replicaproof_keys},
    {.name = "replicaproof|last", .arity = 2, .flags = "admin noscript loading stale", .keys = "", .categories = "",
     .tips = "nondeterministic_output", .group = "server", .since = "7.2.4", .complexity = "O(1)",
     .summary = "Tells the result of the last proof again.", .syntax = "", .handler = &cmd_replicaproof_last},
    {.name = "replicaproof|run", .arity = -2, .flags = "admin noscript no_multi", .keys = "", .categories = "",
     .tips = "nondeterministic_output", .group = "server", .since = "7.2.4",
     .complexity = "O(N) where N is the number of keys",
     .summary = "Compares all keys of this primary with those of its replicas, at one offset, while all of them serve.",
     .syntax = "[TIMEOUT milliseconds:integer]", .handler = &cmd_replicaproof_run},
};

}  // namespace

CommandRows replica_proof_commands() { return kReplicaProofRows; }

}  // namespace holdfast
