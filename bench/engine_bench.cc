// The engine without network: GET, SET and INCR by their handlers, each in a Txn that holds its partition, over uniform
// random keys of a million. What is measured is the lock set, the table, the record, the commit and the written reply;
// what is not: sockets, parsing, the gate's checks and statistics, the log.
//
// Every thread goes through its own sequence of keys, laid out in memory one after the other as in a read buffer.
// "pipelined" does what a connection does with a pipeline: it prefetches the buckets, then the records, of 16 commands.
// After the table: how much more two threads do than one, which the design asks to be 1.75 times.

#include <benchmark/benchmark.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstring>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/check.h"
#include "base/random.h"
#include "command/command_row.h"
#include "commands/strings.h"
#include "keyspace/keyspace.h"
#include "keyspace/lock_set.h"
#include "keyspace/txn.h"
#include "memory/lazy_free.h"
#include "resp/output_buffer.h"
#include "resp/reply.h"

namespace holdfast {
namespace {

constexpr size_t kKeys = 1'000'000;
constexpr size_t kKeyBytes = 15;
constexpr size_t kBatch = 16;
constexpr size_t kSequence = size_t{1} << 20;  // a multiple of kBatch
constexpr std::string_view kValue = "v7Qk2mXw9ZrT4bNc8HsLd1PgFy6JeUa3";
constexpr int64_t kNowMs = 1'700'000'000'000;
/// Replies are thrown away when there are this many bytes of them, as if sent.
constexpr size_t kReplyBytesMax = 8 * 1024;

enum class Locks { kNone, kTaken };
enum class Way { kSingly, kPipelined };

struct Operation {
  std::string_view name;
  CommandRows (*family)();
  std::string_view stored;  ///< value of every key before the first operation
  bool gives_value;         ///< the command has kValue as its second argument
};
constexpr Operation kGet{"get", &string_commands, kValue, false};
constexpr Operation kSet{"set", &string_commands, kValue, true};
constexpr Operation kIncr{"incr", &counter_commands, "1000000", false};

DataHandler handler_of(Operation const& operation) {
  for (CommandRow const& row : operation.family()) {
    if (row.name == operation.name) return std::get<DataHandler>(row.handler);
  }
  CHECK(!"no such command");
  return nullptr;
}

void write_key(uint64_t number, char* to) {
  char text[kKeyBytes + 1];
  std::snprintf(text, sizeof text, "key%012lu", static_cast<unsigned long>(number));
  std::memcpy(to, text, kKeyBytes);
}

/// What one worker has of its own.
struct Worker {
  LockSet locks;
  TxnScratch scratch;
  OutputBuffer output;
  Reply reply{output};

  void run(Keyspace& keyspace, DataHandler handler, Args args, uint64_t hash) {
    locks.clear();
    locks.add_key(keyspace, args[1], hash);
    // Nobody keeps a lock for longer than the spin, unless its thread has lost the processor.
    while (!locks.try_lock(keyspace)) continue;
    Txn txn(keyspace, locks, scratch, kNowMs);
    txn.begin_command(args.span());
    handler(txn, args, reply);
    txn.end_command();
    txn.commit();
    if (output.size() > kReplyBytesMax) output.consume(output.size());
  }
};

/// A key space of kKeys keys, and random sequences of them.
class Engine {
 public:
  Engine(Locks locks, std::string_view stored)
      : keyspace_({.concurrent = locks == Locks::kTaken, .hash_seed = 1}, lazy_free_) {
    Worker worker;
    DataHandler set = handler_of(kSet);
    char key[kKeyBytes];
    for (size_t i = 0; i < kKeys; i++) {
      write_key(i, key);
      std::array<std::string_view, 3> argv{"SET", std::string_view(key, kKeyBytes), stored};
      worker.run(keyspace_, set, Args(argv), keyspace_.hash(argv[1]));
    }
    CHECK(keyspace_.keys(0) == kKeys);
    for (std::vector<char>& sequence : sequences_) {
      sequence.resize(kSequence * kKeyBytes);
      for (size_t i = 0; i < kSequence; i++) write_key(random_.below(kKeys), &sequence[i * kKeyBytes]);
    }
  }

  Keyspace& keyspace() { return keyspace_; }
  std::string_view key(int thread, size_t position) const {
    return {&sequences_[static_cast<size_t>(thread)][position * kKeyBytes], kKeyBytes};
  }

 private:
  LazyFree lazy_free_;
  Keyspace keyspace_;
  Random random_{2};
  std::array<std::vector<char>, 2> sequences_;
};

/// Engines are kept from benchmark to benchmark: filling one takes longer than measuring it. Any thread.
Engine& engine_for(Locks locks, std::string_view stored) {
  static std::mutex mutex;
  static std::map<std::pair<Locks, std::string_view>, std::unique_ptr<Engine>> engines;
  std::lock_guard lock(mutex);
  std::unique_ptr<Engine>& engine = engines[{locks, stored}];
  if (!engine) engine = std::make_unique<Engine>(locks, stored);
  return *engine;
}

void measure(benchmark::State& state, Operation const& operation, Way way, Locks locks) {
  Engine& engine = engine_for(locks, operation.stored);
  Keyspace& keyspace = engine.keyspace();
  DataHandler handler = handler_of(operation);
  Worker worker;
  std::array<uint64_t, kBatch> hashes;
  std::array<std::string_view, 3> argv{operation.name, {}, kValue};
  Args args(argv.data(), operation.gives_value ? 3 : 2);
  int thread = state.thread_index();
  size_t position = 0;
  for (auto _ : state) {
    for (size_t i = 0; i < kBatch; i++) {
      hashes[i] = keyspace.hash(engine.key(thread, position + i));
      if (way == Way::kPipelined) keyspace.prefetch_bucket(0, hashes[i]);
    }
    if (way == Way::kPipelined) {
      for (uint64_t hash : hashes) keyspace.prefetch_record(0, hash);
    }
    for (size_t i = 0; i < kBatch; i++) {
      argv[1] = engine.key(thread, position + i);
      worker.run(keyspace, handler, args, hashes[i]);
    }
    position = (position + kBatch) % kSequence;
  }
  state.SetItemsProcessed(static_cast<int64_t>(state.iterations() * kBatch));
}

/// Prints ns per command for every run, and at the end the ratios of two threads to one.
class Reporter : public benchmark::BenchmarkReporter {
 public:
  bool ReportContext(Context const&) override {
    std::printf("%-32s %8s %14s\n", "", "threads", "ns/command");
    return true;
  }
  void ReportRuns(std::vector<Run> const& runs) override {
    for (Run const& run : runs) {
      if (run.run_type != Run::RT_Iteration) continue;
      double per_second = run.counters.at("items_per_second");
      std::string name = run.run_name.function_name;
      std::printf("%-32s %8ld %14.1f\n", name.c_str(), static_cast<long>(run.threads),
                  static_cast<double>(run.threads) * 1e9 / per_second);
      double& best = best_[name][run.threads];
      best = std::max(best, per_second);
    }
    std::fflush(stdout);
  }
  void Finalize() override {
    std::printf("\n%-32s %23s\n", "", "2 threads / 1 thread");
    for (auto const& [name, rates] : best_) {
      if (rates.contains(1) && rates.contains(2)) {
        std::printf("%-32s %22.2fx\n", name.c_str(), rates.at(2) / rates.at(1));
      }
    }
  }

 private:
  std::map<std::string, std::map<int64_t, double>> best_;  // commands per second, by threads
};

void add(Operation const& operation, Way way, Locks locks) {
  std::string name = std::string(operation.name) + (way == Way::kPipelined ? ", pipelined" : "") +
                     (locks == Locks::kNone ? ", without locks" : "");
  auto* benchmark = benchmark::RegisterBenchmark(
      name.c_str(), [&operation, way, locks](benchmark::State& state) { measure(state, operation, way, locks); });
  benchmark->UseRealTime()->Threads(1);
  if (locks == Locks::kTaken) benchmark->Threads(2);
}

int run(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  for (Operation const* operation : {&kGet, &kSet, &kIncr}) {
    for (Way way : {Way::kSingly, Way::kPipelined}) {
      for (Locks locks : {Locks::kNone, Locks::kTaken}) add(*operation, way, locks);
    }
  }
  Reporter reporter;
  benchmark::RunSpecifiedBenchmarks(&reporter);
  return 0;
}

}  // namespace
}  // namespace holdfast

int main(int argc, char** argv) { return holdfast::run(argc, argv); }
