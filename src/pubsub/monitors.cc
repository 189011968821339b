#include "pubsub/monitors.h"

#include <algorithm>
#include <memory>
#include <string>

#include "base/args.h"
#include "base/number.h"
#include "command/command_table.h"
#include "command/secret_arguments.h"
#include "command/session.h"

namespace holdfast {
namespace {

class MonitorLine final : public PushMessage {
 public:
  explicit MonitorLine(std::string line) : line_(std::move(line)) {}
  void write(Session& session, OutputBuffer& out) const override {
    if (session.monitors) out.append(line_);
  }
  size_t bytes() const override { return line_.size(); }

 private:
  std::string line_;
};

/// `+<seconds>.<microseconds> [<db> <source>] "word" ...`
std::string line_of(int64_t unix_us, Session& session, Command const& command, Args args, bool by_script) {
  constexpr int64_t kMicrosecondsPerSecond = 1'000'000;
  constexpr size_t kMicrosecondDigits = 6;
  std::string const micros = to_text(unix_us % kMicrosecondsPerSecond);
  std::string line = "+" + to_text(unix_us / kMicrosecondsPerSecond) + ".";
  line.append(kMicrosecondDigits - micros.size(), '0').append(micros).append(" [").append(to_text(session.db())).append(" ");
  ClientCard const& card = session.card();
  if (by_script) {
    line += "lua";
  } else if (card.unix_socket) {
    line.append("unix:").append(card.address, 0, card.address.rfind(':'));
  } else {
    line += card.address;
  }
  line += "]";
  std::vector<size_t> const secrets = secret_arguments(command.full_name, args);
  for (size_t i = 0; i < args.size(); i++) {
    bool const secret = std::ranges::binary_search(secrets, i);
    line.append(" ").append(quote(secret ? kRedacted : args[i]));
  }
  return line + "\r\n";
}

}  // namespace

bool Monitors::add(Session& session) {
  if (session.monitors) return false;
  session.monitors = true;
  session.observed = true;
  session.card().monitors.store(true, std::memory_order_relaxed);
  MutexLock lock(mutex_);
  monitors_.add({session.card().worker, session.card().id});
  active_.store(true, std::memory_order_relaxed);
  return true;
}

void Monitors::remove(Session& session) {
  if (!session.monitors) return;
  session.monitors = false;
  session.card().monitors.store(false, std::memory_order_relaxed);
  MutexLock lock(mutex_);
  monitors_.remove({session.card().worker, session.card().id});
  active_.store(!monitors_.empty(), std::memory_order_relaxed);
}

void Monitors::show(Session& session, Command const& command, Args args, bool by_script) {
  auto const line = std::make_shared<MonitorLine const>(line_of(clock_.unix_us(), session, command, args, by_script));
  PostOffice::Round round(office_);
  MutexLock lock(mutex_);
  monitors_.send(line, round);
}

}  // namespace holdfast
