#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "command/args.h"
#include "command/command_row.h"
#include "keyspace/wait_request.h"

namespace holdfast {

// What the commands share that wait for elements.

/// The timeout at `index`, given in seconds with a fraction, in milliseconds; 0: for ever. On failure writes the error.
std::optional<int64_t> wait_seconds(Args args, size_t index, Reply& reply);

/// Waits until one of the keys holds a value of a type, and then does the same command again with that key only.
class RepeatedCommand final : public WaitRequest {
 public:
  /// The command with `key` as its only key. Views into `command` and `key`.
  using Narrow = std::vector<std::string_view> (*)(std::span<std::string const> command, std::string_view key);

  RepeatedCommand(Args command, ValueType type, DataHandler handler, Narrow narrow)
      : WaitRequest(command.span(), type), handler_(handler), narrow_(narrow) {}

  bool ready(std::string_view key, Record const* record) const override;
  void run(Txn& txn, std::string_view key, Reply& reply) override;

 private:
  DataHandler handler_;
  Narrow narrow_;
};

/// Runs `handler` as one command of the transaction. Precondition: it finds something, so that it does not want to wait.
void run_served(Txn& txn, DataHandler handler, std::span<std::string_view const> words, Reply& reply);

/// A command `NAME key [key ...] timeout` that waits for a value of `type`.
std::unique_ptr<WaitRequest> wait_for_any_key(Args args, ValueType type, DataHandler handler, int64_t timeout_ms);
/// A command `NAME timeout numkeys key [key ...] ...` that does so.
std::unique_ptr<WaitRequest> wait_for_numbered_keys(Args args, size_t keys, ValueType type, DataHandler handler,
                                                    int64_t timeout_ms);

}  // namespace holdfast
