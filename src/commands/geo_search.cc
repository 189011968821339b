#include <algorithm>
#include <string>
#include <vector>

#include "base/number.h"
#include "command/errors.h"
#include "commands/geo.h"
#include "commands/geo_arguments.h"
#include "commands/zset_reply.h"
#include "keyspace/keyspace.h"
#include "structures/geo_area.h"

namespace holdfast {
namespace {

/// The commands of this file differ in where the area is said and in what becomes of the result.
struct Form {
  enum class Area : uint8_t { kCoordinates, kMember, kOptions };  // GEORADIUS, GEORADIUSBYMEMBER, GEOSEARCH
  Area area;
  size_t source = 1;  ///< index of the key
  bool may_store = false;
  bool stores = false;  ///< GEOSEARCHSTORE
};

enum class Order : uint8_t { kNone, kAscending, kDescending };

struct Search {
  // The area; `shape.center` is missing when it is a member's and there is no key.
  GeoArea shape = GeoArea::circle({0, 0}, 0);
  double unit_meters = 1;

  bool with_distance = false;
  bool with_hash = false;
  bool with_point = false;
  bool any = false;
  Order order = Order::kNone;
  uint64_t count = 0;  ///< 0: all
  std::optional<std::string_view> store;
  bool store_distance = false;
  std::string_view stored_event = "georadiusstore";

  /// Reads everything behind the key. On failure replies why.
  bool parse(Form const& form, Zset const& zset, Args args, Reply& reply);
  bool shows_more() const { return with_distance || with_hash || with_point; }

 private:
  bool parse_option(Form const& form, Zset const& zset, Args args, size_t& index, Reply& reply);
  bool parse_area_option(Zset const& zset, Args args, size_t& index, Reply& reply);
  bool parse_radius(Args args, size_t index, Reply& reply);
  bool parse_box(Args args, size_t index, Reply& reply);
  bool center_on(Zset const& zset, std::string_view member, Reply& reply);
  bool check(Form const& form, Args args, Reply& reply) const;

  bool from_member_ = false;
  bool from_point_ = false;
  bool by_radius_ = false;
  bool by_box_ = false;
};

/// Replies the error and is false.
bool refuse(Reply& reply, std::string_view error) {
  reply.error(error);
  return false;
}

bool Search::parse(Form const& form, Zset const& zset, Args args, Reply& reply) {
  size_t index = form.source + 1;
  if (form.area == Form::Area::kCoordinates) {
    std::optional<GeoPoint> const point = parse_geo_point(args, index, reply);
    if (!point) return false;
    shape.center = *point;
    if (!parse_radius(args, index + 2, reply)) return false;
    index += 4;
  } else if (form.area == Form::Area::kMember) {
    // Without a key the radius is not even looked at.
    if (zset.exists() && (!center_on(zset, args[index], reply) || !parse_radius(args, index + 1, reply))) return false;
    index += 3;
  }
  if (form.stores) {
    store = args[1];
    stored_event = "geosearchstore";
  }
  for (; index < args.size(); index++) {
    if (!parse_option(form, zset, args, index, reply)) return false;
  }
  return check(form, args, reply);
}

bool Search::parse_option(Form const& form, Zset const& zset, Args args, size_t& index, Reply& reply) {
  size_t const behind = args.size() - index - 1;
  if (args.is(index, "WITHDIST")) {
    with_distance = true;
  } else if (args.is(index, "WITHHASH")) {
    with_hash = true;
  } else if (args.is(index, "WITHCOORD")) {
    with_point = true;
  } else if (args.is(index, "ANY")) {
    any = true;
  } else if (args.is(index, "ASC")) {
    order = Order::kAscending;
  } else if (args.is(index, "DESC")) {
    order = Order::kDescending;
  } else if (behind >= 1 && args.is(index, "COUNT")) {
    std::optional<int64_t> const number = args.integer(++index, reply);
    if (!number) return false;
    if (*number <= 0) return refuse(reply, "COUNT must be > 0");
    count = static_cast<uint64_t>(*number);
  } else if (form.may_store && behind >= 1 && (args.is(index, "STORE") || args.is(index, "STOREDIST"))) {
    store_distance = args.is(index, "STOREDIST");
    store = args[++index];
  } else if (form.stores && args.is(index, "STOREDIST")) {
    store_distance = true;
  } else if (form.area == Form::Area::kOptions) {
    return parse_area_option(zset, args, index, reply);
  } else {
    return refuse(reply, errors::kSyntax);
  }
  return true;
}

bool Search::parse_area_option(Zset const& zset, Args args, size_t& index, Reply& reply) {
  size_t const behind = args.size() - index - 1;
  if (behind >= 1 && !from_point_ && args.is(index, "FROMMEMBER")) {
    from_member_ = true;
    index += 1;
    return !zset.exists() || center_on(zset, args[index], reply);
  }
  if (behind >= 2 && !from_member_ && args.is(index, "FROMLONLAT")) {
    std::optional<GeoPoint> const point = parse_geo_point(args, index + 1, reply);
    if (!point) return false;
    shape.center = *point;
    from_point_ = true;
    index += 2;
    return true;
  }
  if (behind >= 2 && !by_box_ && args.is(index, "BYRADIUS")) {
    by_radius_ = true;
    index += 2;
    return parse_radius(args, index - 1, reply);
  }
  if (behind >= 3 && !by_radius_ && args.is(index, "BYBOX")) {
    by_box_ = true;
    index += 3;
    return parse_box(args, index - 2, reply);
  }
  return refuse(reply, errors::kSyntax);
}

bool Search::parse_radius(Args args, size_t index, Reply& reply) {
  std::optional<double> const radius = parse_double(args[index]);
  if (!radius) return refuse(reply, "need numeric radius");
  if (*radius < 0) return refuse(reply, "radius cannot be negative");
  std::optional<double> const unit = parse_geo_unit(args, index + 1, reply);
  if (!unit) return false;
  unit_meters = *unit;
  shape = GeoArea::circle(shape.center, *radius * *unit);
  return true;
}

bool Search::parse_box(Args args, size_t index, Reply& reply) {
  std::optional<double> const width = parse_double(args[index]);
  if (!width) return refuse(reply, "need numeric width");
  std::optional<double> const height = parse_double(args[index + 1]);
  if (!height) return refuse(reply, "need numeric height");
  if (*width < 0 || *height < 0) return refuse(reply, "height or width cannot be negative");
  std::optional<double> const unit = parse_geo_unit(args, index + 2, reply);
  if (!unit) return false;
  unit_meters = *unit;
  shape = GeoArea::box(shape.center, *width * *unit, *height * *unit);
  return true;
}

bool Search::center_on(Zset const& zset, std::string_view member, Reply& reply) {
  std::optional<double> const score = zset.reader().score(member);
  if (!score) return refuse(reply, "could not decode requested zset member");
  shape.center = geo_decode(geo_bits_of_score(*score));
  return true;
}

bool Search::check(Form const& form, Args args, Reply& reply) const {
  if (store && shows_more()) {
    return refuse(reply, form.stores
                             ? "GEOSEARCHSTORE is not compatible with WITHDIST, WITHHASH and WITHCOORD options"
                             : "STORE option in GEORADIUS is not compatible with WITHDIST, WITHHASH and WITHCOORD options");
  }
  if (form.area == Form::Area::kOptions) {
    std::string const command(args[0]);
    if (!from_member_ && !from_point_) {
      return refuse(reply, "exactly one of FROMMEMBER or FROMLONLAT can be specified for " + command);
    }
    if (!by_radius_ && !by_box_) {
      return refuse(reply, "exactly one of BYRADIUS and BYBOX can be specified for " + command);
    }
  }
  if (any && count == 0) return refuse(reply, "the ANY argument requires COUNT argument");
  return true;
}

struct Match {
  packed::Element member;  // lies in the set
  double score;
  double meters;
};

std::vector<Match> find_matches(ZsetReader const& zset, Search const& search) {
  std::vector<Match> matches;
  uint64_t const enough = search.any ? search.count : 0;
  for (GeoScoreRange const& range : geo_search_ranges(search.shape)) {
    RankRange const ranks = zset.range(ScoreBound{static_cast<double>(range.min)},
                                       ScoreBound{static_cast<double>(range.max), true});
    if (ranks.empty()) continue;
    ZsetCursor at = zset.at(ranks.first);
    for (uint64_t left = ranks.size(); left > 0; left--, at.next()) {
      std::optional<double> const meters = search.shape.distance_to(geo_decode(geo_bits_of_score(at.score())));
      if (!meters) continue;
      matches.push_back({at.member(), at.score(), *meters});
      if (matches.size() == enough) return matches;
    }
  }
  return matches;
}

/// Sorts as far as is asked for, and cuts off what is beyond the count.
void arrange(std::vector<Match>& matches, Search const& search) {
  Order order = search.order;
  if (order == Order::kNone && search.count > 0 && !search.any) order = Order::kAscending;
  uint64_t const wanted = search.count > 0 ? std::min<uint64_t>(search.count, matches.size()) : matches.size();
  auto const end = matches.begin() + static_cast<ptrdiff_t>(wanted);
  if (order == Order::kAscending) {
    std::partial_sort(matches.begin(), end, matches.end(),
                      [](Match const& a, Match const& b) { return a.meters < b.meters; });
  } else if (order == Order::kDescending) {
    std::partial_sort(matches.begin(), end, matches.end(),
                      [](Match const& a, Match const& b) { return a.meters > b.meters; });
  }
  matches.erase(end, matches.end());
}

void reply_match(Reply& reply, Search const& search, Match const& match) {
  size_t const more = size_t{search.with_distance} + search.with_hash + search.with_point;
  if (more > 0) reply.array(1 + more);
  reply_element(reply, match.member);
  if (search.with_distance) reply_geo_distance(reply, match.meters / search.unit_meters);
  uint64_t const bits = geo_bits_of_score(match.score);
  if (search.with_hash) reply.integer(static_cast<int64_t>(bits));
  if (search.with_point) reply_geo_point(reply, geo_decode(bits));
}

/// What is found in a frozen set.
class FrozenResult final : public ReplySource {
 public:
  FrozenResult(DetachedValue value, Search const& search)
      : value_(std::move(value)), search_(search), matches_(find_matches(ZsetReader(value_.view()), search)) {
    arrange(matches_, search_);
  }
  size_t size() const { return matches_.size(); }
  bool write(Reply& reply, size_t elements_max) override {
    for (size_t i = 0; i < elements_max && next_ < matches_.size(); i++) reply_match(reply, search_, matches_[next_++]);
    return next_ < matches_.size();
  }

 private:
  DetachedValue value_;
  Search search_;
  std::vector<Match> matches_;
  size_t next_ = 0;
};

void reply_matches(Txn& txn, Zset const& zset, Search const& search, Reply& reply) {
  // Few members at most: they are read where they are. Otherwise of a copy, which may outlive the lock.
  if (zset.reader().size() <= kReplyPairsMax) {
    std::vector<Match> matches = find_matches(zset.reader(), search);
    arrange(matches, search);
    reply.array(matches.size());
    for (Match const& match : matches) reply_match(reply, search, match);
    return;
  }
  auto result = std::make_unique<FrozenResult>(txn.copy_value(zset.record()), search);
  reply.array(result->size());
  if (result->size() > kReplyPairsMax) return reply.follow(std::move(result));
  while (result->write(reply, kReplyPairsMax)) continue;
}

void store_matches(Txn& txn, Zset const& zset, Search const& search, Reply& reply) {
  std::vector<Match> matches;
  if (zset.exists()) {
    matches = find_matches(zset.reader(), search);
    arrange(matches, search);
  }
  if (matches.empty()) {
    txn.drop(*search.store);
    return reply.integer(0);
  }
  ValueContext const context = txn.keyspace().value_context();
  SortedSet set(context.hasher);
  packed::TextScratch scratch;
  for (Match const& match : matches) {
    set.put(match.member.as_text(scratch), search.store_distance ? match.meters / search.unit_meters : match.score);
  }
  txn.put_value(txn.db(), *search.store, zset_value_of(std::move(set), context.limits));
  txn.notify(config::kEventZset, search.stored_event, *search.store);
  txn.mark_dirty(matches.size() - 1);  // each match counts
  reply.integer(static_cast<int64_t>(matches.size()));
}

void run(Txn& txn, Args args, Form const& form, Reply& reply) {
  std::optional<Zset> const zset = Zset::find(txn, args[form.source], Lookup::kRead, reply);
  if (!zset) return;
  Search search;
  if (!search.parse(form, *zset, args, reply)) return;
  if (search.store) return store_matches(txn, *zset, search, reply);
  if (!zset->exists()) return reply.array(0);
  reply_matches(txn, *zset, search, reply);
}

void cmd_geosearch(Txn& txn, Args args, Reply& reply) { run(txn, args, {.area = Form::Area::kOptions}, reply); }

void cmd_geosearchstore(Txn& txn, Args args, Reply& reply) {
  run(txn, args, {.area = Form::Area::kOptions, .source = 2, .stores = true}, reply);
}

void cmd_georadius(Txn& txn, Args args, Reply& reply) {
  run(txn, args, {.area = Form::Area::kCoordinates, .may_store = true}, reply);
}

void cmd_georadius_ro(Txn& txn, Args args, Reply& reply) { run(txn, args, {.area = Form::Area::kCoordinates}, reply); }

void cmd_georadiusbymember(Txn& txn, Args args, Reply& reply) {
  run(txn, args, {.area = Form::Area::kMember, .may_store = true}, reply);
}

void cmd_georadiusbymember_ro(Txn& txn, Args args, Reply& reply) {
  run(txn, args, {.area = Form::Area::kMember}, reply);
}

constexpr std::string_view kComplexity = "O(N+log(M)) for N members near the area and M of the sorted set";

constexpr CommandRow kGeoSearchRows[] = {
    {.name = "georadius", .arity = -6, .flags = "write denyoom movablekeys",
     .keys = "RO access i1 r(0,1,0); OW update kw(STORE,6) opt(STORE=1,STOREDIST=1,COUNT=1) r(0,1,0); "
             "OW update kw(STOREDIST,6) opt(STOREDIST=1,STORE=1,COUNT=1) r(0,1,0)",
     .categories = "geo", .tips = "", .group = "geo", .since = "3.2.0", .complexity = kComplexity,
     .summary = "Finds the members around a point.",
     .syntax = "key:key longitude:double latitude:double radius:double unit:oneof(M|KM|FT|MI) [WITHCOORD] [WITHDIST] "
               "[WITHHASH] [count:block(COUNT count:integer [ANY@6.2.0])] [order:oneof(ASC|DESC)] [STORE key:key] "
               "[STOREDIST key:key]",
     .handler = &cmd_georadius, .history = "6.2.0: `ANY` for `COUNT`.; 7.0.0: Names of units in any case.",
     .deprecated = "6.2.0: `GEOSEARCH` and `GEOSEARCHSTORE` with the `BYRADIUS` argument"},
    {.name = "georadius_ro", .arity = -6, .flags = "readonly", .keys = "RO access i1 r(0,1,0)", .categories = "geo",
     .tips = "", .group = "geo", .since = "3.2.10", .complexity = kComplexity,
     .summary = "Finds the members around a point, and never stores them.",
     .syntax = "key:key longitude:double latitude:double radius:double unit:oneof(M|KM|FT|MI) [WITHCOORD] [WITHDIST] "
               "[WITHHASH] [count:block(COUNT count:integer [ANY@6.2.0])] [order:oneof(ASC|DESC)]",
     .handler = &cmd_georadius_ro, .history = "6.2.0: `ANY` for `COUNT`.",
     .deprecated = "6.2.0: `GEOSEARCH` with the `BYRADIUS` argument"},
    {.name = "georadiusbymember", .arity = -5, .flags = "write denyoom movablekeys",
     .keys = "RO access i1 r(0,1,0); OW update kw(STORE,5) opt(STORE=1,STOREDIST=1,COUNT=1) r(0,1,0); "
             "OW update kw(STOREDIST,5) opt(STOREDIST=1,STORE=1,COUNT=1) r(0,1,0)",
     .categories = "geo", .tips = "", .group = "geo", .since = "3.2.0", .complexity = kComplexity,
     .summary = "Finds the members around a member.",
     .syntax = "key:key member:string radius:double unit:oneof(M|KM|FT|MI) [WITHCOORD] [WITHDIST] [WITHHASH] "
               "[count:block(COUNT count:integer [ANY])] [order:oneof(ASC|DESC)] [STORE key:key] [STOREDIST key:key]",
     .handler = &cmd_georadiusbymember, .history = "7.0.0: Names of units in any case.",
     .deprecated = "6.2.0: `GEOSEARCH` and `GEOSEARCHSTORE` with the `BYRADIUS` and `FROMMEMBER` arguments"},
    {.name = "georadiusbymember_ro", .arity = -5, .flags = "readonly", .keys = "RO access i1 r(0,1,0)",
     .categories = "geo", .tips = "", .group = "geo", .since = "3.2.10", .complexity = kComplexity,
     .summary = "Finds the members around a member, and never stores them.",
     .syntax = "key:key member:string radius:double unit:oneof(M|KM|FT|MI) [WITHCOORD] [WITHDIST] [WITHHASH] "
               "[count:block(COUNT count:integer [ANY])] [order:oneof(ASC|DESC)]",
     .handler = &cmd_georadiusbymember_ro,
     .deprecated = "6.2.0: `GEOSEARCH` with the `BYRADIUS` and `FROMMEMBER` arguments"},
    {.name = "geosearch", .arity = -7, .flags = "readonly", .keys = "RO access i1 r(0,1,0)", .categories = "geo",
     .tips = "", .group = "geo", .since = "6.2.0", .complexity = kComplexity,
     .summary = "Finds the members in a circle or a box.",
     .syntax = "key:key from:oneof(FROMMEMBER member:string|FROMLONLAT longitude_latitude:block(longitude:double "
               "latitude:double)) by:oneof(circle:block(BYRADIUS radius:double unit:oneof(M|KM|FT|MI))|box:block(BYBOX "
               "width:double height:double unit:oneof(M|KM|FT|MI))) [order:oneof(ASC|DESC)] [count:block(COUNT "
               "count:integer [ANY])] [WITHCOORD] [WITHDIST] [WITHHASH]",
     .handler = &cmd_geosearch, .history = "7.0.0: Names of units in any case."},
    {.name = "geosearchstore", .arity = -8, .flags = "write denyoom",
     .keys = "OW update i1 r(0,1,0); RO access i2 r(0,1,0)", .categories = "geo", .tips = "", .group = "geo",
     .since = "6.2.0", .complexity = kComplexity,
     .summary = "Stores the members in a circle or a box under another key.",
     .syntax = "destination:key source:key from:oneof(FROMMEMBER member:string|FROMLONLAT "
               "longitude_latitude:block(longitude:double latitude:double)) by:oneof(circle:block(BYRADIUS radius:double "
               "unit:oneof(M|KM|FT|MI))|box:block(BYBOX width:double height:double unit:oneof(M|KM|FT|MI))) "
               "[order:oneof(ASC|DESC)] [count:block(COUNT count:integer [ANY])] [STOREDIST]",
     .handler = &cmd_geosearchstore, .history = "7.0.0: Names of units in any case."},
};

}  // namespace

CommandRows geo_search_commands() { return kGeoSearchRows; }

}  // namespace holdfast
