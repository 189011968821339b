#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "command/args.h"
#include "command/client_card.h"

namespace holdfast {

namespace acl {
class Users;
}

/// The classes that CLIENT LIST and CLIENT KILL tell apart.
enum class ClientType : uint8_t { kNormal, kMaster, kReplica, kPubsub };

/// "normal", "master", "replica" or "slave", "pubsub", in any case.
std::optional<ClientType> parse_client_type(std::string_view word);
/// The link to a primary is no connection of a client: nothing here is of type master.
ClientType client_type(ClientCard const& card);

/// What CLIENT KILL asks for: a connection must fit everything that is set.
struct ClientFilter {
  std::optional<uint64_t> id;
  std::optional<ClientType> type;
  std::optional<std::string> user;
  std::optional<std::string> address;
  std::optional<std::string> local_address;
  /// Spares the connection that asks.
  bool skip_me = true;

  /// Reads `<filter> <value> ...` from `first` on. The message of a failure is the error reply.
  static Result<ClientFilter> parse(Args args, size_t first, acl::Users const& users);

  /// `own_id` is the connection that asks.
  bool matches(ClientCard& card, uint64_t own_id) const;
};

}  // namespace holdfast
