#include "config/value.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "base/args.h"
#include "base/number.h"
#include "base/strings.h"
#include "config/choices.h"
#include "config/keyspace_events.h"

namespace holdfast::config {
namespace {

// Two spaces have an empty word between them, which most types refuse.
Words split_at_each_space(std::string_view text) {
  Words pieces;
  while (!text.empty()) {
    size_t const space = text.find(' ');
    pieces.emplace_back(text.substr(0, space));
    if (space == std::string_view::npos) break;
    text.remove_prefix(space + 1);
    if (text.empty()) pieces.emplace_back();
  }
  return pieces;
}

std::string octal_text(int64_t value) {
  char buffer[32];
  int const length = std::snprintf(buffer, sizeof buffer, "%llo", static_cast<unsigned long long>(value));
  return std::string(buffer, static_cast<size_t>(length));
}

Result<Value> out_of_range(std::string const& min, std::string const& max) {
  return fail("argument must be between " + min + " and " + max + " inclusive");
}

Result<Value> parse_yes_no(std::string const& word) {
  if (iequals(word, "yes")) return Value{1, {}};
  if (iequals(word, "no")) return Value{0, {}};
  return fail("argument must be 'yes' or 'no'");
}

Result<Value> parse_choice(Row const& row, Words const& words) {
  auto const unknown = [&row]() -> Result<Value> {
    std::string message = "argument(s) must be one of the following: ";
    std::string_view separator = "";
    for (Choice const& choice : row.choices) {
      message.append(separator).append(choice.name);
      separator = ", ";
    }
    return fail(std::move(message));
  };
  if (words.empty()) return unknown();
  int64_t value = 0;
  for (std::string const& word : words) {
    Choice const* found = nullptr;
    for (Choice const& choice : row.choices) {
      if (iequals(choice.name, word)) found = &choice;
    }
    if (found == nullptr) return unknown();
    value |= found->value;
  }
  return Value{value, {}};
}

Result<Value> parse_integer(Row const& row, std::string const& word) {
  auto const value = parse_int64(word);
  if (!value) return fail("argument couldn't be parsed into an integer");
  if (*value < row.min || (*value > 0 && static_cast<uint64_t>(*value) > row.max)) {
    return out_of_range(to_text(row.min), to_text_unsigned(row.max));
  }
  return Value{std::clamp(*value, row.clamp_min, row.clamp_max), {}};
}

Result<Value> parse_bytes(Row const& row, std::string const& word) {
  auto const value = parse_memory(word);
  if (!value) return fail("argument must be a memory value");
  if (*value < static_cast<uint64_t>(row.min) || *value > row.max) {
    return out_of_range(to_text(row.min), to_text_unsigned(row.max));
  }
  return Value{static_cast<int64_t>(*value), {}};
}

Result<Value> parse_bytes_or_percent(std::string const& word) {
  constexpr int64_t kPercentMax = 100;
  if (word.ends_with('%')) {
    auto const percent = parse_int64(std::string_view(word).substr(0, word.size() - 1));
    if (!percent || *percent < 0) return fail("argument must be a memory or percent value");
    if (*percent > kPercentMax) return fail("percentage argument must be less or equal to 100");
    return Value{-*percent, {}};
  }
  auto const bytes = parse_memory(word);
  if (!bytes || *bytes > INT64_MAX) return fail("argument must be a memory or percent value");
  return Value{static_cast<int64_t>(*bytes), {}};
}

Result<Value> parse_octal(Row const& row, std::string const& word) {
  errno = 0;
  char* end = nullptr;
  long long const value = std::strtoll(word.c_str(), &end, 8);
  if (end != word.c_str() + word.size() || errno != 0) return fail("argument couldn't be parsed as an octal number");
  if (value < row.min || static_cast<uint64_t>(value) > row.max) {
    return out_of_range(octal_text(row.min), octal_text(static_cast<int64_t>(row.max)));
  }
  return Value{value, {}};
}

Result<Value> parse_events(std::string const& word) {
  auto const mask = parse_keyspace_events(word);
  if (!mask) return fail("Invalid event class character. Use 'Ag$lshzxeKEtmdn'.");
  return Value{*mask, {}};
}

// The canonical absolute path of a directory that this process may enter.
Result<std::string> parse_directory(std::string const& word, std::string_view base) {
  auto const refuse = [](int errnum) -> Result<std::string> { return fail(std::strerror(errnum), errnum); };
  if (word.empty()) return refuse(ENOENT);
  std::string const path = word.front() == '/' ? word : std::string(base) + "/" + word;
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0) return refuse(errno);
  if (!S_ISDIR(status.st_mode)) return refuse(ENOTDIR);
  if (::access(path.c_str(), X_OK) != 0) return refuse(errno);
  char* const resolved = ::realpath(path.c_str(), nullptr);
  if (resolved == nullptr) return refuse(errno);
  std::string canonical(resolved);
  std::free(resolved);
  return canonical;
}

Result<Value> as_text(Result<std::string> text) {
  if (!text) return std::unexpected(std::move(text.error()));
  return Value{0, std::move(*text)};
}

Result<Value> parse_by_type(Row const& row, Words const& words, ParseContext const& context) {
  switch (row.type) {
    case Type::kYesNo:
      return parse_yes_no(words[0]);
    case Type::kChoice:
      return parse_choice(row, words);
    case Type::kFlagSet: {
      auto value = parse_choice(row, words);
      constexpr int64_t kSaveAndNoSave = kShutdownSave | kShutdownNoSave;
      if (value && (value->number & kSaveAndNoSave) == kSaveAndNoSave) {
        return fail("shutdown options SAVE and NOSAVE can't be used simultaneously");
      }
      return value;
    }
    case Type::kKeyspaceEvents:
      return parse_events(words[0]);
    case Type::kInteger:
      return parse_integer(row, words[0]);
    case Type::kMemory:
      return parse_bytes(row, words[0]);
    case Type::kMemoryOrPercent:
      return parse_bytes_or_percent(words[0]);
    case Type::kOctal:
      return parse_octal(row, words[0]);
    case Type::kString:
      return Value{0, words[0]};
    case Type::kDirectory:
      return as_text(parse_directory(words[0], context.directory));
    case Type::kSave:
      return as_text(parse_save(words, context.add_save_points ? context.before : std::string_view()));
    case Type::kBind:
      return as_text(parse_bind(words));
    case Type::kOutputLimits:
      return as_text(parse_output_limits(words, context.before));
    case Type::kOomValues:
      return as_text(parse_oom_values(words));
    case Type::kPercentiles:
      return as_text(parse_percentiles(words));
    case Type::kReplicaOf:
      return as_text(parse_replica_of(words));
  }
  return fail("unknown type of directive");
}

std::string choice_text(Row const& row, int64_t value) {
  for (Choice const& choice : row.choices) {
    if (choice.value == value) return std::string(choice.name);
  }
  Words words;
  for (Choice const& choice : row.choices) {
    if ((choice.value & value) != 0) words.emplace_back(choice.name);
  }
  return join_spaces(words);
}

}  // namespace

Result<Value> parse_value(Row const& row, Words const& words, ParseContext const& context) {
  if (row.multi_argument && words.size() == 1) {
    // One word may hold several. None at all is a value too, but for save, where "" clears.
    Words const pieces = split_at_each_space(words[0]);
    if (!pieces.empty() || row.type != Type::kSave) return parse_by_type(row, pieces, context);
  }
  if (!row.multi_argument && words.size() != 1) return fail("wrong number of arguments");
  auto value = parse_by_type(row, words, context);
  if (value && row.check != nullptr) {
    if (auto const checked = row.check(words[0]); !checked) return std::unexpected(checked.error());
  }
  return value;
}

std::string value_text(Row const& row, Value const& value) {
  switch (row.type) {
    case Type::kYesNo:
      return value.number != 0 ? "yes" : "no";
    case Type::kChoice:
    case Type::kFlagSet:
      return choice_text(row, value.number);
    case Type::kKeyspaceEvents:
      return keyspace_events_text(static_cast<uint32_t>(value.number));
    case Type::kInteger:
      return to_text(value.number);
    case Type::kMemory:
      return to_text_unsigned(static_cast<uint64_t>(value.number));
    case Type::kMemoryOrPercent:
      return value.number < 0 ? to_text(-value.number) + "%" : to_text(value.number);
    case Type::kOctal:
      return octal_text(value.number);
    default:
      return value.text;
  }
}

std::string value_text_in_file(Row const& row, Value const& value) {
  switch (row.type) {
    case Type::kKeyspaceEvents:
      return quote(keyspace_events_text(static_cast<uint32_t>(value.number), /*keep_new=*/true));
    case Type::kMemory:
      return format_memory_config(static_cast<uint64_t>(value.number));
    case Type::kMemoryOrPercent:
      return value.number < 0 ? value_text(row, value) : format_memory_config(static_cast<uint64_t>(value.number));
    case Type::kString:
    case Type::kDirectory:
      return quote(value.text);
    case Type::kBind:
    case Type::kPercentiles:
      return value.text.empty() ? "\"\"" : value.text;
    default:
      return value_text(row, value);
  }
}

}  // namespace holdfast::config
