#include "command/command_table.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include "base/check.h"
#include "base/number.h"
#include "base/strings.h"
#include "command/command_parse.h"

namespace holdfast {

CommandFlagName const kCommandFlagNames[29] = {
    {kWrite, "write"},
    {kReadonly, "readonly"},
    {kDenyOom, "denyoom"},
    {kModule, "module"},
    {kAdmin, "admin"},
    {kPubsub, "pubsub"},
    {kNoScript, "noscript"},
    {kBlocking, "blocking"},
    {kAllowLoading, "loading"},
    {kStale, "stale"},
    {kSkipMonitor, "skip_monitor"},
    {kSkipSlowlog, "skip_slowlog"},
    {kAsking, "asking"},
    {kFast, "fast"},
    {kNoAuth, "no_auth"},
    {kNoMandatoryKeys, "no_mandatory_keys"},
    {kNoAsyncLoading, "no_async_loading"},
    {kNoMulti, "no_multi"},
    {kMovableKeys, "movablekeys"},
    {kAllowBusy, "allow_busy"},
    {kMayReplicate, "may_replicate"},
    {kProtected, "protected"},
    {kTouchesArbitraryKeys, "touches_arbitrary_keys"},
    {kAllPartitions, "all_partitions"},
    {kPatternKeys, "pattern_keys"},
    {kWhileSubscribed, "while_subscribed"},
    {kPublishes, "publishes"},
    {kListens, "listens"},
    {kListensPatterns, "listens_patterns"},
};

namespace {

/// Hash of a short name that ignores the case of letters: the first eight bytes and the length.
uint64_t name_hash(std::string_view name) {
  uint64_t word = 0;
  std::memcpy(&word, name.data(), std::min<size_t>(name.size(), 8));
  word |= 0x2020202020202020;
  return (word + name.size()) * 0x9E3779B97F4A7C15 >> 32;
}

/// Where the argument of the last `options[0]` is; 0: there is none.
uint32_t behind_last_option(KeySpec const& spec, Args args) {
  constexpr size_t kFirstOption = 2;
  bool const told = spec.begin == KeySpec::Begin::kKeyword;
  size_t found = 0;
  for (size_t at = told ? static_cast<size_t>(spec.start_from) : kFirstOption; at + 1 < args.size(); at++) {
    for (KeySpec::Option const& option : spec.options) {
      if (!iequals(args[at], option.word)) continue;
      if (&option == &spec.options[0]) found = at + 1;
      at += static_cast<size_t>(option.arguments);
      break;
    }
  }
  return static_cast<uint32_t>(found);
}

/// first, last, step of COMMAND INFO: the first index-and-range spec, extended by those that follow it without a gap.
void derive_key_range(Command& command) {
  bool all_simple = true;
  for (KeySpec const& spec : command.key_specs) {
    bool simple = spec.begin == KeySpec::Begin::kIndex && spec.find == KeySpec::Find::kRange && spec.limit <= 1;
    if (!simple) {
      all_simple = false;
      continue;
    }
    int last = spec.last_key >= 0 ? spec.index + spec.last_key : spec.last_key;
    if (command.first_key == 0) {
      command.first_key = spec.index;
      command.last_key = last;
      command.key_step = spec.key_step;
    } else if (spec.index == command.last_key + 1 && spec.key_step == command.key_step) {
      command.last_key = last;
    } else {
      all_simple = false;
    }
  }
  bool channels = std::any_of(command.key_specs.begin(), command.key_specs.end(), [](auto const& s) { return s.not_key; });
  command.simple_keys = all_simple && !channels && command.first_key != 0;
}

int foreseen_key(Command const& command) {
  if (command.simple_keys) return command.first_key;
  if (command.key_specs.size() != 1) return 0;
  KeySpec const& spec = command.key_specs.front();
  bool const counted = spec.begin == KeySpec::Begin::kIndex && spec.find == KeySpec::Find::kKeyNum && !spec.not_key;
  return counted ? spec.index + spec.first_key : 0;
}

std::unique_ptr<Command> make_command(CommandRow const& row, uint16_t id) {
  auto command = std::make_unique<Command>();
  command->row = &row;
  command->id = id;
  command->full_name = row.name;
  command->arity = row.arity;
  command->flags = parse_command_flags(row.flags);
  command->key_specs = parse_key_specs(row.keys);
  command->categories = command_categories(row.categories, command->flags);
  derive_key_range(*command);
  command->foreseen_key = foreseen_key(*command);
  switch (row.handler.index()) {
    case 0: command->kind = Command::Kind::kContainer; break;
    case 1:
      command->kind = Command::Kind::kData;
      command->data = std::get<DataHandler>(row.handler);
      break;
    case 2:
      command->kind = Command::Kind::kSessionData;
      command->session_data = std::get<SessionDataHandler>(row.handler);
      break;
    case 3:
      command->kind = Command::Kind::kSession;
      command->session = std::get<SessionHandler>(row.handler);
      break;
    case 4:
      command->kind = Command::Kind::kTask;
      command->task = std::get<TaskHandler>(row.handler);
      break;
    default:
      command->kind = Command::Kind::kScript;
      command->script = std::get<ScriptHandler>(row.handler);
      break;
  }
  CHECK(!row.long_form || command->data || command->session_data);
  command->long_form = row.long_form;
  command->element = row.element;
  return command;
}

}  // namespace

CommandTable::CommandTable(std::vector<CommandRows> const& families) {
  for (CommandRows rows : families) {
    for (CommandRow const& row : rows) {
      auto command = make_command(row, static_cast<uint16_t>(commands_.size()));
      CHECK(full_names_.emplace(command->full_name, command.get()).second);
      commands_.push_back(std::move(command));
    }
  }
  for (auto const& command : commands_) {
    size_t bar = command->full_name.find('|');
    if (bar == std::string::npos) {
      top_level_.push_back(command.get());
      names_.emplace(command->full_name, command.get());
      continue;
    }
    auto parent = full_names_.find(command->full_name.substr(0, bar));
    CHECK(parent != full_names_.end());
    command->parent = parent->second;
    parent->second->subcommands.push_back(command.get());
  }
  std::sort(top_level_.begin(), top_level_.end(), [](auto a, auto b) { return a->full_name < b->full_name; });
  index_names();
}

void CommandTable::index_names() {
  size_t slots = std::bit_ceil(names_.size() * 4);
  slots_.assign(slots, {});
  slot_mask_ = slots - 1;
  for (auto const& [name, command] : names_) {
    uint64_t at = name_hash(name) & slot_mask_;
    while (slots_[at].command) at = (at + 1) & slot_mask_;
    slots_[at] = {name, command};
  }
}

CommandTable::Renamed CommandTable::rename(std::string_view from, std::string_view to) {
  auto found = names_.find(to_lower(from));
  if (found == names_.end()) return Renamed::kNoSuchCommand;
  std::string target = to_lower(to);
  if (!target.empty() && names_.contains(target)) return Renamed::kTargetExists;
  Command* command = found->second;
  names_.erase(found);
  if (target.empty()) {
    std::erase(top_level_, command);
  } else {
    names_.emplace(std::move(target), command);
  }
  index_names();
  return Renamed::kOk;
}

Command const* CommandTable::find(std::string_view name) const {
  for (uint64_t at = name_hash(name) & slot_mask_; slots_[at].command; at = (at + 1) & slot_mask_) {
    if (iequals(slots_[at].name, name)) return slots_[at].command;
  }
  return nullptr;
}

Command const* CommandTable::find_subcommand(Command const& container, std::string_view name) const {
  size_t prefix = container.full_name.size() + 1;
  for (Command const* subcommand : container.subcommands) {
    if (iequals(std::string_view(subcommand->full_name).substr(prefix), name)) return subcommand;
  }
  return nullptr;
}

Command const* CommandTable::find_full(std::string_view full_name) const {
  size_t bar = full_name.find('|');
  Command const* command = find(full_name.substr(0, bar));
  if (!command || bar == std::string_view::npos) return command;
  return find_subcommand(*command, full_name.substr(bar + 1));
}

Command const* CommandTable::find_full_original(std::string_view full_name) const {
  auto found = full_names_.find(std::string(full_name));
  CHECK(found != full_names_.end());
  return found->second;
}

void CommandTable::find_keys(Command const& command, Args args, KeyPositions& out) {
  out.positions.clear();
  out.valid = true;
  auto argc = static_cast<int64_t>(args.size());
  for (KeySpec const& spec : command.key_specs) {
    if (!spec.options.empty()) {
      if (uint32_t const at = behind_last_option(spec, args); at != 0) out.positions.push_back({at, &spec});
      continue;
    }
    int64_t begin = 0;
    if (spec.begin == KeySpec::Begin::kIndex) {
      begin = spec.index;
    } else if (spec.begin == KeySpec::Begin::kKeyword) {
      bool forward = spec.start_from > 0;
      int64_t at = forward ? spec.start_from : argc + spec.start_from;
      for (; at > 0 && at < argc; at += forward ? 1 : -1) {
        if (iequals(args[static_cast<size_t>(at)], spec.keyword)) {
          begin = at + 1;
          break;
        }
      }
      if (begin == 0) continue;
    } else {
      continue;
    }
    int64_t first = begin;
    int64_t last = begin;
    if (spec.find == KeySpec::Find::kRange) {
      if (spec.last_key >= 0) {
        last = begin + spec.last_key;
      } else if (spec.limit > 1) {
        last = begin + (argc - begin) / spec.limit - 1;
      } else {
        last = argc + spec.last_key;
      }
    } else if (spec.find == KeySpec::Find::kKeyNum) {
      int64_t count_at = begin + spec.keynum_index;
      auto count = count_at < argc ? parse_int64(args[static_cast<size_t>(count_at)]) : std::nullopt;
      if (!count || *count < 0 || *count > argc) {
        out.valid = false;
        continue;
      }
      first = begin + spec.first_key;
      last = first + *count * spec.key_step - 1;
    } else {
      continue;
    }
    if (last >= argc || first >= argc || last < first) {
      if (!(spec.find == KeySpec::Find::kKeyNum && last == first - 1)) out.valid = false;
      if (first >= argc || last < first) continue;
      last = argc - 1;
    }
    for (int64_t at = first; at <= last; at += spec.key_step) {
      out.positions.push_back({static_cast<uint32_t>(at), &spec});
    }
  }
}

}  // namespace holdfast
