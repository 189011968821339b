#include "scripting/shebang.h"

#include <algorithm>
#include <cctype>
#include <span>
#include <vector>

#include "base/strings.h"

namespace holdfast::scripting {
namespace {

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  while (true) {
    size_t const end = std::min(text.find(separator), text.size());
    parts.push_back(text.substr(0, end));
    if (end == text.size()) return parts;
    text.remove_prefix(end + 1);
  }
}

std::vector<std::string_view> words(std::string_view line) {
  std::vector<std::string_view> parts = split(line, ' ');
  std::erase_if(parts, [](std::string_view part) { return part.empty(); });
  return parts;
}

}  // namespace

std::optional<ScriptFlag> script_flag(std::string_view name) {
  for (ScriptFlagName const& each : kScriptFlagNames) {
    if (each.name == name) return each.flag;
  }
  return std::nullopt;
}

Result<ScriptHeader> parse_script_header(std::string_view script) {
  ScriptHeader header{.code = script};
  if (!script.starts_with("#!")) return header;
  header.present = true;
  size_t const end = script.find('\n');
  if (end == std::string_view::npos) return fail("Invalid script shebang");
  header.code = script.substr(end);
  std::vector<std::string_view> const parts = words(script.substr(0, end));
  if (parts[0] != "#!lua") return fail("Unexpected engine in script shebang: " + std::string(parts[0]));
  for (std::string_view part : std::span(parts).subspan(1)) {
    constexpr std::string_view kFlags = "flags=";
    if (!part.starts_with(kFlags)) return fail("Unknown lua shebang option: " + std::string(part));
    part.remove_prefix(kFlags.size());
    if (part.empty()) continue;
    for (std::string_view name : split(part, ',')) {
      std::optional<ScriptFlag> const flag = script_flag(name);
      if (!flag) return fail("Unexpected flag in script shebang: " + std::string(name));
      header.flags |= *flag;
    }
  }
  return header;
}

Result<LibraryHeader> parse_library_header(std::string_view library) {
  constexpr std::string_view kMark = "#!";
  constexpr std::string_view kName = "name=";
  if (!library.starts_with(kMark)) return fail("Missing library metadata");
  size_t const end = library.find('\n');
  if (end == std::string_view::npos) return fail("Invalid library metadata");
  std::vector<std::string_view> const parts = words(library.substr(0, end));
  std::string_view const engine = parts[0].substr(kMark.size());
  std::optional<std::string> name;
  for (std::string_view part : std::span(parts).subspan(1)) {
    if (!iequals(part.substr(0, kName.size()), kName)) return fail("Invalid metadata value given: " + std::string(part));
    if (name) return fail("Invalid metadata value, name argument was given multiple times");
    name = part.substr(kName.size());
  }
  if (!name) return fail("Library name was not given");
  if (!valid_function_name(*name)) return fail(std::string(kInvalidFunctionName));
  if (!iequals(engine, "lua")) return fail("Engine '" + std::string(engine) + "' not found");
  return LibraryHeader{*name, library.substr(end)};
}

bool valid_function_name(std::string_view name) {
  return !name.empty() && std::all_of(name.begin(), name.end(), [](char each) {
    return std::isalnum(static_cast<unsigned char>(each)) || each == '_';
  });
}

}  // namespace holdfast::scripting
