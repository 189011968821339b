#include "admin/command_syntax.h"

#include <algorithm>

#include "base/number.h"
#include "base/strings.h"

namespace holdfast {
namespace {

constexpr std::string_view kTypes[] = {"string",    "integer",    "double", "key",  "pattern",
                                       "unix-time", "pure-token", "oneof",  "block"};

class Parser {
 public:
  explicit Parser(std::string_view text) : text_(text) {}

  Result<std::vector<CommandArgument>> parse() {
    auto arguments = list();
    if (arguments && at_ < text_.size()) return wrong("unexpected '" + std::string(1, text_[at_]) + "'");
    return arguments;
  }

 private:
  using Arguments = std::vector<CommandArgument>;

  std::unexpected<Error> wrong(std::string const& what) const {
    return fail(what + " at " + to_text_unsigned(at_) + " of '" + std::string(text_) + "'");
  }

  void skip_blanks() {
    while (at_ < text_.size() && text_[at_] == ' ') at_++;
  }
  bool take(std::string_view word) {
    if (!text_.substr(at_).starts_with(word)) return false;
    at_ += word.size();
    return true;
  }
  bool at_end_of_list() const { return at_ == text_.size() || text_[at_] == ')' || text_[at_] == ']' || text_[at_] == '|'; }

  /// A name, type or token: up to a blank or a mark of the notation. "..." ends it as well.
  std::string_view word() {
    if (take("\"\"")) return {};
    size_t const begin = at_;
    while (at_ < text_.size() && std::string_view(" []()|:@#").find(text_[at_]) == std::string_view::npos &&
           !text_.substr(at_).starts_with("...")) {
      at_++;
    }
    return text_.substr(begin, at_ - begin);
  }

  /// Items one after the other.
  Result<Arguments> list() {
    Arguments arguments;
    for (skip_blanks(); !at_end_of_list(); skip_blanks()) {
      auto argument = item();
      if (!argument) return std::unexpected(std::move(argument.error()));
      arguments.push_back(std::move(*argument));
    }
    return arguments;
  }

  /// Items with '|' between them.
  Result<Arguments> alternatives() {
    Arguments arguments;
    do {
      skip_blanks();
      auto argument = item();
      if (!argument) return std::unexpected(std::move(argument.error()));
      arguments.push_back(std::move(*argument));
      skip_blanks();
    } while (take("|"));
    return arguments;
  }

  Result<CommandArgument> item() {
    if (take("[")) return optional_item();
    CommandArgument argument;
    size_t const begin = at_;
    std::string_view first = word();
    if (at_ == begin) return wrong("a name or a token is missing");
    if (at_ < text_.size() && text_[at_] == ':') {
      argument.name = first;
    } else {
      argument.token = first;
      argument.has_token = true;
      if (!name_after_token(argument)) {
        argument.name = to_lower(first);
        argument.type = "pure-token";
        return with_marks(std::move(argument));
      }
    }
    at_++;  // ':'
    argument.type = word();
    if (std::ranges::find(kTypes, argument.type) == std::end(kTypes)) return wrong("unknown type " + argument.type);
    bool const names_keys = argument.type == "key" || argument.type == "pattern";
    if (argument.type == "key") argument.key_spec_index = next_key_++;
    if (names_keys && take("#")) {
      auto const index = parse_int64(word());
      if (!index) return wrong("the number of a key specification is missing");
      argument.key_spec_index = static_cast<int>(*index);
    }
    bool const composed = argument.type == "oneof" || argument.type == "block";
    if (composed) {
      if (!take("(")) return wrong("'(' is missing");
      auto parts = argument.type == "oneof" ? alternatives() : list();
      if (!parts) return std::unexpected(std::move(parts.error()));
      if (!take(")")) return wrong("')' is missing");
      argument.arguments = std::move(*parts);
    }
    return with_marks(std::move(argument));
  }

  /// `#<number>` says which key specification the key belongs to; without it, the next one.
  bool key_spec(CommandArgument& argument) {
    if (take("#")) {
      auto const number = parse_int64(word());
      if (!number || *number < 0) return false;
      next_key_ = static_cast<int>(*number);
    }
    argument.key_spec_index = next_key_++;
    return true;
  }

  /// After a token: `<blank> name:` makes it the token of that argument. Anything else is the next item.
  bool name_after_token(CommandArgument& argument) {
    size_t const after_token = at_;
    skip_blanks();
    std::string_view const name = word();
    if (name.empty() || at_ == text_.size() || text_[at_] != ':') {
      at_ = after_token;
      return false;
    }
    argument.name = name;
    return true;
  }

  Result<CommandArgument> optional_item() {
    skip_blanks();
    auto argument = item();
    if (!argument) return argument;
    skip_blanks();
    if (!take("]")) return wrong("']' is missing");
    argument->optional = true;
    return with_marks(std::move(*argument));
  }

  Result<CommandArgument> with_marks(CommandArgument argument) {
    while (true) {
      if (take("...")) {
        argument.multiple = true;
        if (take("TOKEN")) argument.multiple_token = true;
      } else if (take("@")) {
        argument.since = word();
      } else {
        return argument;
      }
    }
  }

  std::string_view text_;
  size_t at_ = 0;
  int next_key_ = 0;
};

std::string joined(std::vector<CommandArgument> const& arguments, std::string_view between);

std::string describe(CommandArgument const& argument) {
  std::string value;
  if (argument.type == "oneof") {
    value = joined(argument.arguments, " | ");
    // An optional choice stands in the brackets of the option.
    if (!argument.optional || argument.has_token || argument.multiple) value = "(" + value + ")";
  } else if (argument.type == "block") {
    value = joined(argument.arguments, " ");
  } else if (argument.type != "pure-token") {
    value = "<" + argument.name + ">";
  }
  std::string const token = argument.token.empty() ? "\"\"" : argument.token;
  std::string text = argument.has_token ? token + (value.empty() ? "" : " ") + value : value;
  if (argument.multiple) text += " [" + (value.empty() ? text : value) + " ...]";
  return argument.optional ? "[" + text + "]" : text;
}

std::string joined(std::vector<CommandArgument> const& arguments, std::string_view between) {
  std::string text;
  for (CommandArgument const& argument : arguments) {
    if (!text.empty()) text += between;
    text += describe(argument);
  }
  return text;
}

}  // namespace

Result<std::vector<CommandArgument>> parse_command_syntax(std::string_view text) { return Parser(text).parse(); }

std::string describe_arguments(std::vector<CommandArgument> const& arguments) { return joined(arguments, " "); }

}  // namespace holdfast
