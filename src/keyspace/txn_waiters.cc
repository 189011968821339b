#include <utility>

#include "base/check.h"
#include "keyspace/keyspace.h"
#include "keyspace/txn.h"
#include "keyspace/wait_request.h"

// How a transaction serves those who wait for keys that it has changed.

namespace holdfast {

void Txn::wait(std::unique_ptr<WaitRequest> request) {
  DCHECK(in_command_ && !command_changed());
  wait_request_ = std::move(request);
}

std::unique_ptr<WaitRequest> Txn::take_wait_request() { return std::move(wait_request_); }

void Txn::enlist(std::shared_ptr<KeyWaiter> const& waiter, WaitRequest const& request) {
  for (std::string const& key : request.keys) {
    KeyHome const home = this->home(key);
    home.partition->waiters.add(db_, key, request.type(), waiter);
    if (!request.target) continue;
    home.partition->waiters.add_target(home.hash, this->home(*request.target).hash, waiter);
    keyspace_.targets_waited_for.store(true, std::memory_order_relaxed);
  }
}

void Txn::note_waited_for(int db, std::string_view key, Partition& partition) {
  if (!serves_ || !partition.waiters.contains(db, key)) return;
  // What a served command does to the key it was served with is seen by `serve_key`.
  if (serving_ && serving_->db == db && serving_->key == key) return;
  auto& touched = scratch_.touched;
  if (!touched.empty() && touched.back().db == db && touched.back().key == key) return;
  touched.push_back({db, std::string(key)});
}

void Txn::note_waited_for_in(int db, Partition& partition) {
  if (!serves_ || partition.waiters.empty()) return;
  for (std::string& key : partition.waiters.keys_of(db)) scratch_.touched.push_back({db, std::move(key)});
}

void Txn::serve_waiters() {
  // Grows while it is walked: who is served may make further keys ready. Each time somebody is served who then waits no more,
  // so there is an end.
  for (size_t i = 0; i < scratch_.touched.size(); i++) {
    TxnScratch::TouchedKey const touched = std::move(scratch_.touched[i]);
    serving_ = &touched;
    serve_key(touched.db, touched.key);
    serving_ = nullptr;
  }
  scratch_.touched.clear();
}

void Txn::serve_key(int db, std::string const& key) {
  WaitTable& waiters = home(key).partition->waiters;
  WaitLine* line = waiters.find(db, key);
  if (!line) return;
  for (ValueType type : {ValueType::kList, ValueType::kZset}) {
    while (std::shared_ptr<KeyWaiter> const waiter = line->first(type)) {
      // If not the first, then nobody: they all wait for an element.
      if (!waiter->ready(key, find_in(db, key, Lookup::kPeek))) break;
      if (waiter->claim()) serve(waiter, db, key);
      line->drop_first(type);
    }
  }
  line->visit_streams([&](std::shared_ptr<KeyWaiter> const& waiter) {
    if (!waiter->ready(key, find_in(db, key, Lookup::kPeek))) return false;
    if (waiter->claim()) serve(waiter, db, key);
    return true;
  });
  waiters.drop_if_empty(db, key);
}

void Txn::serve(std::shared_ptr<KeyWaiter> const& waiter, int db, std::string_view key) {
  select(db);
  unit_++;
  waiter->serve(*this, key);
  scratch_.served.push_back(waiter);
}

}  // namespace holdfast
