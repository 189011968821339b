#include "base/args.h"

#include <optional>

#include "base/strings.h"

namespace holdfast {
namespace {

class Splitter {
 public:
  explicit Splitter(std::string_view line) : line_(line.substr(0, line.find('\0'))) {}

  Result<std::vector<std::string>> run() {
    std::vector<std::string> args;
    for (;;) {
      while (more() && ascii_isspace(line_[at_])) ++at_;
      if (!more()) return args;
      auto word = read_word();
      if (!word) return fail("unbalanced quotes");
      args.push_back(std::move(*word));
    }
  }

 private:
  bool more() const { return at_ < line_.size(); }

  // Inside a word fewer bytes separate than between words: \v and \f belong to it.
  static bool ends_word(char c) { return c == ' ' || c == '\n' || c == '\r' || c == '\t'; }

  std::optional<std::string> read_word() {
    std::string word;
    while (more() && !ends_word(line_[at_])) {
      char const c = line_[at_++];
      if (c == '"' || c == '\'') {
        bool const closed = c == '"' ? read_double_quoted(word) : read_single_quoted(word);
        if (!closed || (more() && !ascii_isspace(line_[at_]))) return std::nullopt;
        return word;
      }
      word.push_back(c);
    }
    return word;
  }

  bool read_single_quoted(std::string& word) {
    while (more()) {
      char const c = line_[at_++];
      if (c == '\'') return true;
      if (c == '\\' && more() && line_[at_] == '\'') {
        word.push_back('\'');
        ++at_;
      } else {
        word.push_back(c);
      }
    }
    return false;
  }

  bool read_double_quoted(std::string& word) {
    while (more()) {
      char const c = line_[at_++];
      if (c == '"') return true;
      word.push_back(c == '\\' && more() ? read_escape() : c);
    }
    return false;
  }

  // The byte after a backslash, which was read.
  char read_escape() {
    char const c = line_[at_++];
    switch (c) {
      case 'n':
        return '\n';
      case 'r':
        return '\r';
      case 't':
        return '\t';
      case 'b':
        return '\b';
      case 'a':
        return '\a';
      case 'x':
        if (at_ + 1 < line_.size() && hex_digit(line_[at_]) >= 0 && hex_digit(line_[at_ + 1]) >= 0) {
          int const byte = hex_digit(line_[at_]) * 16 + hex_digit(line_[at_ + 1]);
          at_ += 2;
          return static_cast<char>(byte);
        }
        return c;
      default:
        return c;
    }
  }

  std::string_view line_;
  size_t at_ = 0;
};

}  // namespace

Result<std::vector<std::string>> split_args(std::string_view line) { return Splitter(line).run(); }

void append_quoted(std::string& out, std::string_view text) {
  out.push_back('"');
  for (char const c : text) {
    switch (c) {
      case '\\':
      case '"':
        out.push_back('\\');
        out.push_back(c);
        break;
      case '\n':
        out.append("\\n");
        break;
      case '\r':
        out.append("\\r");
        break;
      case '\t':
        out.append("\\t");
        break;
      case '\a':
        out.append("\\a");
        break;
      case '\b':
        out.append("\\b");
        break;
      default:
        if (ascii_isprint(c)) {
          out.push_back(c);
        } else {
          out.append("\\x").append(to_hex({&c, 1}));
        }
    }
  }
  out.push_back('"');
}

std::string quote(std::string_view text) {
  std::string out;
  out.reserve(text.size() + 2);
  append_quoted(out, text);
  return out;
}

}  // namespace holdfast
