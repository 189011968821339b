#include "command/client_card.h"

#include <algorithm>
#include <utility>

namespace holdfast {

void ClientCard::set_name(std::string name) {
  MutexLock lock(mutex_);
  name_.swap(name);
}
std::string ClientCard::name() {
  MutexLock lock(mutex_);
  return name_;
}
void ClientCard::set_user(std::string name) {
  MutexLock lock(mutex_);
  user_.swap(name);
}
std::string ClientCard::user() {
  MutexLock lock(mutex_);
  return user_;
}
void ClientCard::set_library(std::string name, std::string version) {
  MutexLock lock(mutex_);
  library_name_.swap(name);
  library_version_.swap(version);
}
std::pair<std::string, std::string> ClientCard::library() {
  MutexLock lock(mutex_);
  return {library_name_, library_version_};
}

void ClientCard::set_unblockable(std::shared_ptr<Unblockable> unblockable) {
  MutexLock lock(mutex_);
  unblockable_.swap(unblockable);
}
std::shared_ptr<Unblockable> ClientCard::unblockable() {
  MutexLock lock(mutex_);
  return unblockable_;
}

void ClientCard::set_watch_flag(std::shared_ptr<std::atomic<bool>> flag) {
  MutexLock lock(mutex_);
  watch_flag_.swap(flag);
}
bool ClientCard::watch_broken() {
  MutexLock lock(mutex_);
  return watch_flag_ && watch_flag_->load(std::memory_order_relaxed);
}

void ClientRegistry::add(std::shared_ptr<ClientCard> const& card) {
  MutexLock lock(mutex_);
  card->id = next_id_++;
  cards_.emplace(card->id, card);
  count_.store(cards_.size(), std::memory_order_relaxed);
}

void ClientRegistry::remove(uint64_t id) {
  MutexLock lock(mutex_);
  cards_.erase(id);
  count_.store(cards_.size(), std::memory_order_relaxed);
}

std::vector<std::shared_ptr<ClientCard>> ClientRegistry::list() {
  std::vector<std::shared_ptr<ClientCard>> cards;
  {
    MutexLock lock(mutex_);
    cards.reserve(cards_.size());
    for (auto const& [id, card] : cards_) {
      if (!card->killed.load(std::memory_order_relaxed)) cards.push_back(card);
    }
  }
  std::sort(cards.begin(), cards.end(), [](auto const& a, auto const& b) { return a->id < b->id; });
  return cards;
}

std::shared_ptr<ClientCard> ClientRegistry::find(uint64_t id) {
  MutexLock lock(mutex_);
  auto found = cards_.find(id);
  return found == cards_.end() || found->second->killed.load(std::memory_order_relaxed) ? nullptr : found->second;
}

}  // namespace holdfast
