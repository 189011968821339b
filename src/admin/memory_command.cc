#include "admin/memory_command.h"

#include <algorithm>
#include <vector>

#include "admin/help.h"
#include "admin/keyspace_walk.h"
#include "admin/memory_doctor.h"
#include "admin/memory_report.h"
#include "base/number.h"
#include "command/session.h"
#include "command/task.h"
#include "keyspace/keyspace.h"
#include "scripting/script_figures.h"

namespace holdfast {
namespace {

constexpr char kMemory[] = "memory";

void cmd_memory_doctor(Session& session, Args, Reply& reply) {
  Services& services = session.services();
  reply.verbatim("txt", diagnose_memory(measure_memory(services), services.clients.size()));
}

void cmd_memory_malloc_stats(Session&, Args, Reply& reply) {
  reply.bulk("Stats not supported for the current allocator");
}

void cmd_memory_purge(Session& session, Args, Reply& reply) {
  Keyspace& keyspace = session.services().keyspace;
  keyspace.defragmentation().purge();  // each worker sees it within a tenth of a second
  keyspace.trim_memory();
  reply.ok();
}

class MemoryStatsTask final : public Task {
 public:
  Progress step(TaskSlice& slice) override {
    Services& services = slice.session().services();
    Keyspace& keyspace = services.keyspace;
    tables_.resize(static_cast<size_t>(keyspace.databases()));
    bool const done = walk_.step(slice, keyspace, [this](Txn&, Partition& partition) { add_tables(partition); });
    if (!done) return Progress::kAgain;
    write_reply(services, slice.reply());
    return Progress::kDone;
  }

 private:
  void add_tables(Partition& partition) {
    for (size_t db = 0; db < tables_.size(); db++) {
      KeyTable* const table = partition.tables[db].get();
      if (table) tables_[db] += table->table().memory_bytes();
    }
  }

  static void ratio(Reply& reply, std::string_view name, double value) {
    reply.bulk(name);
    reply.number(value);
  }

  void write_reply(Services& services, Reply& reply) const {
    Keyspace const& keyspace = services.keyspace;
    MemoryReport const report = measure_memory(services);
    scripting::ScriptFigures const scripts = scripting::script_figures(services);
    std::vector<size_t> databases;  // those with keys
    uint64_t keys = 0;
    uint64_t table_bytes = 0;
    for (size_t db = 0; db < tables_.size(); db++) {
      uint64_t const count = keyspace.keys(static_cast<int>(db));
      if (count > 0) databases.push_back(db);
      keys += count;
      table_bytes += tables_[db];
    }
    uint64_t const overhead = report.overhead() + table_bytes;
    constexpr size_t kFields = 27;
    reply.map(kFields + databases.size());
    reply.field("peak.allocated", report.peak);
    reply.field("total.allocated", report.used);
    reply.field("startup.allocated", report.figures.startup);
    reply.field("replication.backlog", 0);
    reply.field("clients.slaves", 0);
    reply.field("clients.normal", report.figures.clients);
    reply.field("cluster.links", 0);
    reply.field("aof.buffer", report.figures.log_buffer);
    reply.field("lua.caches", scripts.scripts);
    reply.field("functions.caches", scripts.functions);
    for (size_t db : databases) write_database(reply, db);
    reply.field("overhead.total", overhead);
    reply.field("keys.count", keys);
    reply.field("keys.bytes-per-key", keys == 0 ? 0 : report.figures.keys / keys);
    reply.field("dataset.bytes", report.used - std::min(report.used, overhead));
    ratio(reply, "dataset.percentage", report.dataset_percent());
    ratio(reply, "peak.percentage", report.peak_percent());
    reply.field("allocator.allocated", report.used);
    reply.field("allocator.active", report.active());
    reply.field("allocator.resident", report.retained());
    ratio(reply, "allocator-fragmentation.ratio", report.allocator_fragmentation());
    reply.field("allocator-fragmentation.bytes", report.holes.holes());
    ratio(reply, "allocator-rss.ratio", report.allocator_resident());
    reply.field("allocator-rss.bytes", report.holes.kept);
    ratio(reply, "rss-overhead.ratio", report.resident_overhead());
    reply.field("rss-overhead.bytes", static_cast<uint64_t>(report.resident_overhead_bytes()));
    ratio(reply, "fragmentation", report.fragmentation());
    reply.field("fragmentation.bytes", static_cast<uint64_t>(report.fragmentation_bytes()));
  }

  /// Expiries live in the records and cost no table.
  void write_database(Reply& reply, size_t db) const {
    reply.bulk("db." + to_text_unsigned(db));
    reply.map(3);
    reply.field("overhead.hashtable.main", tables_[db]);
    reply.field("overhead.hashtable.expires", 0);
    reply.field("overhead.hashtable.slot-to-keys", 0);
  }

  std::vector<uint64_t> tables_;  // bytes, by database
  PartitionWalk walk_;
};

std::unique_ptr<Task> cmd_memory_stats(Session&, Args, Reply&) { return std::make_unique<MemoryStatsTask>(); }

constexpr std::string_view kReportTips = "nondeterministic_output; request_policy:all_shards; response_policy:special";

constexpr CommandRow kMemoryRows[] = {
    {.name = "memory", .arity = -2, .flags = "", .keys = "", .categories = "", .tips = "", .group = "server",
     .since = "4.0.0", .complexity = "Depends on the subcommand.", .summary = "Commands about memory.", .syntax = ""},
    {.name = "memory|doctor", .arity = 2, .flags = "", .keys = "", .categories = "", .tips = kReportTips,
     .group = "server", .since = "4.0.0", .complexity = "O(1)", .summary = "Says what is wrong with the memory.",
     .syntax = "", .handler = &cmd_memory_doctor},
    {.name = "memory|help", .arity = 2, .flags = "loading stale", .keys = "", .categories = "", .tips = "",
     .group = "server", .since = "4.0.0", .complexity = "O(1)", .summary = "Prints this help.", .syntax = "",
     .handler = &cmd_help<kMemory>},
    {.name = "memory|malloc-stats", .arity = 2, .flags = "", .keys = "", .categories = "", .tips = kReportTips,
     .group = "server", .since = "4.0.0", .complexity = "O(1)", .summary = "Shows what the allocator counts.",
     .syntax = "", .handler = &cmd_memory_malloc_stats},
    {.name = "memory|purge", .arity = 2, .flags = "", .keys = "", .categories = "",
     .tips = "request_policy:all_shards; response_policy:all_succeeded", .group = "server", .since = "4.0.0",
     .complexity = "O(1), the work is done in the background", .summary = "Gives unused memory back to the system.",
     .syntax = "", .handler = &cmd_memory_purge},
    {.name = "memory|stats", .arity = 2, .flags = "", .keys = "", .categories = "", .tips = kReportTips,
     .group = "server", .since = "4.0.0", .complexity = "O(1)", .summary = "Tells where memory is.", .syntax = "",
     .handler = &cmd_memory_stats},
};

}  // namespace

CommandRows memory_commands() { return kMemoryRows; }

}  // namespace holdfast
