#include "config/file_grammar.h"

#include <fcntl.h>
#include <glob.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "base/args.h"
#include "base/strings.h"

namespace holdfast::config {
namespace {

constexpr std::string_view kBadDirective = "Bad directive or wrong number of arguments";

// Directives of old versions that mean nothing any more.
bool is_ignored(std::string_view name) {
  return name == "list-max-ziplist-entries" || name == "list-max-ziplist-value" || name == "lua-replicate-commands";
}

bool has_glob(std::string_view path) { return path.find_first_of("*?[") != std::string_view::npos; }

std::unexpected<Error> cannot_open(std::string const& path, int errnum) {
  return fail("Fatal error, can't open config file '" + path + "': " + std::strerror(errnum), errnum);
}

Result<std::vector<std::string>> expand(std::string const& pattern) {
  glob_t matches{};
  int const code = ::glob(pattern.c_str(), 0, nullptr, &matches);
  std::vector<std::string> paths;
  if (code == 0) paths.assign(matches.gl_pathv, matches.gl_pathv + matches.gl_pathc);
  ::globfree(&matches);
  if (code != 0 && code != GLOB_NOMATCH) return cannot_open(pattern, code == GLOB_NOSPACE ? ENOMEM : EIO);
  return paths;
}

}  // namespace

std::string fatal_config_text(ConfigLine const* line, std::string_view message) {
  std::string text = "\n*** FATAL CONFIG FILE ERROR (Holdfast " HOLDFAST_VERSION ") ***\n";
  if (line != nullptr) {
    text.append("Reading the configuration file, at line " + std::to_string(line->number) + "\n");
    text.append(">>> '" + line->text + "'\n");
  }
  text.append(message);
  text.push_back('\n');
  return text;
}

Result<std::string> read_config_file(std::string const& path) {
  int const file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) return cannot_open(path, errno);
  std::string text;
  char buffer[16384];
  for (;;) {
    ssize_t const got = ::read(file, buffer, sizeof buffer);
    if (got > 0) {
      text.append(buffer, static_cast<size_t>(got));
    } else if (got == 0) {
      ::close(file);
      return text;
    } else if (errno != EINTR) {
      int const errnum = errno;
      ::close(file);
      return cannot_open(path, errnum);
    }
  }
}

Status FileGrammar::read_nested(std::string_view text, int depth) {
  ConfigLine line;
  while (!text.empty()) {
    size_t const end = text.find('\n');
    line.text = trim(text.substr(0, end));
    ++line.number;
    text = end == std::string_view::npos ? std::string_view() : text.substr(end + 1);
    if (line.text.empty() || line.text.front() == '#') continue;

    auto words = split_args(line.text);
    if (!words) return fail(fatal_config_text(&line, "Unbalanced quotes in configuration line"));
    if (words->empty()) continue;
    std::string const directive = to_lower(words->front());
    line.words.assign(std::make_move_iterator(words->begin() + 1), std::make_move_iterator(words->end()));
    if (auto const done = read_line(directive, line, depth); !done) return done;
  }
  return {};
}

Status FileGrammar::read_line(std::string_view directive, ConfigLine line, int depth) {
  auto const refuse = [&line](std::string_view message) { return fail(fatal_config_text(&line, message)); };
  Words const& words = line.words;

  if (auto const known = find_directive(directive)) {
    if (auto const done = set(*known, words); !done) return refuse(done.error().message);
    return {};
  }
  if (is_ignored(directive) && words.size() == 1) return {};
  if (directive == "include" && words.size() == 1) {
    if (depth == kIncludeDepthMax) return refuse("include files are nested too deep");
    return include(words[0], depth);
  }
  if (directive == "rename-command" && words.size() == 2) {
    facts_.rename_lines.push_back(std::move(line));
    return {};
  }
  if (directive == "user" && !words.empty()) return add_user(std::move(line));
  if (directive == "sentinel") {
    if (!facts_.sentinel_mode) return refuse("sentinel directive while not in sentinel mode");
    facts_.sentinel_lines.push_back(std::move(line));
    return {};
  }
  if (directive == "loadmodule" && !words.empty()) {
    return refuse("Holdfast does not load modules: remove the loadmodule directive");
  }
  if (directive.find('.') != std::string_view::npos) {
    if (words.empty()) return refuse("Module config specified without value");
    return refuse("Holdfast does not load modules: remove the module's configuration");
  }
  return refuse(kBadDirective);
}

Status FileGrammar::set(Directive directive, Words const& words) {
  Row const& row = row_of(directive);
  std::string const before = is_number(row.type) ? std::string() : values_.text(directive);
  std::string const directory = values_.text(Directive::kDir);
  ParseContext context{.before = before, .directory = directory};
  if (row.type == Type::kSave) {
    // The first line replaces the defaults, even if it then names no point.
    context.add_save_points = true;
    if (!std::exchange(save_seen_, true)) context.before = {};
  }
  auto value = parse_value(row, words, context);
  if (!value) return std::unexpected(std::move(value.error()));
  values_.put(directive, std::move(*value));
  if (directive == Directive::kDir) {
    facts_.dir_written = true;
    facts_.dir_relative = words[0].front() != '/';
  }
  return {};
}

Status FileGrammar::add_user(ConfigLine line) {
  if (!user_names_.insert(line.words[0]).second) {
    return fail(fatal_config_text(&line, "Error in user declaration '" + line.words[0] +
                                             "': Duplicate user found. A user can only be defined once in config "
                                             "files"));
  }
  facts_.user_lines.push_back(std::move(line));
  return {};
}

Status FileGrammar::include(std::string const& pattern, int depth) {
  // Relative names start at `dir` as it is at this line.
  std::string const prefix = pattern.starts_with('/') ? std::string() : values_.text(Directive::kDir) + "/";
  std::vector<std::string> paths = {prefix + pattern};
  if (has_glob(pattern)) {
    auto expanded = expand(prefix + pattern);
    if (!expanded) return std::unexpected(std::move(expanded.error()));
    paths = std::move(*expanded);
  }
  for (std::string const& path : paths) {
    auto const text = read_config_file(path);
    if (!text) return std::unexpected(text.error());
    if (auto const done = read_nested(*text, depth + 1); !done) return done;
  }
  return {};
}

}  // namespace holdfast::config
