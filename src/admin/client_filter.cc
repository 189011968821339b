#include "admin/client_filter.h"

#include "acl/users.h"
#include "base/number.h"
#include "base/strings.h"
#include "command/errors.h"

namespace holdfast {

std::optional<ClientType> parse_client_type(std::string_view word) {
  if (iequals(word, "normal")) return ClientType::kNormal;
  if (iequals(word, "master")) return ClientType::kMaster;
  if (iequals(word, "replica") || iequals(word, "slave")) return ClientType::kReplica;
  if (iequals(word, "pubsub")) return ClientType::kPubsub;
  return std::nullopt;
}

ClientType client_type(ClientCard const& card) {
  if (card.primary) return ClientType::kMaster;
  if (card.replica.load(std::memory_order_relaxed)) return ClientType::kReplica;
  return card.subscribed() ? ClientType::kPubsub : ClientType::kNormal;
}

namespace {

Status apply(ClientFilter& filter, acl::Users const& users, std::string_view word, std::string_view value) {
  if (iequals(word, "ID")) {
    auto const id = parse_int64(value);
    if (!id || *id < 1) return fail("client-id should be greater than 0");
    filter.id = static_cast<uint64_t>(*id);
  } else if (iequals(word, "TYPE")) {
    filter.type = parse_client_type(value);
    if (!filter.type) return fail("Unknown client type '" + std::string(until_zero_byte(value)) + "'");
  } else if (iequals(word, "ADDR")) {
    filter.address = value;
  } else if (iequals(word, "LADDR")) {
    filter.local_address = value;
  } else if (iequals(word, "USER")) {
    filter.user = value;
    if (!users.find(value)) return fail("No such user '" + std::string(until_zero_byte(value)) + "'");
  } else if (iequals(word, "SKIPME")) {
    bool const yes = iequals(value, "yes");
    if (!yes && !iequals(value, "no")) return fail(std::string(errors::kSyntax));
    filter.skip_me = yes;
  } else {
    return fail(std::string(errors::kSyntax));
  }
  return {};
}

}  // namespace

Result<ClientFilter> ClientFilter::parse(Args args, size_t first, acl::Users const& users) {
  ClientFilter filter;
  for (size_t i = first; i < args.size(); i += 2) {
    if (i + 1 == args.size()) return fail(std::string(errors::kSyntax));
    if (Status applied = apply(filter, users, args[i], args[i + 1]); !applied) {
      return std::unexpected(std::move(applied.error()));
    }
  }
  return filter;
}

bool ClientFilter::matches(ClientCard& card, uint64_t own_id) const {
  if (skip_me && card.id == own_id) return false;
  if (id && card.id != *id) return false;
  if (user && card.user() != *user) return false;
  if (type && client_type(card) != *type) return false;
  if (address && card.address != *address) return false;
  return !local_address || card.local_address == *local_address;
}

}  // namespace holdfast
