#pragma once

#include <cstdint>
#include <functional>
#include <initializer_list>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "config/keyspace_events.h"
#include "keyspace/change_listener.h"
#include "keyspace/keyspace.h"
#include "keyspace/lock_set.h"
#include "keyspace/partition.h"
#include "keyspace/record.h"
#include "keyspace/undo_journal.h"
#include "log/stream_buffer.h"
#include "values/detached_value.h"
#include "values/value_edit.h"

namespace holdfast {

class WaitRequest;

/// Buffers of a worker that its transactions use one after the other, so that a command allocates nothing.
struct TxnScratch {
  struct LoggedCommand {
    int db;
    int unit;      // 0: what the transaction was made for; then one for each waiter that was served
    size_t begin;  // in `effects`
    size_t end;
  };
  std::string effects;
  std::vector<LoggedCommand> commands;
  std::vector<log::Effect> unit;
  std::vector<std::string> edits;  // buffers for packed values
  struct NotedEvent {
    uint32_t event_class;
    int db;
    std::string_view name;  // of static life
    size_t begin;           // of the key, in `event_keys`
    size_t end;
  };
  std::vector<NotedEvent> events;
  std::string event_keys;
  std::vector<Invalidation> invalidations;
  bool all_invalidated = false;
  int worker = -1;  ///< index of the worker whose scratch it is; -1: of none
  struct TouchedKey {
    int db;
    std::string key;
  };
  std::vector<TouchedKey> touched;  // changed, and somebody waits for them
  std::vector<std::shared_ptr<KeyWaiter>> served;
  UndoJournal undo;
};

/// How a string is to be stored.
enum class StringForm : uint8_t {
  kAuto,    ///< the rule of SET: integer text becomes int, at most 44 bytes embstr, else raw
  kText,    ///< embstr up to 44 bytes, else raw, never int (INCRBYFLOAT)
  kRaw,     ///< always raw (APPEND, SETRANGE, SETBIT)
};

/// What a lookup does besides finding.
enum class Lookup : uint8_t {
  kRead,      ///< counts keyspace_hits / keyspace_misses and touches the access time
  kWrite,     ///< touches the access time, counts nothing
  kQuiet,     ///< counts like kRead, touches nothing (EXISTS, TYPE, TTL, OBJECT)
  kSilent,    ///< counts like kRead, touches nothing, and a miss is no event (OBJECT)
  kPeek,      ///< touches and counts nothing (DEBUG, expiry)
};

/// Commands that have come from a primary, as they came: one, or MULTI to EXEC.
struct StreamPiece {
  std::string_view bytes;
  int db = 0;           ///< selected after them
  bool logged = false;  ///< some transaction has
};

/// One atomic execution: a command, an EXEC, a script call. It holds the locks of every partition its keys live in from
/// before the first handler runs until `commit`. Handlers get a `Txn&` as the proof of those locks and cannot lock (L1).
///
/// Thread rule: belongs to the worker that made it. Keys given to any method must be in the lock set (DCHECKed).
/// A `Record*` stays valid until the next mutating call on a key of the same partition.
class Txn {
 public:
  /// Precondition: `locks` is held.
  Txn(Keyspace& keyspace, LockSet& locks, TxnScratch& scratch, int64_t now_ms);
  Txn(Txn const&) = delete;
  Txn& operator=(Txn const&) = delete;
  ~Txn();

  /// Unix ms, frozen for the whole transaction (L7).
  int64_t now_ms() const { return now_ms_; }
  int db() const { return db_; }
  void select(int db) { db_ = db; }
  /// The transaction executes `piece` of the stream of a primary, which is logged in place of effects. Keys that have expired
  /// are there until the primary deletes them.
  void replicate(StreamPiece& piece) { piece_ = &piece; }
  /// CLIENT NO-TOUCH: lookups leave the access time alone.
  void set_no_touch() { touch_ = false; }
  /// The connection for which this is done.
  void set_client(uint64_t id) { client_ = id; }
  Keyspace& keyspace() { return keyspace_; }

  // ---- lookups: an expired key is deleted (DEL is logged) and reported as absent --------------------------------------

  Record* find(std::string_view key, Lookup lookup = Lookup::kRead) { return find_in(db_, key, lookup); }
  Record* find_in(int db, std::string_view key, Lookup lookup = Lookup::kRead);
  bool exists(std::string_view key) { return find(key, Lookup::kPeek) != nullptr; }

  // ---- changes: each marks the transaction dirty, wakes WATCHers, saves the bucket for a running cut --------------------

  /// Creates or replaces a string. `expire_ms`: Unix ms, or none for a key without expiry. Under an LFU policy the counter of
  /// a key that is replaced stays.
  void put_string(std::string_view key, std::string_view value, StringForm form, std::optional<int64_t> expire_ms);
  /// Creates or replaces with an integer; keeps the expiry of an existing key if `keep_ttl`.
  void put_integer(std::string_view key, int64_t value, bool keep_ttl = true);
  /// Writes `bytes` at `offset` of an existing or new string, zero-padding any gap; the encoding becomes raw and the expiry
  /// is kept. Returns the new length. Precondition: the caller checked the type and the maximum length.
  size_t write_range(std::string_view key, size_t offset, std::string_view bytes);
  /// The bytes of an existing string, to be changed in place; the encoding becomes raw. Valid until the next change of a key of
  /// the same partition. Who changes them says so with `note_change`.
  std::span<char> open_string(std::string_view key);
  void note_change(std::string_view key, uint64_t changes = 1);
  /// Removes a key; big values are freed in the background. False when there was none.
  bool remove(std::string_view key) { return remove_in(db_, key); }
  /// `changes` is what it counts for; 0: as half of a change that is counted elsewhere (RENAME, MOVE).
  bool remove_in(int db, std::string_view key, uint64_t changes = 1);
  /// Removes a key and notifies of `del`.
  bool drop(std::string_view key);
  /// Sets or clears the expiry (Unix ms) of an existing key.
  void set_expiry(std::string_view key, std::optional<int64_t> expire_ms);
  /// Opens a collection for change: of `record` (from `find` of `key`, right before), or a new empty one of `type` when null.
  /// A body may be changed in place from here on. Every edit is given to `finish_edit`; a command may have several of
  /// different keys open.
  ValueEdit edit(std::string_view key, Record* record, ValueType type);
  /// Writes the edit back; a value that is `empty` now is no key any more. `changes` is what it counts for (rdb_changes...);
  /// 0: nothing was changed, and nothing is done. The expiry stays as it is. `event` is what is notified, in the class of
  /// the type; none when empty. After it comes `del` for a key that is gone.
  void finish_edit(std::string_view key, ValueEdit& edit, bool empty, uint64_t changes, std::string_view event = {});
  /// Nothing was changed, but WATCH and the caches of clients are told as if it had been, as Redis does.
  void finish_unchanged(std::string_view key, ValueEdit& edit);
  /// As finish_edit for a hash of which only `fields`, which have expired, were removed: whatever the command is, HDEL of
  /// the fields is logged, and it counts as expiry, not as a change by the command.
  void finish_field_expiry(std::string_view key, ValueEdit& edit, bool empty, std::span<std::string_view const> fields);
  /// Whether what expires at `expire_ms` is gone. Nothing goes while expiry is held.
  bool expired(int64_t expire_ms) const;
  /// What is gone is only not seen: somebody else, or a later moment, deletes it.
  bool keeps_expired() const;
  /// A copy of the value in O(1): big strings are shared, bodies frozen. Precondition: `record` is of this transaction.
  DetachedValue copy_value(Record const* record) const;
  /// Puts a detached value under `key` of `db`, replacing what is there; the access is the value's own.
  void put_value(int db, std::string_view key, DetachedValue value);

  /// Swaps two databases / empties one database or all (db < 0). Precondition: all partitions are locked.
  void swap_databases(int a, int b);
  void flush(int db);

  /// Sets `flag` when `key` of the present database changes (WATCH).
  void watch(std::string_view key, WatchFlag const& flag);

  // ---- what is told (notify-keyspace-events) -------------------------------------------------------------------------

  /// Notes an event of a key of the present database (of `db`), to be published at the commit. `event` is a text of static
  /// life. One branch when nobody wants to know.
  void notify(config::KeyspaceEvents event_class, std::string_view event, std::string_view key) {
    notify_in(db_, event_class, event, key);
  }
  void notify_in(int db, config::KeyspaceEvents event_class, std::string_view event, std::string_view key) {
    if (keyspace_.notified.load(std::memory_order_relaxed) & event_class) [[unlikely]] note_event(db, event_class, event, key);
  }

  // ---- client-side caching (CLIENT TRACKING) ------------------------------------------------------------------------

  /// The connection has read `key` and wants to be told when it changes.
  void track(std::string_view key, uint64_t client);
  /// Forgets some tracked key of the partition, whose readers are told as if it had changed. False: there is none.
  bool forget_tracked(uint32_t partition);
  // ---- waiting for keys -------------------------------------------------------------------------------------------------

  /// The present command has found nothing and wants to wait: it has changed and replied nothing. Whoever executes it takes the
  /// request, and lets it wait or answers.
  void wait(std::unique_ptr<WaitRequest> request);
  std::unique_ptr<WaitRequest> take_wait_request();
  /// Puts `waiter` at the end of the line of each key of `request`, in the present database.
  void enlist(std::shared_ptr<KeyWaiter> const& waiter, WaitRequest const& request);
  /// Those who wait for keys are not served by this transaction (loading).
  void serve_nobody() { serves_ = false; }

  // ---- what is logged --------------------------------------------------------------------------------------------------

  /// Starts one command of this transaction. Its bytes are logged as sent at `end_command` if it changed something and
  /// gave no effect of its own. `command` must stay valid until then.
  void begin_command(std::span<std::string_view const> command);
  void end_command();
  /// Logs `command` in place of the command as sent. May be called several times; the order is kept.
  void effect(std::initializer_list<std::string_view> command) {
    effect(std::span<std::string_view const>(command.begin(), command.size()));
  }
  void effect(std::span<std::string_view const> command);
  /// Nothing of this command is logged beyond effects already given.
  void no_effect() { replaced_ = true; }
  /// Logs the command as sent even if it changes nothing and counts for nothing (FLUSHALL of an empty database).
  void log_anyway() { log_anyway_ = true; }
  /// Whether the present command has changed something.
  bool command_changed() const { return dirty_ != dirty_at_command_; }
  /// Counts as so many changes (more) than keys have changed. Precondition: a partition is locked.
  void mark_dirty(uint64_t changes = 1);
  /// The words that the log has for a key that expires, and for one that GETDEL removes.
  std::string_view expiry_deletion() const;
  std::string_view user_deletion() const;

  /// Serves those who wait for keys that have changed, in the order of the changes, appends the effects to the log, and releases
  /// the locks. Each served command is a unit of its own in the log. The commit point: nothing may be called after it.
  /// Returns the log offset that a reply must wait for under `appendfsync always`: of this transaction's append, or of the
  /// last write to a partition it read. 0 when nothing was logged.
  /// `atomic`: more than one command is logged inside MULTI ... EXEC; false for unrelated deletions (active expiry).
  uint64_t commit(bool atomic = true);

  LockSet const& locks() const { return locks_; }
  /// Runs what lasts, and touches nothing of the key space. Meanwhile the keys of the transaction stay its own, if it has no
  /// partition as a whole, and others may use their partitions (LockSet::open). Records found before are not valid after it.
  void compute(std::function<void()> const& work);

  // ---- taking back -----------------------------------------------------------------------------------------------------

  /// From here on the old state of each key that changes is kept, and nobody is told before the commit. Not for what
  /// changes all keys (flush, swap_databases). Precondition: nothing has changed yet.
  void keep_undo();
  /// In place of `commit`: every key is as it was at `keep_undo`, nothing is logged, the locks are released.
  void abort();
  /// Nothing of it is logged and nobody is served: the process ends in the middle of it.
  void log_nothing() {
    log_nothing_ = true;
    serve_nobody();
  }
  /// Marks a place in what will be logged, and forgets what came after it (a script that logs only a part).
  size_t logged_commands() const { return scratch_.commands.size(); }
  void forget_logged_after(size_t commands);

  /// The table of the selected database in a locked partition; null when it has never had a key.
  KeyTable* table_of(uint32_t partition);
  /// Bytes that a key takes: its block, its share of the table, its shared buffer. 0: there is no such key.
  size_t memory_usage(std::string_view key);

  /// An expired record met during a walk of `table` (a table of `partition`): to be deleted by the walker, after this.
  void note_expired(int db, Partition& partition, std::string_view key);
  /// Removes the key at `slot`, in a table of the locked `partition`, to make room.
  void evict(int db, Partition& partition, KeyTable::Slot slot);
  /// Deletes keys of a LocalExpiry whose time has come. False: there are more.
  bool expire_locally(uint32_t partition);
  /// Fields of a hash that have expired and are removed by the caller.
  void note_expired_fields(int db, Partition& partition, std::string_view key,
                           std::span<std::string_view const> fields);

 private:
  /// What has expired is not there any more.
  bool expires() const { return !keyspace_.expiry_held() && !piece_; }
  struct KeyHome {
    uint64_t hash;
    Partition* partition;
  };
  KeyHome home(std::string_view key) const;
  KeyTable* table(int db, KeyHome const& home) const { return home.partition->tables[static_cast<size_t>(db)].get(); }
  KeyTable::Slot locate(int db, KeyHome const& home, std::string_view key) const;
  /// `unseen`: not by those who watch the key or have it in a cache.
  void changed(int db, std::string_view key, Partition& partition, uint64_t changes = 1, bool unseen = false);
  /// Called before the key changes.
  void keep_old(int db, KeyHome const& home, std::string_view key) {
    if (undo_) [[unlikely]] keep_old_of(db, locate(db, home, key), key);
  }
  void keep_old_of(int db, KeyTable::Slot slot, std::string_view key);
  /// To those who watch the key or have it in a cache.
  void show_change(int db, std::string_view key, Partition& partition);
  void touch_watchers(int db, std::string_view key, Partition& partition);
  void restore(UndoJournal::Entry& entry);
  /// The transaction will be committed: those who WATCH what has changed are told.
  void drop_undo();
  /// A key is about to be removed by the server itself.
  void note_gone(int db, Partition& partition, std::string_view key, std::string_view deletion);
  void expire_now(int db, KeyHome const& home, KeyTable::Slot slot);
  /// On a replica a key has been given this time, by its primary or by a client.
  void note_local_expiry(int db, Partition& partition, std::string_view key, std::optional<int64_t> expire_ms);
  void note_event(int db, uint32_t event_class, std::string_view event, std::string_view key);
  void publish_events();
  void note_invalidation(std::string_view key, Partition& partition, bool by_server);
  void publish_invalidations();
  void add_effect(int db, std::span<std::string_view const> command);
  /// A key was changed or removed: notes it for `serve_waiters` if somebody waits for it.
  void note_waited_for(int db, std::string_view key, Partition& partition);
  void note_waited_for_in(int db, Partition& partition);
  void serve_waiters();
  void serve_key(int db, std::string const& key);
  void serve(std::shared_ptr<KeyWaiter> const& waiter, int db, std::string_view key);
  uint64_t append_to(log::Log& log, bool atomic);
  /// The record becomes what the edit holds.
  void write_back(std::string_view key, ValueEdit& edit, bool empty);
  /// Keeps the buffer of an edit for the next one.
  void release_edit(ValueEdit& edit);
  enum class Access : uint8_t { kOfContent, kKeepFrequency };
  Record* put_content(int db, KeyHome const& home, RecordContent& content, Access access);

  Keyspace& keyspace_;
  LockSet& locks_;
  TxnScratch& scratch_;
  int64_t now_ms_;
  uint64_t client_ = 0;
  int db_ = 0;
  UndoJournal* undo_ = nullptr;
  StreamPiece* piece_ = nullptr;
  uint64_t dirty_ = 0;
  uint64_t dirty_at_command_ = 0;
  bool replaced_ = false;
  bool log_anyway_ = false;
  bool touch_ = true;
  bool in_command_ = false;
  bool committed_ = false;
  bool log_nothing_ = false;
  bool changed_ = false;
  bool serves_ = true;
  int command_db_ = 0;  // database in which the command began
  int unit_ = 0;        // of what is logged now
  std::span<std::string_view const> command_;
  TxnScratch::TouchedKey const* serving_ = nullptr;  // the key whose waiters are served now
  std::unique_ptr<WaitRequest> wait_request_;
};

}  // namespace holdfast
