#include "commands/waiting.h"

#include <cmath>

#include "base/check.h"
#include "base/number.h"
#include "keyspace/txn.h"

namespace holdfast {

std::optional<int64_t> wait_seconds(Args args, size_t index, Reply& reply) {
  std::optional<long double> const seconds = parse_long_double(args[index]);
  if (!seconds) {
    reply.error("timeout is not a float or out of range");
    return std::nullopt;
  }
  constexpr long double kMillisecondsEnd = 9223372036854775808.0L;
  long double const ms = std::ceil(*seconds * 1000);
  // Too long is called negative, as in Redis.
  if (!(ms >= 0 && ms < kMillisecondsEnd)) {
    reply.error("timeout is negative");
    return std::nullopt;
  }
  return static_cast<int64_t>(ms);
}

void run_served(Txn& txn, DataHandler handler, std::span<std::string_view const> words, Reply& reply) {
  txn.begin_command(words);
  handler(txn, Args(words), reply);
  txn.end_command();
  CHECK(!txn.take_wait_request());
}

bool RepeatedCommand::ready(std::string_view, Record const* record) const {
  return record && record->type() == type();
}

void RepeatedCommand::run(Txn& txn, std::string_view key, Reply& reply) {
  run_served(txn, handler_, narrow_(command(), key), reply);
}

std::unique_ptr<WaitRequest> wait_for_any_key(Args args, ValueType type, DataHandler handler, int64_t timeout_ms) {
  auto request = std::make_unique<RepeatedCommand>(
      args, type, handler, [](std::span<std::string const> command, std::string_view key) {
        return std::vector<std::string_view>{command.front(), key, command.back()};
      });
  std::span<std::string_view const> const keys = args.span().subspan(1, args.size() - 2);
  request->keys.assign(keys.begin(), keys.end());
  request->timeout_ms = timeout_ms;
  return request;
}

std::unique_ptr<WaitRequest> wait_for_numbered_keys(Args args, size_t keys, ValueType type, DataHandler handler,
                                                    int64_t timeout_ms) {
  auto request = std::make_unique<RepeatedCommand>(
      args, type, handler, [](std::span<std::string const> command, std::string_view key) {
        std::vector<std::string_view> words{command[0], command[1], "1", key};
        std::span<std::string const> const rest = command.subspan(3 + static_cast<size_t>(*parse_int64(command[2])));
        words.insert(words.end(), rest.begin(), rest.end());
        return words;
      });
  std::span<std::string_view const> const names = args.span().subspan(3, keys);
  request->keys.assign(names.begin(), names.end());
  request->timeout_ms = timeout_ms;
  return request;
}

}  // namespace holdfast
