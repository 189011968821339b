#pragma once

#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "base/result.h"
#include "config/special_values.h"
#include "config/value_store.h"

namespace holdfast::config {

/// A line that somebody else has to understand: `number` counts from 1, `words` are its pieces without the directive.
struct ConfigLine {
  int number = 0;
  std::string text;
  Words words;
};

/// What a configuration says besides values.
struct FileFacts {
  /// Absolute; empty without a file.
  std::string config_file;
  /// `user` lines; words are the name and the rules.
  std::vector<ConfigLine> user_lines;
  /// `rename-command` lines; words are the old and the new name ("" removes the command).
  std::vector<ConfigLine> rename_lines;
  /// `sentinel` lines; empty but in sentinel mode.
  std::vector<ConfigLine> sentinel_lines;
  bool sentinel_mode = false;
  bool dir_written = false;
  bool dir_relative = false;
};

/// The text for standard error when the server cannot start because of its configuration. Starts with an empty line;
/// without `line`, for what is found after the last one, it names no place.
std::string fatal_config_text(ConfigLine const* line, std::string_view message);

/// The whole file. Failure: "Fatal error, can't open config file '<path>': <why>" with the errno.
Result<std::string> read_config_file(std::string const& path);

/// Reads configuration text into values and facts. One reader serves one start: `save` lines add up over all the texts
/// that it is given.
class FileGrammar {
 public:
  FileGrammar(ValueStore& values, FileFacts& facts) : values_(values), facts_(facts) {}

  /// Stops at the first mistake with fatal_config_text, or with the message of read_config_file for an include.
  Status read(std::string_view text) { return read_nested(text, 0); }

 private:
  static constexpr int kIncludeDepthMax = 16;

  Status read_nested(std::string_view text, int depth);
  Status read_line(std::string_view directive, ConfigLine line, int depth);
  Status set(Directive directive, Words const& words);
  Status add_user(ConfigLine line);
  Status include(std::string const& pattern, int depth);

  ValueStore& values_;
  FileFacts& facts_;
  bool save_seen_ = false;
  std::unordered_set<std::string> user_names_;
};

}  // namespace holdfast::config
