#include "commands/field_expiry.h"

#include "base/number.h"
#include "command/errors.h"
#include "keyspace/keyspace.h"

namespace holdfast {

std::optional<int64_t> read_field_expiry(std::string_view text, TimeForm form, int64_t now_ms, char const* command,
                                         Reply& reply) {
  std::optional<int64_t> value = parse_int64(text);
  if (!value) {
    reply.error(errors::kNotInteger);
    return std::nullopt;
  }
  if (*value < 0) {
    reply.error("invalid expire time, must be >= 0");
    return std::nullopt;
  }
  int64_t const base_ms = form.absolute ? 0 : now_ms;
  bool valid = *value <= (form.unit == TimeUnit::kSeconds ? kFieldExpiryMax / 1000 : kFieldExpiryMax);
  if (valid && form.unit == TimeUnit::kSeconds) *value *= 1000;
  valid = valid && *value <= kFieldExpiryMax - base_ms;
  if (!valid) {
    reply.errorf("invalid expire time in '%s' command", command);
    return std::nullopt;
  }
  return *value + base_ms;
}

std::optional<FieldList> read_fields(Args args, size_t at, size_t step, std::string_view not_positive, Reply& reply) {
  if (at + 1 >= args.size() || !args.is(at, "FIELDS")) {
    reply.error("Mandatory argument FIELDS is missing or not at the right position");
    return std::nullopt;
  }
  std::optional<int64_t> const count = parse_int64(args[at + 1]);
  if (!count || *count < 1) {
    reply.error(not_positive);
    return std::nullopt;
  }
  size_t const words = args.size() - at - 2;
  if (words % step != 0 || static_cast<uint64_t>(*count) != words / step) {
    reply.error("The `numfields` parameter must match the number of arguments");
    return std::nullopt;
  }
  return FieldList{.first = at + 2, .count = words / step};
}

bool deletes_at_once(Txn& txn, int64_t expire_ms) { return expire_ms <= txn.now_ms() && txn.keyspace().deletes_expired(); }

void FieldEffects::log(int64_t expire_ms) {
  std::string const time = to_text(expire_ms);
  if (!deleted_.empty()) log({"HDEL", key_}, deleted_, false);
  if (!expiring_.empty()) log({"HPEXPIREAT", key_, time, "FIELDS"}, expiring_, true);
  if (!persistent_.empty()) log({"HPERSIST", key_, "FIELDS"}, persistent_, true);
}

void FieldEffects::log(std::vector<std::string_view> head, std::vector<std::string_view> const& fields,
                       bool with_count) {
  std::string const count = to_text(static_cast<int64_t>(fields.size()));
  if (with_count) head.push_back(count);
  head.insert(head.end(), fields.begin(), fields.end());
  txn_.effect(head);
}

}  // namespace holdfast
