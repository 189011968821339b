#include "command/slowlog.h"

#include <algorithm>
#include <utility>

#include "base/number.h"
#include "command/client_card.h"
#include "command/command_table.h"
#include "command/secret_arguments.h"

namespace holdfast {

std::vector<std::string> slow_command_arguments(std::string_view full_name, Args args) {
  std::vector<size_t> const secrets = secret_arguments(full_name, args);
  bool const too_many = args.size() > SlowLog::kArgumentsMax;
  size_t const kept = too_many ? SlowLog::kArgumentsMax - 1 : args.size();
  std::vector<std::string> texts;
  texts.reserve(kept + 1);
  for (size_t i = 0; i < kept; i++) {
    std::string_view text = args[i];
    if (std::ranges::binary_search(secrets, i)) {
      texts.emplace_back(kRedacted);
    } else if (text.size() > SlowLog::kArgumentBytesMax) {
      std::string& shown = texts.emplace_back(text.substr(0, SlowLog::kArgumentBytesMax));
      shown.append("... (").append(to_text_unsigned(text.size() - SlowLog::kArgumentBytesMax)).append(" more bytes)");
    } else {
      texts.emplace_back(text);
    }
  }
  if (too_many) texts.push_back("... (" + to_text_unsigned(args.size() - kept) + " more arguments)");
  return texts;
}

void SlowLog::record(ClientCard& client, Command const& command, Args args, int64_t now_ms, uint64_t nanoseconds,
                     Waits waits) {
  SlowCommand slow{.unix_s = now_ms / 1000,
                      .microseconds = static_cast<int64_t>(nanoseconds / 1000),
                      .waited_us = waits.waited_us,
                      .lock_wait_us = waits.lock_wait_us,
                      .arguments = slow_command_arguments(command.full_name, args),
                      .client_address = client.address,
                      .client_name = client.name()};
  auto const entries_max = static_cast<size_t>(config_.integer(config::Directive::kSlowlogMaxLen));
  std::vector<SlowCommand> dropped;  // destroyed after the lock is gone
  MutexLock lock(mutex_);
  slow.id = next_id_++;
  commands_.push_front(std::move(slow));
  while (commands_.size() > entries_max) {
    dropped.push_back(std::move(commands_.back()));
    commands_.pop_back();
  }
}

std::vector<SlowCommand> SlowLog::latest(size_t count) const {
  MutexLock lock(mutex_);
  auto const end = commands_.begin() + static_cast<std::ptrdiff_t>(std::min(count, commands_.size()));
  return {commands_.begin(), end};
}

size_t SlowLog::size() const {
  MutexLock lock(mutex_);
  return commands_.size();
}

void SlowLog::clear() {
  std::deque<SlowCommand> dropped;
  MutexLock lock(mutex_);
  commands_.swap(dropped);
}

}  // namespace holdfast
