#include "command/command_parse.h"

#include <algorithm>
#include <array>

#include "base/check.h"
#include "base/number.h"
#include "base/strings.h"

namespace holdfast {

std::array<std::string_view, 21> const kCategories = {
    "keyspace", "read",   "write", "set",  "sortedset", "list",     "hash",      "string",     "bitmap",      "hyperloglog", "geo",
    "stream",   "pubsub", "admin", "fast", "slow",      "blocking", "dangerous", "connection", "transaction", "scripting"};

namespace {

/// "r(0,1,0)" -> "r" and its arguments.
struct Call {
  std::string_view name;
  std::vector<std::string_view> arguments;
};

Call parse_call(std::string_view text) {
  size_t open = text.find('(');
  if (open == std::string_view::npos) return {text, {}};
  CHECK(text.ends_with(')'));
  return {text.substr(0, open), split_list(text.substr(open + 1, text.size() - open - 2), ',')};
}

int number(std::string_view text) {
  auto value = parse_int64(text);
  CHECK(value.has_value());
  return static_cast<int>(*value);
}

void parse_begin(std::string_view word, KeySpec& spec) {
  if (word == "unk") return;
  if (word.starts_with("kw(")) {
    Call call = parse_call(word);
    CHECK(call.arguments.size() == 2);
    spec.begin = KeySpec::Begin::kKeyword;
    spec.keyword = call.arguments[0];
    spec.start_from = number(call.arguments[1]);
    return;
  }
  CHECK(word.starts_with('i'));
  spec.begin = KeySpec::Begin::kIndex;
  spec.index = number(word.substr(1));
}

void parse_find(std::string_view word, KeySpec& spec) {
  if (word == "unk") return;
  Call call = parse_call(word);
  if (call.name == "opt") {
    for (std::string_view option : call.arguments) {
      size_t equals = option.find('=');
      CHECK(equals != std::string_view::npos);
      spec.options.push_back({std::string(option.substr(0, equals)), number(option.substr(equals + 1))});
    }
    return;
  }
  CHECK(call.arguments.size() == 3);
  if (call.name == "r") {
    spec.find = KeySpec::Find::kRange;
    spec.last_key = number(call.arguments[0]);
    spec.key_step = number(call.arguments[1]);
    spec.limit = number(call.arguments[2]);
  } else {
    CHECK(call.name == "n");
    spec.find = KeySpec::Find::kKeyNum;
    spec.keynum_index = number(call.arguments[0]);
    spec.first_key = number(call.arguments[1]);
    spec.key_step = number(call.arguments[2]);
  }
}

}  // namespace

std::vector<std::string_view> split_list(std::string_view text, char separator) {
  std::vector<std::string_view> pieces;
  while (!text.empty()) {
    size_t end = text.find(separator);
    std::string_view piece = trim(text.substr(0, end));
    if (!piece.empty()) pieces.push_back(piece);
    if (end == std::string_view::npos) break;
    text.remove_prefix(end + 1);
  }
  return pieces;
}

uint32_t parse_command_flags(std::string_view words) {
  uint32_t flags = 0;
  for (std::string_view word : split_list(words, ' ')) {
    auto found = std::find_if(std::begin(kCommandFlagNames), std::end(kCommandFlagNames),
                              [&](CommandFlagName const& each) { return each.name == word; });
    CHECK(found != std::end(kCommandFlagNames));
    flags |= found->flag;
  }
  return flags;
}

std::vector<KeySpec> parse_key_specs(std::string_view text) {
  std::vector<KeySpec> specs;
  for (std::string_view piece : split_list(text, ';')) {
    KeySpec spec;
    if (size_t quote = piece.find('"'); quote != std::string_view::npos) {
      CHECK(piece.ends_with('"'));
      spec.note = piece.substr(quote + 1, piece.size() - quote - 2);
      piece = trim(piece.substr(0, quote));
    }
    std::vector<std::string_view> words = split_list(piece, ' ');
    CHECK(words.size() >= 3);
    parse_find(words.back(), spec);
    words.pop_back();
    if (words.back().starts_with("opt(")) {
      parse_find(words.back(), spec);
      words.pop_back();
    }
    parse_begin(words.back(), spec);
    words.pop_back();
    for (std::string_view word : words) {
      spec.flags.emplace_back(word);
      spec.not_key |= word == "not_key";
      spec.reads |= word == "access";
      spec.writes |= word == "insert" || word == "update" || word == "delete";
      spec.variable_flags |= word == "variable_flags";
    }
    specs.push_back(std::move(spec));
  }
  return specs;
}

std::vector<std::string> command_categories(std::string_view words, uint32_t flags) {
  std::vector<std::string_view> named = split_list(words, ' ');
  auto add = [&](std::string_view category) {
    if (std::find(named.begin(), named.end(), category) == named.end()) named.push_back(category);
  };
  bool scripting = std::find(named.begin(), named.end(), "scripting") != named.end();
  if (flags & kWrite) add("write");
  if ((flags & kReadonly) && !scripting) add("read");
  if (flags & kAdmin) {
    add("admin");
    add("dangerous");
  }
  if (flags & kPubsub) add("pubsub");
  if (flags & kBlocking) add("blocking");
  add(flags & kFast ? "fast" : "slow");
  std::vector<std::string> ordered;
  for (std::string_view category : kCategories) {
    if (std::find(named.begin(), named.end(), category) != named.end()) ordered.emplace_back(category);
  }
  CHECK(ordered.size() == named.size());
  return ordered;
}

}  // namespace holdfast
