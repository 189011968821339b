#include "acl/selector.h"

#include <algorithm>

#include "base/glob.h"
#include "base/strings.h"

namespace holdfast::acl {
namespace {

bool is_pattern_of_all(std::string_view pattern) { return pattern == "*"; }

}  // namespace

bool has_blank_or_zero(std::string_view text) {
  return std::ranges::any_of(text, [](char c) { return ascii_isspace(c) || c == '\0'; });
}

RuleError Selector::add_keys(std::string_view rule) {
  if (all_keys_) return RuleError::kKeysAfterAll;
  uint8_t use = kReadsAndWrites;
  size_t at = 1;
  if (rule[0] == '%') {
    use = kUsesNothing;
    for (; at < rule.size(); at++) {
      uint8_t const letter = ascii_upper(rule[at]) == 'R' ? kReads : ascii_upper(rule[at]) == 'W' ? kWrites : kUsesNothing;
      if (letter == kUsesNothing || (use & letter)) break;
      use |= letter;
    }
    if (use == kUsesNothing) return RuleError::kSyntax;
    if (at < rule.size() && rule[at++] != '~') return RuleError::kSyntax;
  }
  std::string_view const pattern = rule.substr(at);
  if (has_blank_or_zero(pattern)) return RuleError::kSyntax;
  auto const known = std::ranges::find(keys_, pattern, &KeyPattern::text);
  if (known == keys_.end()) {
    keys_.push_back({std::string(pattern), use});
  } else {
    known->use |= use;
  }
  return RuleError::kNone;
}

RuleError Selector::add_channels(std::string_view pattern) {
  if (all_channels_) return RuleError::kChannelsAfterAll;
  if (has_blank_or_zero(pattern)) return RuleError::kSyntax;
  if (std::ranges::find(channels_, pattern) == channels_.end()) channels_.emplace_back(pattern);
  return RuleError::kNone;
}

RuleError Selector::apply(std::string_view rule, Catalog const& catalog) {
  if (iequals(rule, "allkeys") || rule == "~*") {
    keys_.clear();
    all_keys_ = true;
  } else if (iequals(rule, "resetkeys")) {
    keys_.clear();
    all_keys_ = false;
  } else if (iequals(rule, "allchannels") || rule == "&*") {
    channels_.clear();
    all_channels_ = true;
  } else if (iequals(rule, "resetchannels")) {
    channels_.clear();
    all_channels_ = false;
  } else if (iequals(rule, "allcommands")) {
    commands_.allow_all();
  } else if (iequals(rule, "nocommands")) {
    commands_.deny_all();
  } else if (rule[0] == '~' || rule[0] == '%') {
    return add_keys(rule);
  } else if (rule[0] == '&') {
    return add_channels(rule.substr(1));
  } else if (rule[0] == '+' || rule[0] == '-') {
    return commands_.apply(rule, catalog);
  } else {
    return RuleError::kSyntax;
  }
  return RuleError::kNone;
}

bool Selector::allows_key(std::string_view key, uint8_t use) const {
  if (all_keys_) return true;
  return std::ranges::any_of(keys_, [&](KeyPattern const& pattern) {
    return (pattern.use & use) == use && glob_match(pattern.text, key);
  });
}

bool Selector::allows_channel(std::string_view channel, bool is_pattern) const {
  if (all_channels_) return true;
  return std::ranges::any_of(channels_, [&](std::string const& pattern) {
    return is_pattern ? pattern == channel : glob_match(pattern, channel);
  });
}

bool Selector::allows_all_keys(uint8_t use) const {
  if (all_keys_) return true;
  return std::ranges::any_of(
      keys_, [&](KeyPattern const& pattern) { return (pattern.use & use) == use && is_pattern_of_all(pattern.text); });
}

std::string Selector::keys_text() const {
  if (all_keys_) return "~*";
  std::string text;
  for (KeyPattern const& pattern : keys_) {
    if (!text.empty()) text += ' ';
    text += pattern.use == kReadsAndWrites ? "~" : pattern.use == kReads ? "%R~" : "%W~";
    text += pattern.text;
  }
  return text;
}

std::string Selector::channels_text() const {
  if (all_channels_) return "&*";
  std::string text;
  for (std::string const& pattern : channels_) {
    if (!text.empty()) text += ' ';
    text.append("&").append(pattern);
  }
  return text;
}

std::string Selector::text(Catalog const& catalog) const {
  std::string text = keys_text();
  if (!text.empty()) text += ' ';
  std::string const channels = channels_text();
  if (!all_channels_) text += channels.empty() ? "resetchannels" : "resetchannels ";
  return text + channels + " " + commands_.text(catalog);
}

}  // namespace holdfast::acl
