#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "command/command_row.h"

namespace holdfast {

/// Flags of a command. The first ones are those of COMMAND INFO, in its order; see kCommandFlagNames.
enum CommandFlag : uint32_t {
  kWrite = 1u << 0,
  kReadonly = 1u << 1,
  kDenyOom = 1u << 2,
  kModule = 1u << 3,
  kAdmin = 1u << 4,
  kPubsub = 1u << 5,
  kNoScript = 1u << 6,
  kBlocking = 1u << 7,
  kAllowLoading = 1u << 8,
  kStale = 1u << 9,
  kSkipMonitor = 1u << 10,
  kSkipSlowlog = 1u << 11,
  kAsking = 1u << 12,
  kFast = 1u << 13,
  kNoAuth = 1u << 14,
  kNoMandatoryKeys = 1u << 15,
  kNoAsyncLoading = 1u << 16,
  kNoMulti = 1u << 17,
  kMovableKeys = 1u << 18,
  kAllowBusy = 1u << 19,
  // hidden ones
  kMayReplicate = 1u << 20,
  kProtected = 1u << 21,
  kTouchesArbitraryKeys = 1u << 22,
  kAllPartitions = 1u << 23,
  kPatternKeys = 1u << 24,
  kWhileSubscribed = 1u << 25,
  kPublishes = 1u << 26,        ///< the first argument is a channel
  kListens = 1u << 27,          ///< all arguments are channels
  kListensPatterns = 1u << 28,  ///< all arguments are patterns of channels
};

struct CommandFlagName {
  CommandFlag flag;
  std::string_view name;
};
/// In the order of COMMAND INFO; the hidden ones last, from `kHiddenFlagsBegin` on.
extern CommandFlagName const kCommandFlagNames[29];
inline constexpr size_t kHiddenFlagsBegin = 20;

/// One key specification of a row, parsed.
struct KeySpec {
  enum class Begin : uint8_t { kIndex, kKeyword, kUnknown };
  enum class Find : uint8_t { kRange, kKeyNum, kUnknown };
  /// An option and how many arguments follow it.
  struct Option {
    std::string word;
    int arguments;
  };
  std::vector<std::string> flags;  ///< "RW", "access", "update", ...
  bool not_key = false;
  bool reads = false;   ///< the flag "access"
  bool writes = false;  ///< one of "insert", "update", "delete"
  bool variable_flags = false;
  Begin begin = Begin::kUnknown;
  int index = 0;           ///< kIndex
  std::string keyword;     ///< kKeyword
  int start_from = 0;      ///< kKeyword
  Find find = Find::kUnknown;
  int last_key = 0;        ///< kRange, relative to the first key; negative: from the end
  int key_step = 1;
  int limit = 0;
  int keynum_index = 0;    ///< kKeyNum
  int first_key = 0;
  /// The key is that behind the last `options[0]`, where the others are passed over; of kKeyword, or of kUnknown, where clients are
  /// told that it cannot be found.
  std::vector<Option> options;
  std::string note;
};

/// A command, ready to run: its row with everything parsed out of the texts.
struct Command {
  CommandRow const* row = nullptr;
  uint16_t id = 0;
  std::string full_name;       ///< "config|get"
  uint32_t flags = 0;
  int arity = 0;
  enum class Kind : uint8_t { kContainer, kData, kSessionData, kSession, kTask, kScript };
  Kind kind = Kind::kContainer;
  DataHandler data = nullptr;
  SessionDataHandler session_data = nullptr;
  SessionHandler session = nullptr;
  TaskHandler task = nullptr;
  ScriptHandler script = nullptr;
  TaskHandler long_form = nullptr;
  int element = 0;             ///< see CommandRow
  std::vector<KeySpec> key_specs;
  /// First, last, step as in COMMAND INFO; 0, 0, 0 when no spec is of the form index and range.
  int first_key = 0;
  int last_key = 0;
  int key_step = 0;
  bool simple_keys = false;    ///< the three numbers say all about the keys
  int foreseen_key = 0;        ///< where the first key mostly is, for prefetching; 0: it cannot be said
  std::vector<std::string> categories;  ///< with those that follow from the flags, in COMMAND INFO's order
  Command* parent = nullptr;
  std::vector<Command*> subcommands;

  bool has(uint32_t flag) const { return (flags & flag) != 0; }
  bool arity_fits(size_t argc) const {
    return arity >= 0 ? argc == static_cast<size_t>(arity) : argc >= static_cast<size_t>(-arity);
  }
};

/// Positions of the keys in a command's arguments.
struct KeyPositions {
  struct Position {
    uint32_t index;
    KeySpec const* spec;
  };
  std::vector<Position> positions;
  bool valid = true;  ///< false: the arguments contradict the specs (a key count that is no number or too big)
};

/// All commands by name. Immutable after construction: any thread.
class CommandTable {
 public:
  explicit CommandTable(std::vector<CommandRows> const& families);
  CommandTable(CommandTable const&) = delete;
  CommandTable& operator=(CommandTable const&) = delete;

  /// rename-command; before the workers start. An empty `to` removes the name. False: no such command / name taken.
  enum class Renamed : uint8_t { kOk, kNoSuchCommand, kTargetExists };
  Renamed rename(std::string_view from, std::string_view to);

  /// A top-level command by name, any case. Null: unknown.
  Command const* find(std::string_view name) const;
  Command const* find_subcommand(Command const& container, std::string_view name) const;
  /// "config|get" form as well.
  Command const* find_full(std::string_view full_name) const;
  /// By the name of the row, whatever rename-command did. CHECKs that it exists.
  Command const* find_full_original(std::string_view full_name) const;

  Command const& by_id(uint16_t id) const { return *commands_[id]; }
  size_t size() const { return commands_.size(); }
  /// Top-level commands, sorted by name.
  std::vector<Command const*> const& top_level() const { return top_level_; }

  /// Keys of a command by its specs.
  static void find_keys(Command const& command, Args args, KeyPositions& out);

 private:
  struct NameSlot {
    std::string name;  // lower case
    Command* command = nullptr;
  };
  void index_names();


  std::vector<std::unique_ptr<Command>> commands_;
  std::vector<Command const*> top_level_;
  std::unordered_map<std::string, Command*> names_;       // renamed names
  std::unordered_map<std::string, Command*> full_names_;  // original, "config|get"
  /// Perfect-enough hash of short names for the hot path: open addressing, power of two.
  std::vector<NameSlot> slots_;
  uint64_t slot_mask_ = 0;
};

}  // namespace holdfast
