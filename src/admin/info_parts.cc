#include <algorithm>
#include <functional>
#include <initializer_list>
#include <string>
#include <utility>
#include <vector>

#include "admin/info_sections.h"
#include "command/client_card.h"
#include "command/statistics.h"
#include "keyspace/keyspace.h"

// What each worker and each partition does.

namespace holdfast {
namespace {

/// Partitions shown, those with the most memory.
constexpr size_t kPartitionsShown = 16;

struct PartitionFigures {
  uint32_t index = 0;
  uint64_t keys = 0;
  uint64_t bytes = 0;
  uint64_t hits = 0;
  uint64_t misses = 0;
  uint64_t changes = 0;
};

PartitionFigures figures_of(Keyspace const& keyspace, uint32_t index) {
  Partition const& partition = keyspace.partition(index);
  PartitionFigures figures{.index = index, .hits = partition.hits.get(), .misses = partition.misses.get(),
                           .changes = partition.dirty.get()};
  for (int db = 0; db < keyspace.databases(); db++) {
    Partition::DatabaseCounters const& counters = partition.counters[static_cast<size_t>(db)];
    figures.keys += counters.keys.get();
    figures.bytes += counters.memory_bytes.get();
  }
  return figures;
}

std::string joined(std::initializer_list<std::pair<std::string_view, uint64_t>> fields) {
  std::string text;
  for (auto const& [name, value] : fields) {
    if (!text.empty()) text += ",";
    text.append(name).append("=").append(to_text_unsigned(value));
  }
  return text;
}

}  // namespace

void info_workers(Session& session, InfoText& text) {
  Services& services = session.services();
  std::vector<uint64_t> connections(static_cast<size_t>(services.control.worker_count()));
  for (auto const& card : services.clients.list()) {
    auto const worker = static_cast<size_t>(card->worker);
    if (worker < connections.size()) connections[worker]++;
  }
  text.section("Workers");
  text.field("workers", services.control.worker_count());
  size_t index = 0;
  for (auto const& worker : services.statistics.workers()) {
    if (worker->name.empty()) continue;
    LatencyDistribution const turns = services.statistics.latency(worker->turns);
    text.field(worker->name, joined({{"connections", index < connections.size() ? connections[index] : 0},
                                     {"commands", worker->commands_processed.get()},
                                     {"reads", worker->reads.get()},
                                     {"writes", worker->writes.get()},
                                     {"input_bytes", worker->net_input_bytes.get()},
                                     {"output_bytes", worker->net_output_bytes.get()},
                                     {"turns", worker->loop_turns.get()},
                                     {"busy_usec", worker->loop_microseconds.get()},
                                     {"turn_p50_usec", turns.percentile(50) / 1000},
                                     {"turn_p99_usec", turns.percentile(99) / 1000},
                                     {"turn_p99.9_usec", turns.percentile(99.9) / 1000},
                                     {"lock_waits", services.statistics.latency(worker->lock_waits).calls()}}));
    index++;
  }
}

void info_partitions(Session& session, InfoText& text) {
  Keyspace const& keyspace = session.services().keyspace;
  std::vector<PartitionFigures> all;
  PartitionFigures sum;
  for (uint32_t i = 0; i < keyspace.partition_count(); i++) {
    all.push_back(figures_of(keyspace, i));
    sum.keys += all.back().keys;
    sum.bytes += all.back().bytes;
  }
  auto const [fewest, most] = std::ranges::minmax_element(all, {}, &PartitionFigures::keys);
  auto const biggest = std::ranges::max_element(all, {}, &PartitionFigures::bytes);
  text.section("Partitions");
  text.field("partitions", all.size());
  text.field("partition_keys_min", fewest->keys);
  text.field("partition_keys_max", most->keys);
  text.field("partition_keys_mean", sum.keys / all.size());
  text.field("partition_bytes_max", biggest->bytes);
  text.field("partition_bytes_mean", sum.bytes / all.size());
  size_t const shown = std::min(kPartitionsShown, all.size());
  std::ranges::partial_sort(all, all.begin() + static_cast<std::ptrdiff_t>(shown), std::greater<>(), &PartitionFigures::bytes);
  for (size_t i = 0; i < shown; i++) {
    PartitionFigures const& each = all[i];
    text.field("partition_" + to_text_unsigned(each.index),
               joined({{"keys", each.keys}, {"bytes", each.bytes}, {"hits", each.hits}, {"misses", each.misses}, {"changes", each.changes}}));
  }
}

}  // namespace holdfast
