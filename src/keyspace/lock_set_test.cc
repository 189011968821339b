#include "keyspace/lock_set.h"

#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "keyspace/keyspace.h"
#include "memory/lazy_free.h"

namespace holdfast {
namespace {

class TestWaiter final : public Waiter {
 public:
  void wake() override {
    std::lock_guard lock(mutex_);
    woken_ = true;
    condition_.notify_one();
  }
  void await() {
    std::unique_lock lock(mutex_);
    condition_.wait(lock, [this] { return woken_; });
    woken_ = false;
  }
  bool woken() {
    std::lock_guard lock(mutex_);
    return woken_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable condition_;
  bool woken_ = false;
};

bool always() { return true; }

class LockSets : public ::testing::Test {
 protected:
  /// Another key in the partition of `key`.
  std::string neighbour_of(std::string const& key, std::string const& prefix = "n") const {
    for (int i = 0;; i++) {
      std::string other = prefix + std::to_string(i);
      if (other != key && home(other) == home(key)) return other;
    }
  }
  uint32_t home(std::string const& key) const { return keyspace_.partition_index(keyspace_.hash(key)); }
  LockSet set_of(std::initializer_list<std::string_view> keys) const {
    LockSet locks;
    for (std::string_view key : keys) locks.add_key(keyspace_, key);
    return locks;
  }
  void lock(LockSet& locks) { ASSERT_EQ(locks.lock(keyspace_, waiter_), LockSet::Outcome::kLocked); }
  void close_and_unlock(LockSet& locks) {
    locks.close(keyspace_, always);
    locks.unlock(keyspace_);
  }

  LazyFree lazy_free_;
  Keyspace keyspace_{{.partitions = 16, .databases = 1}, lazy_free_};
  std::shared_ptr<TestWaiter> waiter_ = std::make_shared<TestWaiter>();
};

TEST_F(LockSets, of_an_open_set_others_get_the_partition_but_not_the_key) {
  LockSet open = set_of({"a"});
  lock(open);
  ASSERT_TRUE(open.open(keyspace_));

  LockSet beside = set_of({neighbour_of("a")});
  EXPECT_TRUE(beside.try_lock(keyspace_));
  beside.unlock(keyspace_);

  LockSet same = set_of({"a"});
  EXPECT_FALSE(same.try_lock(keyspace_));
  LockSet whole;
  whole.add_partition(home("a"));
  EXPECT_FALSE(whole.try_lock(keyspace_));
  EXPECT_TRUE(keyspace_.partition(home("a")).lock.taken());

  close_and_unlock(open);
  EXPECT_TRUE(same.try_lock(keyspace_));
  same.unlock(keyspace_);
  EXPECT_TRUE(whole.try_lock(keyspace_));
  whole.unlock(keyspace_);
  EXPECT_FALSE(keyspace_.partition(home("a")).lock.taken());
}

TEST_F(LockSets, who_waits_for_a_reserved_key_is_woken_at_its_end_and_has_no_lane_meanwhile) {
  LockSet open = set_of({"a"});
  lock(open);
  ASSERT_TRUE(open.open(keyspace_));
  LockSet wants = set_of({"a"});
  wants.want_lane();
  ASSERT_EQ(wants.lock(keyspace_, waiter_), LockSet::Outcome::kParked);
  EXPECT_FALSE(keyspace_.lane().taken());

  LockSet beside = set_of({neighbour_of("a")});
  ASSERT_TRUE(beside.try_lock(keyspace_));
  beside.unlock(keyspace_);
  EXPECT_FALSE(waiter_->woken());

  close_and_unlock(open);
  EXPECT_TRUE(waiter_->woken());
  ASSERT_EQ(wants.lock(keyspace_, waiter_), LockSet::Outcome::kLocked);
  wants.unlock(keyspace_);
}

TEST_F(LockSets, who_wants_all_waits_for_open_sets_and_lets_no_other_open) {
  LockSet open = set_of({"a"});
  lock(open);
  ASSERT_TRUE(open.open(keyspace_));
  LockSet all;
  all.add_all(keyspace_);
  ASSERT_EQ(all.lock(keyspace_, waiter_), LockSet::Outcome::kParked);

  LockSet late = set_of({neighbour_of("a")});
  lock(late);  // nothing is kept by who waits
  EXPECT_FALSE(late.open(keyspace_));
  EXPECT_FALSE(late.is_open());
  late.unlock(keyspace_);

  close_and_unlock(open);
  ASSERT_EQ(all.lock(keyspace_, waiter_), LockSet::Outcome::kLocked);
  EXPECT_EQ(keyspace_.open_sets.load(), 0);
  all.unlock(keyspace_);
  lock(late);
  EXPECT_TRUE(late.open(keyspace_));
  close_and_unlock(late);
}

TEST_F(LockSets, sets_with_whole_partitions_are_not_opened) {
  LockSet whole;
  whole.add_partition(3);
  lock(whole);
  EXPECT_FALSE(whole.open(keyspace_));
  whole.unlock(keyspace_);
}

TEST_F(LockSets, what_was_held_before_stays_held_when_the_set_is_opened) {
  LockSet open = set_of({"a"});
  lock(open);
  std::string const further = neighbour_of("a");
  ASSERT_EQ(open.hold_key(keyspace_, further, always), LockSet::Further::kHeld);
  ASSERT_TRUE(open.open(keyspace_));
  LockSet wants = set_of({further});
  EXPECT_FALSE(wants.try_lock(keyspace_));
  close_and_unlock(open);
  EXPECT_TRUE(wants.try_lock(keyspace_));
  wants.unlock(keyspace_);
}

TEST_F(LockSets, without_the_lane_an_open_set_gets_no_key_of_another_and_no_further_partition) {
  std::string const beside = neighbour_of("a");
  LockSet first = set_of({"a"});
  lock(first);
  ASSERT_TRUE(first.open(keyspace_));
  LockSet second = set_of({beside});
  lock(second);
  ASSERT_TRUE(second.open(keyspace_));

  std::vector<uint64_t> keys{keyspace_.hash("a")};
  EXPECT_EQ(second.enter(keyspace_, keys, always), LockSet::Further::kRefused);
  std::string far = "f";
  while (home(far) == home("a")) far += "f";
  keys = {keyspace_.hash(far)};
  EXPECT_EQ(second.enter(keyspace_, keys, always), LockSet::Further::kRefused);
  keys = {keyspace_.hash(beside)};
  ASSERT_EQ(second.enter(keyspace_, keys, always), LockSet::Further::kHeld);
  EXPECT_TRUE(second.holds_now(home(beside)));
  second.leave(keyspace_);
  EXPECT_FALSE(second.holds_now(home(beside)));
  close_and_unlock(second);
  close_and_unlock(first);
}

/// Somebody who waits, and is never served here.
class Waiting final : public KeyWaiter {
 public:
  bool waiting() const override { return true; }
  bool claim() override { return false; }
  bool ready(std::string_view, Record const*) const override { return false; }
  void serve(Txn&, std::string_view) override {}
  void deliver(uint64_t) override {}
};

TEST_F(LockSets, what_serving_a_waiter_changes_is_not_taken_from_who_has_reserved_it) {
  std::string const target = neighbour_of("a");
  auto const waiter = std::make_shared<Waiting>();
  Partition& partition = keyspace_.partition(home("a"));
  partition.waiters.add_target(keyspace_.hash("a"), keyspace_.hash(target), waiter);
  keyspace_.targets_waited_for = true;
  LockSet owner = set_of({target});
  lock(owner);
  ASSERT_TRUE(owner.open(keyspace_));

  LockSet script;
  std::string const third = neighbour_of("a", "t");
  script.add_key(keyspace_, third);
  lock(script);
  EXPECT_EQ(script.hold_key(keyspace_, "a", always), LockSet::Further::kRefused);
  script.unlock(keyspace_);
  script.clear();
  script.add_key(keyspace_, third);
  script.want_lane();
  lock(script);
  EXPECT_EQ(script.hold_key(keyspace_, "a", always), LockSet::Further::kOpened);
  close_and_unlock(owner);
  close_and_unlock(script);
}

// ---- everybody at once -----------------------------------------------------------------------------------------------------

constexpr size_t kKeys = 64;
constexpr int kTransactionsEach = 4000;

/// What the locks are to guard: one owner of each key from its first use to the end of the transaction, one user of each
/// partition at a moment (plain numbers, so that ThreadSanitizer sees two).
struct World {
  std::array<std::atomic<int>, kKeys> owners{};
  std::array<int, 16> uses{};
  std::atomic<int> faults{0};
};

class Actor {
 public:
  Actor(Keyspace& keyspace, World& world, int id) : keyspace_(keyspace), world_(world), id_(id), random_(static_cast<unsigned>(id)) {}

  void run() {
    for (int i = 0; i < kTransactionsEach; i++) {
      locks_.clear();
      switch (random_() % 16) {
        case 0: all(); break;
        case 1:
        case 2: whole_partition(); break;
        case 3:
        case 4:
        case 5: script(true); break;
        case 6:
        case 7:
        case 8: script(false); break;
        default: plain(); break;
      }
    }
  }

 private:
  static std::string name(size_t key) { return "key" + std::to_string(key); }
  uint32_t home(size_t key) const { return keyspace_.partition_index(keyspace_.hash(name(key))); }
  size_t any_key() { return random_() % kKeys; }

  void lock() {
    while (locks_.lock(keyspace_, waiter_) == LockSet::Outcome::kParked) waiter_->await();
  }
  void use(size_t key) {
    world_.uses[home(key)]++;
    if (!locks_.holds_now(home(key))) world_.faults++;
    int const before = world_.owners[key].exchange(id_);
    if (before != 0 && before != id_) world_.faults++;
  }
  void use_partition(uint32_t partition) {
    for (size_t key = 0; key < kKeys; key++) {
      if (home(key) == partition) use(key);
    }
  }
  void end() {
    for (auto& owner : world_.owners) {
      int mine = id_;
      owner.compare_exchange_strong(mine, 0);
    }
    locks_.unlock(keyspace_);
  }

  void plain() {
    std::vector<size_t> keys;
    for (size_t i = 0; i <= random_() % 3; i++) keys.push_back(any_key());
    for (size_t key : keys) locks_.add_key(keyspace_, name(key));
    lock();
    for (size_t key : keys) use(key);
    end();
  }

  void whole_partition() {
    uint32_t const partition = random_() % keyspace_.partition_count();
    locks_.add_partition(partition);
    if (!locks_.try_lock(keyspace_)) return;
    use_partition(partition);
    end();
  }

  void all() {
    locks_.add_all(keyspace_);
    lock();
    for (uint32_t i = 0; i < keyspace_.partition_count(); i++) use_partition(i);
    end();
  }

  /// Uses what it has declared and other keys, and opens its set at some time.
  void script(bool with_lane) {
    for (size_t i = 0; i < 2; i++) locks_.add_key(keyspace_, name(any_key()));
    if (with_lane) locks_.want_lane();
    lock();
    unsigned const open_at = random_() % 8;
    bool refused = false;
    for (unsigned call = 0; call < 8 && !refused; call++) {
      if (call == open_at && !locks_.is_open()) static_cast<void>(locks_.open(keyspace_));
      if (with_lane && random_() % 64 == 0) {
        ASSERT_EQ(locks_.hold_all(keyspace_, always), LockSet::Further::kHeld);
        ASSERT_FALSE(locks_.is_open());
      }
      std::vector<size_t> keys{any_key(), any_key()};
      refused = !call_with(keys);
      if (call % 3 == 0) std::this_thread::yield();
    }
    if (locks_.is_open()) locks_.close(keyspace_, always);
    end();
  }

  /// Like a call of a script. False: refused.
  bool call_with(std::vector<size_t> const& keys) {
    auto held = locks_.is_open() ? LockSet::Further::kOpened : LockSet::Further::kHeld;
    for (size_t key : keys) {
      if (held == LockSet::Further::kHeld) held = locks_.hold_key(keyspace_, name(key), always);
    }
    if (held == LockSet::Further::kOpened) {
      std::vector<uint64_t> hashes;
      for (size_t key : keys) hashes.push_back(keyspace_.hash(name(key)));
      held = locks_.enter(keyspace_, hashes, always);
    }
    if (held != LockSet::Further::kHeld) return false;
    for (size_t key : keys) use(key);
    if (locks_.is_open()) locks_.leave(keyspace_);
    return true;
  }

  Keyspace& keyspace_;
  World& world_;
  int id_;
  std::mt19937 random_;
  LockSet locks_;
  std::shared_ptr<TestWaiter> waiter_ = std::make_shared<TestWaiter>();
};

TEST_F(LockSets, transactions_of_all_kinds_exclude_each_other_and_all_end) {
  World world;
  std::vector<std::thread> threads;
  for (int id = 1; id <= 4; id++) {
    threads.emplace_back([&, id] { Actor(keyspace_, world, id).run(); });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(world.faults.load(), 0);
  EXPECT_EQ(keyspace_.open_sets.load(), 0);
  LockSet all;
  all.add_all(keyspace_);
  lock(all);
  for (uint32_t i = 0; i < keyspace_.partition_count(); i++) {
    Partition const& partition = keyspace_.partition(i);
    EXPECT_TRUE(!partition.reservations || partition.reservations->empty());
  }
  all.unlock(keyspace_);
}

}  // namespace
}  // namespace holdfast
