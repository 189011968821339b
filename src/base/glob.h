#pragma once

#include <string_view>

namespace holdfast {

/// Bytewise glob match of KEYS, SCAN MATCH, PSUBSCRIBE, CONFIG GET and ACL patterns.
///
/// `*` any sequence, `?` one byte, `\x` the byte x, `[abc]`, `[^abc]`, `[a-z]` one byte of a set. The corners, which
/// clients can see:
///  - an empty text matches only an empty pattern (so "*" does not match "");
///  - a single trailing `\` is a literal backslash;
///  - the first `]` closes a set even as its first byte; an unterminated set is closed by the end of the pattern;
///  - range bounds may be swapped and compare as signed bytes; the upper bound may be any byte, `]` included.
///
/// Cost: O(pattern x text) at worst, no recursion, no allocation.
bool glob_match(std::string_view pattern, std::string_view text, bool ignore_case = false);

}  // namespace holdfast
