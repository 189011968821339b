#include "base/glob.h"

#include <utility>

#include "base/strings.h"

namespace holdfast {
namespace {

// One-byte tokens are compared by this; a star is handled by the caller.
class Matcher {
 public:
  Matcher(std::string_view pattern, bool ignore_case) : pattern_(pattern), ignore_case_(ignore_case) {}

  // Compares the token at `at` with `byte` and moves `at` behind the token.
  bool match_token(size_t& at, char byte) const {
    switch (pattern_[at]) {
      case '?':
        ++at;
        return true;
      case '[':
        return match_set(at, byte);
      case '\\':
        if (at + 1 < pattern_.size()) ++at;
        break;
      default:
        break;
    }
    return same(pattern_[at++], byte);
  }

 private:
  char fold(char c) const { return ignore_case_ ? ascii_lower(c) : c; }
  bool same(char a, char b) const { return fold(a) == fold(b); }

  bool match_set(size_t& at, char byte) const {
    size_t const size = pattern_.size();
    ++at;  // '['
    bool const negated = at < size && pattern_[at] == '^';
    if (negated) ++at;
    bool found = false;
    while (at < size) {
      char const c = pattern_[at];
      if (c == '\\' && at + 1 < size) {
        found |= same(pattern_[at + 1], byte);
        at += 2;
      } else if (c == ']') {
        ++at;
        break;
      } else if (at + 2 < size && pattern_[at + 1] == '-') {
        found |= in_range(c, pattern_[at + 2], byte);
        at += 3;
      } else {
        found |= same(c, byte);
        ++at;
      }
    }
    return found != negated;
  }

  bool in_range(char low, char high, char byte) const {
    auto lo = static_cast<signed char>(low);
    auto hi = static_cast<signed char>(high);
    if (lo > hi) std::swap(lo, hi);
    // Bounds are ordered before their case is folded, as the reference server does.
    lo = static_cast<signed char>(fold(static_cast<char>(lo)));
    hi = static_cast<signed char>(fold(static_cast<char>(hi)));
    auto const value = static_cast<signed char>(fold(byte));
    return value >= lo && value <= hi;
  }

  std::string_view pattern_;
  bool ignore_case_;
};

}  // namespace

bool glob_match(std::string_view pattern, std::string_view text, bool ignore_case) {
  if (text.empty()) return pattern.empty();
  Matcher const matcher(pattern, ignore_case);
  size_t p = 0;
  size_t t = 0;
  // Every token but the star takes exactly one byte, so after a mismatch it is enough to let the latest star take one
  // byte more: an earlier star cannot help where the latest one, which may take any suffix, did not.
  size_t after_star = std::string_view::npos;
  size_t star_text = 0;
  while (t < text.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      while (p < pattern.size() && pattern[p] == '*') ++p;
      if (p == pattern.size()) return true;
      after_star = p;
      star_text = t;
      continue;
    }
    if (p < pattern.size() && matcher.match_token(p, text[t])) {
      ++t;
      continue;
    }
    if (after_star == std::string_view::npos) return false;
    p = after_star;
    t = ++star_text;
  }
  while (p < pattern.size() && pattern[p] == '*') ++p;
  return p == pattern.size();
}

}  // namespace holdfast
