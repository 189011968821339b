// Save and load of many small keys: 15-byte keys with 32-byte values, the data set of the memory target.
//
//   snapshot_bench                    5M keys in /tmp; HOLDFAST_BENCH_KEYS and HOLDFAST_BENCH_DIR say otherwise
//
// Save: workers that have nothing else to do give slices of 50 us to the cut, one file thread writes. The time is from
// the request to the renamed file, fsync included. Load: one reader and some inserters.

#include <benchmark/benchmark.h>
#include <sys/resource.h>

#include <cstdlib>
#include <string>
#include <thread>
#include <vector>

#include "base/check.h"
#include "base/random.h"
#include "disk/real_disk.h"
#include "snapshot/persistence.h"

namespace holdfast::snapshot {
namespace {

uint64_t keys_wanted() {
  char const* const text = std::getenv("HOLDFAST_BENCH_KEYS");
  return text ? std::strtoull(text, nullptr, 10) : 5'000'000;
}
std::string directory() {
  char const* const text = std::getenv("HOLDFAST_BENCH_DIR");
  return text ? text : "/tmp";
}

enum class Values { kText, kRepetitive };

struct Engine {
  explicit Engine(std::string const& settings = "") : logger(clock), config(directory()) {
    CHECK(logger.set_file("/dev/null"));
    CHECK(config.load_text("save \"\"\ndbfilename holdfast_bench.rdb\n" + settings));
  }
  ~Engine() { persistence.stop(); }

  void fill(Values values) {
    Random random(1);
    for (uint64_t i = 0; i < keys_wanted(); i++) {
      std::string key = std::to_string(i);
      key = "key:" + std::string(11 - key.size(), '0') + key;
      std::string const value = values == Values::kText ? random.hex(32) : std::string(32, 'x');
      uint64_t const hash = keyspace.hash(key);
      keyspace.table(keyspace.partition(keyspace.partition_index(hash)), 0)
          .put(hash, {.key = key, .encoding = Encoding::kEmbstr, .bytes = value});
    }
  }
  void save(int workers) {
    auto const ticket = persistence.foreground_save();
    std::atomic<bool> done{false};
    auto work = [&](int worker) {
      while (!done.load(std::memory_order_relaxed)) {
        if (!persistence.slice(worker, 50)) std::this_thread::sleep_for(std::chrono::microseconds(50));
      }
    };
    std::vector<std::thread> threads;
    for (int i = 0; i < workers; i++) threads.emplace_back(work, i);
    std::optional<Status> result;
    while (!(result = persistence.save_result(*ticket))) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    done.store(true);
    for (auto& thread : threads) thread.join();
    CHECK(*result);
  }

  SystemClock clock;
  Logger logger;
  config::Config config;
  RealDisk disk;
  LazyFree lazy_free;
  Keyspace keyspace{{}, lazy_free};
  log::AofDirectory aof{disk, logger, {.data_dir = directory()}};
  log::Log log{aof, clock, {}};
  Persistence persistence{{clock, logger, config, keyspace, log, disk}};
};

double processor_ns() {
  rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  auto ns = [](timeval const& time) {
    return static_cast<double>(time.tv_sec) * 1e9 + static_cast<double>(time.tv_usec) * 1e3;
  };
  return ns(usage.ru_utime) + ns(usage.ru_stime);
}

/// Sets the time of the iteration, and the processor time a key of all threads: steadier on a busy machine.
void measure(benchmark::State& state, SystemClock const& clock, auto&& work) {
  double const processor = processor_ns();
  int64_t const start_us = clock.monotonic_us();
  work();
  state.SetIterationTime(static_cast<double>(clock.monotonic_us() - start_us) / 1e6);
  state.counters["cpu_ns_per_key"] = (processor_ns() - processor) / static_cast<double>(keys_wanted());
}

void save(benchmark::State& state, Values values) {
  Engine engine;
  engine.fill(values);
  for (auto _ : state) {
    measure(state, engine.clock, [&] { engine.save(static_cast<int>(state.range(0))); });
  }
}

void load(benchmark::State& state, Values values) {
  {
    Engine engine;
    engine.fill(values);
    engine.save(2);
  }
  for (auto _ : state) {
    Engine engine;
    measure(state, engine.clock, [&] {
      auto const loaded = engine.persistence.load_at_start({.inserters = static_cast<int>(state.range(0))});
      CHECK(loaded && loaded->keys == keys_wanted());
    });
  }
}

BENCHMARK_CAPTURE(save, text, Values::kText)
    ->Arg(1)
    ->Arg(2)
    ->Iterations(3)
    ->UseManualTime()
    ->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(save, repetitive, Values::kRepetitive)
    ->Arg(2)
    ->Iterations(3)
    ->UseManualTime()
    ->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(load, text, Values::kText)
    ->Arg(1)
    ->Arg(2)
    ->Arg(3)
    ->Iterations(3)
    ->UseManualTime()
    ->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(load, repetitive, Values::kRepetitive)
    ->Arg(2)
    ->Iterations(3)
    ->UseManualTime()
    ->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace holdfast::snapshot
