#include "commands/zset_access.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <string>

#include "base/number.h"
#include "commands/value_reply.h"

namespace holdfast {
namespace {

std::optional<double> parse_score(std::string_view text) {
  if (std::optional<double> const usual = parse_double(text)) return usual;
  std::string const terminated(text);
  char* end = nullptr;
  double const score = std::strtod(terminated.c_str(), &end);
  if (*end != '\0' || std::isnan(score)) return std::nullopt;
  return score;
}

}  // namespace

std::optional<Zset> Zset::find(Txn& txn, std::string_view key, Lookup lookup, Reply& reply) {
  Record* record = txn.find(key, lookup);
  if (!is_type_or_missing(record, ValueType::kZset, reply)) return std::nullopt;
  return Zset(txn, key, record);
}

std::optional<ScoreBound> parse_score_bound(std::string_view text) {
  bool const exclusive = text.starts_with('(');
  std::optional<double> const score = parse_score(text.substr(exclusive ? 1 : 0));
  if (!score) return std::nullopt;
  return ScoreBound{*score, exclusive};
}

std::optional<LexBound> parse_lex_bound(std::string_view text) {
  if (text == "-") return LexBound{LexBound::Kind::kMin};
  if (text == "+") return LexBound{LexBound::Kind::kMax};
  if (text.starts_with('[')) return LexBound{LexBound::Kind::kInclusive, text.substr(1)};
  if (text.starts_with('(')) return LexBound{LexBound::Kind::kExclusive, text.substr(1)};
  return std::nullopt;
}

std::optional<ScoreRange> ScoreRange::parse(Args args, size_t min_index, size_t max_index, Reply& reply) {
  std::optional<ScoreBound> const min = parse_score_bound(args[min_index]);
  std::optional<ScoreBound> const max = parse_score_bound(args[max_index]);
  if (min && max) return ScoreRange{*min, *max};
  reply.error(kRangeNotFloat);
  return std::nullopt;
}

std::optional<LexRange> LexRange::parse(Args args, size_t min_index, size_t max_index, Reply& reply) {
  std::optional<LexBound> const min = parse_lex_bound(args[min_index]);
  std::optional<LexBound> const max = parse_lex_bound(args[max_index]);
  if (min && max) return LexRange{*min, *max};
  reply.error(kRangeNotLex);
  return std::nullopt;
}

RankRange rank_range(int64_t first, int64_t last, uint64_t size) {
  auto const count = static_cast<int64_t>(size);
  if (first < 0) first = std::max<int64_t>(first + count, 0);
  if (last < 0) last += count;
  if (first > last || first >= count) return {};
  return {static_cast<uint64_t>(first), static_cast<uint64_t>(std::min(last, count - 1)) + 1};
}

}  // namespace holdfast
