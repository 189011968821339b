#pragma once

#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/result.h"

namespace holdfast::config {

/// A configuration file that is edited in place: comments, order and lines that are not touched stay.
///
/// Use: load the old text, place() the lines of each directive (in the order in which new ones are to be appended), ask
/// for text(). Not for several threads at once.
class RewrittenFile {
 public:
  explicit RewrittenFile(std::string_view old_text);

  /// A line of a directive. One that is not forced only takes the place of an old one.
  struct Line {
    std::string text;
    bool forced = true;
  };

  /// Puts `lines` where the directive `name` stood; further ones go to the end, and old ones that are left go away.
  void place(std::string_view name, std::vector<Line> const& lines);

  /// How many lines of the old file speak of `name` (a primary name, an alias, or a word like "user").
  size_t count(std::string_view name) const;

  std::string text() const;

 private:
  // Lines of the old file, later the new ones; an emptied line stays in place so that the numbers stay right.
  std::vector<std::string> lines_;
  // Places of each directive, under its primary name.
  std::unordered_map<std::string, std::vector<size_t>> places_;
  std::unordered_map<std::string, size_t> counts_;
  bool has_signature_ = false;
};

/// Replaces a file so that a crash leaves the old or the new text: a temporary file beside it, fsync, rename, fsync of
/// the directory. Links are followed and an old file keeps its mode and owner; a new one gets 0644 less the umask.
/// Failures carry the errno and its text.
Status replace_file(std::string const& path, std::string_view text);

}  // namespace holdfast::config
