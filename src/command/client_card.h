#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/mutex.h"

namespace holdfast {

/// A command that waits, as CLIENT UNBLOCK sees it.
class Unblockable {
 public:
  virtual ~Unblockable() = default;
  enum class Reason : uint8_t {
    kTimeout,      ///< as if its time were over
    kError,        ///< with an error
    kRoleChanged,  ///< this server has become a replica
  };
  /// Ends the waiting. False: it is over already. Any thread.
  virtual bool unblock(Reason reason) = 0;

  /// A key that is waited for, as INFO counts them.
  struct Key {
    int db;
    std::string_view name;
    bool deletion_ends;  ///< the waiting
  };
  /// Those of the command, while it waits. Any thread; they stay where they are as long as this lives.
  virtual std::vector<Key> keys() const { return {}; }
};

/// What the whole process may know about one connection. Numbers are written by the worker that owns the connection and
/// read by anybody (relaxed atomics); texts are guarded by the card's leaf mutex.
struct ClientCard {
  uint64_t id = 0;               ///< from 1, never reused
  static constexpr int kNoWorker = -1;
  int worker = 0;                ///< index of the worker that owns the connection; kNoWorker: the link to our primary
  int fd = -1;
  std::string address;           ///< "ip:port", "[ip6]:port", "<path>:0"
  std::string local_address;
  bool unix_socket = false;
  bool local = false;            ///< loopback or unix socket
  int64_t created_ms = 0;        ///< Unix ms

  std::atomic<int64_t> last_interaction_ms{0};
  std::atomic<int> db{0};
  std::atomic<int> protocol{2};
  std::atomic<int> queued_commands{-1};        ///< -1 outside of MULTI
  std::atomic<int> watched_keys{0};
  std::atomic<uint64_t> queued_bytes{0};
  std::atomic<uint64_t> input_bytes{0};        ///< query buffer in use
  std::atomic<uint64_t> input_free_bytes{0};
  std::atomic<uint64_t> argument_bytes{0};
  std::atomic<uint64_t> output_bytes{0};       ///< replies not sent yet
  std::atomic<uint64_t> output_blocks{0};
  std::atomic<uint64_t> tls_bytes{0};          ///< state and buffers of TLS; 0 without
  std::atomic<uint64_t> net_input{0};
  std::atomic<uint64_t> net_output{0};
  std::atomic<uint64_t> commands{0};
  static constexpr uint16_t kNoCommand = 0xFFFF;
  std::atomic<uint16_t> last_command{kNoCommand};  ///< id in the command table; kNoCommand: none yet, or no such one
  std::atomic<int> channels{0};                ///< listened to
  std::atomic<int> patterns{0};
  std::atomic<int> shard_channels{0};
  std::atomic<bool> monitors{false};
  std::atomic<bool> replica{false};            ///< has sent PSYNC or SYNC
  bool primary = false;                        ///< the link to our primary; it has a thread of its own
  std::atomic<bool> tracks{false};             ///< CLIENT TRACKING
  std::atomic<bool> tracks_broadcast{false};
  std::atomic<bool> broken_redirect{false};
  std::atomic<int64_t> redirect{-1};           ///< as CLIENT GETREDIR
  std::atomic<uint64_t> listening_bytes{0};    ///< of the names that it listens to
  std::atomic<bool> blocked{false};            ///< parked, in a task, or waiting for keys
  std::atomic<bool> wait_ends{false};          ///< waits for keys, and not for ever
  std::atomic<bool> no_evict{false};
  std::atomic<bool> no_touch{false};
  std::atomic<bool> closing{false};
  /// Set once by CLIENT KILL: from then on nobody finds the connection, and its owner closes it.
  std::atomic<bool> killed{false};

  /// Neither one nor the other end of replication: limits for clients hold for it.
  bool ordinary() const { return !primary && !replica.load(std::memory_order_relaxed); }
  /// Listens to some channel or pattern.
  bool subscribed() const {
    return channels.load(std::memory_order_relaxed) + patterns.load(std::memory_order_relaxed) +
               shard_channels.load(std::memory_order_relaxed) >
           0;
  }
  void set_name(std::string name);
  /// The user whose rights the connection has.
  void set_user(std::string name);
  std::string user();
  std::string name();
  void set_library(std::string name, std::string version);
  std::pair<std::string, std::string> library();
  /// What CLIENT UNBLOCK ends; null: nothing.
  void set_unblockable(std::shared_ptr<Unblockable> unblockable);
  std::shared_ptr<Unblockable> unblockable();
  /// What is set when a watched key changes; null: nothing is watched.
  void set_watch_flag(std::shared_ptr<std::atomic<bool>> flag);
  /// A watched key has changed: EXEC will do nothing.
  bool watch_broken();

 private:
  Mutex mutex_;
  std::string name_ GUARDED_BY(mutex_);
  std::string user_ GUARDED_BY(mutex_) = "default";
  std::string library_name_ GUARDED_BY(mutex_);
  std::string library_version_ GUARDED_BY(mutex_);
  std::shared_ptr<Unblockable> unblockable_ GUARDED_BY(mutex_);
  std::shared_ptr<std::atomic<bool>> watch_flag_ GUARDED_BY(mutex_);
};

/// All connections of the process; those that CLIENT KILL has struck count until their owner has closed them, but are no
/// longer found. Safe from any thread; its mutex is a leaf.
class ClientRegistry {
 public:
  /// Gives the card its id.
  void add(std::shared_ptr<ClientCard> const& card);
  void remove(uint64_t id);
  size_t size() const { return count_.load(std::memory_order_relaxed); }
  /// By id, without the killed.
  std::vector<std::shared_ptr<ClientCard>> list();
  /// Null: there is none, or it is killed.
  std::shared_ptr<ClientCard> find(uint64_t id);

  /// Asks the owner of the connection to close it. Set by the server: posts to the worker's mailbox.
  std::function<void(ClientCard&)> close_connection;

 private:
  Mutex mutex_;
  std::unordered_map<uint64_t, std::shared_ptr<ClientCard>> cards_ GUARDED_BY(mutex_);
  uint64_t next_id_ GUARDED_BY(mutex_) = 1;
  std::atomic<size_t> count_{0};
};

}  // namespace holdfast
