#include "config/keyspace_events.h"

namespace holdfast::config {
namespace {

struct Letter {
  char letter;
  uint32_t bits;
};

// In the order of the printed text.
constexpr Letter kClassLetters[] = {
    {'g', kEventGeneric}, {'$', kEventString}, {'l', kEventList},    {'s', kEventSet},
    {'h', kEventHash},    {'z', kEventZset},   {'x', kEventExpired}, {'e', kEventEvicted},
    {'t', kEventStream},  {'d', kEventModule}, {'n', kEventNew},
};
constexpr Letter kLastLetters[] = {{'K', kEventKeyspace}, {'E', kEventKeyevent}, {'m', kEventKeyMiss}};

uint32_t bits_of(char letter) {
  if (letter == 'A') return kEventAll;
  for (Letter const& known : kClassLetters) {
    if (known.letter == letter) return known.bits;
  }
  for (Letter const& known : kLastLetters) {
    if (known.letter == letter) return known.bits;
  }
  return 0;
}

}  // namespace

std::optional<uint32_t> parse_keyspace_events(std::string_view letters) {
  uint32_t mask = 0;
  for (char const letter : letters) {
    uint32_t const bits = bits_of(letter);
    if (bits == 0) return std::nullopt;
    mask |= bits;
  }
  return mask;
}

std::string keyspace_events_text(uint32_t mask, bool keep_new) {
  std::string text;
  if ((mask & kEventAll) == kEventAll) {
    text.push_back('A');
    if (keep_new && (mask & kEventNew) != 0) text.push_back('n');
  } else {
    for (Letter const& known : kClassLetters) {
      if ((mask & known.bits) != 0) text.push_back(known.letter);
    }
  }
  for (Letter const& known : kLastLetters) {
    if ((mask & known.bits) != 0) text.push_back(known.letter);
  }
  return text;
}

}  // namespace holdfast::config
