#include "acl/users_file.h"

#include <algorithm>
#include <cstring>
#include <limits>

#include "base/strings.h"

namespace holdfast::acl {
namespace {

/// No file is refused for its size.
constexpr uint64_t kFileBytesMax = std::numeric_limits<uint64_t>::max();

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> pieces;
  while (true) {
    size_t const end = text.find(separator);
    pieces.push_back(text.substr(0, end));
    if (end == std::string_view::npos) return pieces;
    text.remove_prefix(end + 1);
  }
}

/// Reads the lines one by one and gathers what is wrong with them.
class Parser {
 public:
  Parser(std::string const& path, RuleContext const& context) : path_(path), context_(context) {}

  void read(std::string_view line) {
    number_++;
    line = trim(line);
    if (line.empty()) return;
    std::vector<std::string_view> const words = split(line, ' ');
    if (words[0] != "user" || words.size() < 2) {
      return complain(place() + " should start with user keyword followed by the username.");
    }
    std::string_view const name = words[1];
    if (std::ranges::any_of(users_, [&](User const& each) { return each.name() == name; })) {
      return complain("WARNING: Duplicate user '" + std::string(name) + "' found on line " + std::to_string(number_) + ".");
    }
    if (has_blank_or_zero(name)) {
      return complain(place() + ": username '" + std::string(name) + "' contains invalid characters.");
    }
    read_rules(name, std::span(words).subspan(2));
  }

  Result<std::vector<User>> end() && {
    if (problems_.empty()) return std::move(users_);
    return fail(problems_ + "WARNING: ACL errors detected, no change to the previously active ACL rules was performed");
  }

 private:
  std::string place() const { return path_ + ":" + std::to_string(number_); }
  void complain(std::string const& text) { problems_.append(text).append(" "); }

  void read_rules(std::string_view name, std::span<std::string_view const> words) {
    auto const rules = join_selectors(words);
    if (!rules) return complain(place() + ": Unmatched parenthesis in selector definition.");
    User user(std::string(name), context_);
    bool syntax_error = false;
    for (std::string const& rule : *rules) {
      RuleError const error = user.apply(trim(rule), context_);
      if (error == RuleError::kNone) continue;
      if (error != RuleError::kSyntax) {
        complain(place() + ": Error in applying operation '" + rule + "': " + std::string(text_of(error)) + ".");
      } else if (!syntax_error) {
        syntax_error = true;
        complain(place() + ": Syntax error.");
      }
    }
    users_.push_back(std::move(user));
  }

  std::string const& path_;
  RuleContext const& context_;
  int number_ = 0;
  std::vector<User> users_;
  std::string problems_;
};

}  // namespace

Result<std::vector<User>> parse_users(std::string const& path, std::string_view text, RuleContext const& context) {
  Parser parser(path, context);
  for (std::string_view line : split(text, '\n')) parser.read(line);
  return std::move(parser).end();
}

std::vector<std::string> user_lines(Users const& users) {
  std::vector<std::string> lines;
  for (auto const& user : users.list()) lines.push_back("user " + user->name() + " " + user->text(users.catalog()));
  return lines;
}

Status load_users(Disk& disk, std::string const& path, Users& users) {
  auto const text = read_file(disk, path, kFileBytesMax);
  if (!text) return fail("Error loading ACLs, opening file '" + path + "': " + std::strerror(text.error().errnum));
  RuleContext const context = users.context();
  auto parsed = parse_users(path, *text, context);
  if (!parsed) return std::unexpected(std::move(parsed.error()));
  users.replace_all(std::move(*parsed));
  return {};
}

Status save_users(Disk& disk, std::string const& path, Users const& users) {
  std::string text;
  for (std::string const& line : user_lines(users)) text.append(line).append("\n");
  return write_file_durably(disk, path, path + ".tmp", text);
}

}  // namespace holdfast::acl
