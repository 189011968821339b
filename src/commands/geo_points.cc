#include <string>
#include <vector>

#include "base/number.h"
#include "command/errors.h"
#include "commands/geo.h"
#include "commands/geo_arguments.h"
#include "commands/zset_add.h"

namespace holdfast {
namespace {

void cmd_geoadd(Txn& txn, Args args, Reply& reply) {
  ZaddOptions options;
  size_t first = 2;
  for (; first < args.size(); first++) {
    if (args.is(first, "NX")) {
      options.only_new = true;
    } else if (args.is(first, "XX")) {
      options.only_present = true;
    } else if (args.is(first, "CH")) {
      options.count_changed = true;
    } else {
      break;
    }
  }
  size_t const words = args.size() - first;
  if (words == 0 || words % 3 != 0 || (options.only_new && options.only_present)) return reply.error(errors::kSyntax);
  std::vector<double> scores;
  scores.reserve(words / 3);
  for (size_t i = first; i < args.size(); i += 3) {
    std::optional<GeoPoint> const point = parse_geo_point(args, i, reply);
    if (!point) return;
    scores.push_back(static_cast<double>(geo_encode(*point)));
  }
  if (add_to_zset(txn, args, options, scores, first + 2, 3, reply) == 0) return;
  // Logged as what it is, so that no replay depends on how coordinates are rounded.
  std::vector<std::string> texts;
  texts.reserve(scores.size());
  std::vector<std::string_view> command = {"zadd", args[1]};
  for (size_t i = 2; i < first; i++) command.push_back(args[i]);
  for (size_t i = 0; i < scores.size(); i++) {
    command.push_back(texts.emplace_back(to_text(static_cast<int64_t>(scores[i]))));
    command.push_back(args[first + 2 + 3 * i]);
  }
  txn.effect(command);
}

std::optional<GeoPoint> point_of(Zset const& zset, std::string_view member) {
  std::optional<double> const score = zset.exists() ? zset.reader().score(member) : std::nullopt;
  if (!score) return std::nullopt;
  return geo_decode(geo_bits_of_score(*score));
}

void cmd_geopos(Txn& txn, Args args, Reply& reply) {
  std::optional<Zset> const zset = Zset::find(txn, args[1], Lookup::kRead, reply);
  if (!zset) return;
  reply.array(args.size() - 2);
  for (size_t i = 2; i < args.size(); i++) {
    std::optional<GeoPoint> const point = point_of(*zset, args[i]);
    point ? reply_geo_point(reply, *point) : reply.null_array();
  }
}

void cmd_geodist(Txn& txn, Args args, Reply& reply) {
  std::optional<double> unit = 1;
  if (args.size() > 5) return reply.error(errors::kSyntax);
  if (args.size() == 5) unit = parse_geo_unit(args, 4, reply);
  if (!unit) return;
  std::optional<Zset> const zset = Zset::find(txn, args[1], Lookup::kRead, reply);
  if (!zset) return;
  std::optional<GeoPoint> const from = point_of(*zset, args[2]);
  std::optional<GeoPoint> const to = point_of(*zset, args[3]);
  if (!from || !to) return reply.null();
  reply_geo_distance(reply, geo_distance(*from, *to) / *unit);
}

void cmd_geohash(Txn& txn, Args args, Reply& reply) {
  std::optional<Zset> const zset = Zset::find(txn, args[1], Lookup::kRead, reply);
  if (!zset) return;
  reply.array(args.size() - 2);
  for (size_t i = 2; i < args.size(); i++) {
    std::optional<GeoPoint> const point = point_of(*zset, args[i]);
    if (!point) {
      reply.null();
      continue;
    }
    auto const text = geo_hash_text(*point);
    reply.bulk({text.data(), text.size()});
  }
}

constexpr CommandRow kGeoPointsRows[] = {
    {.name = "geoadd", .arity = -5, .flags = "write denyoom", .keys = "RW update i1 r(0,1,0)", .categories = "geo",
     .tips = "", .group = "geo", .since = "3.2.0", .complexity = "O(log(N)) for each member in a sorted set of N",
     .summary = "Adds members with their places on the globe.",
     .syntax = "key:key [condition:oneof(NX|XX)@6.2.0] [CH change:pure-token@6.2.0] "
               "longitude_latitude_member:block(longitude:double latitude:double member:string)...",
     .handler = &cmd_geoadd, .history = "6.2.0: `CH`, `NX` and `XX`.", .element = 4},
    {.name = "geopos", .arity = -2, .flags = "readonly", .keys = "RO access i1 r(0,1,0)", .categories = "geo",
     .tips = "", .group = "geo", .since = "3.2.0", .complexity = "O(N) for N members asked for",
     .summary = "Answers longitude and latitude of members.", .syntax = "key:key member:string...",
     .handler = &cmd_geopos, .element = 2},
    {.name = "geodist", .arity = -4, .flags = "readonly", .keys = "RO access i1 r(0,1,0)", .categories = "geo",
     .tips = "", .group = "geo", .since = "3.2.0", .complexity = "O(log(N)) for N members",
     .summary = "Answers the distance between two members.",
     .syntax = "key:key member1:string member2:string [unit:oneof(M|KM|FT|MI)]", .handler = &cmd_geodist},
    {.name = "geohash", .arity = -2, .flags = "readonly", .keys = "RO access i1 r(0,1,0)", .categories = "geo",
     .tips = "", .group = "geo", .since = "3.2.0", .complexity = "O(log(N)) for each member in a sorted set of N",
     .summary = "Answers the places of members as geohash texts.", .syntax = "key:key member:string...",
     .handler = &cmd_geohash},
};

}  // namespace

CommandRows geo_point_commands() { return kGeoPointsRows; }

}  // namespace holdfast
