#include "config/special_values.h"

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstdio>
#include <cstdlib>

#include "base/check.h"
#include "base/number.h"
#include "base/strings.h"

namespace holdfast::config {
namespace {

constexpr int64_t kOomScoreMax = 2000;
constexpr int64_t kPortMax = 65535;

std::optional<ClientClass> parse_class(std::string_view name) {
  if (iequals(name, "normal")) return ClientClass::kNormal;
  if (iequals(name, "slave") || iequals(name, "replica")) return ClientClass::kReplica;
  if (iequals(name, "pubsub")) return ClientClass::kPubsub;
  return std::nullopt;
}

std::string output_limits_text(OutputLimits const& limits) {
  constexpr std::string_view kNames[kClientClassCount] = {"normal", "slave", "pubsub"};
  std::string text;
  for (size_t i = 0; i < kClientClassCount; ++i) {
    if (i > 0) text.push_back(' ');
    text.append(kNames[i]);
    text.append(" " + to_text_unsigned(limits[i].hard_bytes));
    text.append(" " + to_text_unsigned(limits[i].soft_bytes));
    text.append(" " + to_text(limits[i].soft_seconds));
  }
  return text;
}

// A number of a canonical text.
int64_t known_number(std::string const& text) {
  auto const value = parse_int64(text);
  CHECK(value.has_value());
  return *value;
}

uint64_t known_bytes(std::string const& text) {
  auto const value = parse_uint64_lenient(text);
  CHECK(value.has_value());
  return *value;
}

// What strtoll takes whole in base 10: leading blanks and a sign are allowed, no digits at all are 0.
std::optional<int64_t> parse_number(std::string const& text) {
  if (text.find('\0') != std::string::npos) return std::nullopt;
  errno = 0;
  char* end = nullptr;
  long long const value = std::strtoll(text.c_str(), &end, 10);
  if (errno != 0 || end != text.c_str() + text.size()) return std::nullopt;
  return value;
}

// At most six fraction digits, without trailing zeros.
std::string percentile_text(double value) {
  char buffer[64];
  int const length = std::snprintf(buffer, sizeof buffer, "%.6f", value);
  std::string_view text(buffer, static_cast<size_t>(length));
  text = text.substr(0, text.find_last_not_of('0') + 1);
  if (text.ends_with('.')) text.remove_suffix(1);
  return std::string(text);
}

}  // namespace

Words split_spaces(std::string_view text) {
  Words words;
  size_t at = 0;
  while ((at = text.find_first_not_of(' ', at)) != std::string_view::npos) {
    size_t const end = std::min(text.find(' ', at), text.size());
    words.emplace_back(text.substr(at, end - at));
    at = end;
  }
  return words;
}

std::string join_spaces(Words const& words) {
  std::string text;
  for (std::string const& word : words) {
    if (!text.empty()) text.push_back(' ');
    text.append(word);
  }
  return text;
}

Result<std::string> parse_save(Words const& words, std::string_view before) {
  if (words.size() == 1 && words[0].empty()) return std::string();
  if (words.size() % 2 != 0) return fail("Invalid save parameters");
  std::string text(before);
  for (size_t i = 0; i < words.size(); i += 2) {
    auto const seconds = parse_number(words[i]);
    auto const changes = parse_number(words[i + 1]);
    if (!seconds || !changes || *seconds < 1 || *changes < 0 || *changes > INT_MAX) {
      return fail("Invalid save parameters");
    }
    if (!text.empty()) text.push_back(' ');
    text.append(to_text(*seconds) + " " + to_text(*changes));
  }
  return text;
}

std::vector<SavePoint> read_save(std::string_view text) {
  Words const words = split_spaces(text);
  CHECK(words.size() % 2 == 0);
  std::vector<SavePoint> points;
  for (size_t i = 0; i < words.size(); i += 2) points.push_back({known_number(words[i]), known_number(words[i + 1])});
  return points;
}

Result<std::string> parse_output_limits(Words const& words, std::string_view before) {
  if (words.size() % 4 != 0) return fail("Wrong number of arguments in buffer limit configuration.");
  OutputLimits limits = read_output_limits(before);
  for (size_t i = 0; i < words.size(); i += 4) {
    auto const client_class = parse_class(words[i]);
    if (!client_class) return fail("Invalid client class specified in buffer limit configuration.");
    auto const hard = parse_memory(words[i + 1]);
    auto const soft = parse_memory(words[i + 2]);
    auto const seconds = parse_number(words[i + 3]);
    if (!hard || !soft || !seconds || *seconds < 0 || *seconds > INT_MAX) {
      return fail("Error in hard, soft or soft_seconds setting in buffer limit configuration.");
    }
    limits[static_cast<size_t>(*client_class)] = {*hard, *soft, *seconds};
  }
  return output_limits_text(limits);
}

OutputLimits read_output_limits(std::string_view text) {
  OutputLimits limits;
  Words const words = split_spaces(text);
  if (words.empty()) return limits;
  CHECK(words.size() == 4 * kClientClassCount);
  for (size_t i = 0; i < kClientClassCount; ++i) {
    limits[i] = {known_bytes(words[4 * i + 1]), known_bytes(words[4 * i + 2]), known_number(words[4 * i + 3])};
  }
  return limits;
}

Result<std::string> parse_oom_values(Words const& words) {
  if (words.size() != OomScoreValues{}.size()) return fail("wrong number of arguments");
  Words canonical;
  for (std::string const& word : words) {
    auto const value = parse_number(word);
    if (!value || *value < -kOomScoreMax || *value > kOomScoreMax) {
      return fail("Invalid oom-score-adj-values, elements must be between -2000 and 2000.");
    }
    canonical.push_back(to_text(*value));
  }
  return join_spaces(canonical);
}

OomScoreValues read_oom_values(std::string_view text) {
  OomScoreValues values{};
  Words const words = split_spaces(text);
  CHECK(words.size() == values.size());
  for (size_t i = 0; i < values.size(); ++i) values[i] = static_cast<int>(known_number(words[i]));
  return values;
}

Result<std::string> parse_percentiles(Words const& words) {
  Words canonical;
  if (words.size() == 1 && words[0].empty()) return std::string();
  for (std::string const& word : words) {
    auto const value = parse_double(word);
    if (!value) return fail("Invalid latency-tracking-info-percentiles parameters");
    if (*value < 0.0 || *value > 100.0) {
      return fail("latency-tracking-info-percentiles parameters should sit between [0.0,100.0]");
    }
    canonical.push_back(percentile_text(*value));
  }
  return join_spaces(canonical);
}

std::vector<double> read_percentiles(std::string_view text) {
  std::vector<double> values;
  for (std::string const& word : split_spaces(text)) {
    auto const value = parse_double(word);
    CHECK(value.has_value());
    values.push_back(*value);
  }
  return values;
}

Result<std::string> parse_bind(Words const& words) {
  if (words.size() > kBindAddressesMax) return fail("Too many bind addresses specified.");
  if (words.size() > 1 && std::ranges::any_of(words, &std::string::empty)) {
    return fail("Failed to bind to specified addresses.");
  }
  return join_spaces(words);
}

Result<std::string> parse_replica_of(Words const& words) {
  if (words.size() != 2) return fail("wrong number of arguments");
  if (iequals(words[0], "no") && iequals(words[1], "one")) return std::string();
  auto const port = parse_int64(words[1]);
  if (!port || *port < 0 || *port > kPortMax) return fail("Invalid master port");
  return replica_of_text({words[0], static_cast<int>(*port)});
}

std::optional<ReplicaOf> read_replica_of(std::string_view text) {
  // A host name has no space, but the quoting of a file can give it one: the port is what stands after the last.
  size_t const space = text.rfind(' ');
  if (space == std::string_view::npos) return std::nullopt;
  return ReplicaOf{std::string(text.substr(0, space)),
                   static_cast<int>(known_number(std::string(text.substr(space + 1))))};
}

std::string replica_of_text(ReplicaOf const& primary) { return primary.host + " " + to_text(primary.port); }

}  // namespace holdfast::config
