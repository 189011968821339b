#include "commands/collection_scan.h"

#include "base/number.h"
#include "command/errors.h"

namespace holdfast {

std::optional<uint64_t> CollectionScan::read_cursor(Args args, Reply& reply) {
  std::optional<uint64_t> cursor = parse_scan_cursor(args[2]);
  if (!cursor) reply.error("invalid cursor");
  return cursor;
}

std::optional<CollectionScan> CollectionScan::parse(Args args, uint64_t cursor, bool has_values, Reply& reply) {
  CollectionScan scan;
  scan.cursor = cursor;
  for (size_t i = 3; i < args.size(); i++) {
    bool const has_value = i + 1 < args.size();
    if (has_value && args.is(i, "COUNT")) {
      std::optional<int64_t> count = args.integer(++i, reply);
      if (!count) return std::nullopt;
      scan.count = static_cast<uint64_t>(*count);
      if (*count >= 1) continue;
    } else if (has_value && args.is(i, "MATCH")) {
      scan.pattern = args[++i];
      // The glob "*" does not match the empty text; here it means everything.
      if (scan.pattern == "*") scan.pattern.reset();
      continue;
    } else if (has_values && args.is(i, "NOVALUES")) {
      scan.no_values = true;
      continue;
    }
    reply.error(errors::kSyntax);
    return std::nullopt;
  }
  return scan;
}

void reply_empty_scan(Reply& reply) {
  reply.array(2);
  reply.bulk("0");
  reply.array(0);
}

}  // namespace holdfast
