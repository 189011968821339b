#include "log/manifest.h"

#include <cinttypes>
#include <cstdio>
#include <cstdlib>
#include <iterator>
#include <limits>

#include "base/args.h"
#include "base/crc64.h"
#include "base/number.h"
#include "base/strings.h"

namespace holdfast::log {
namespace {

constexpr char const* kInvalidFormat = "Invalid AOF manifest file format";

/// The leading integer of `text`, 0 when there is none (the rule of atoll, which readers of this format apply).
int64_t leading_integer(std::string const& text) { return std::strtoll(text.c_str(), nullptr, 10); }

bool needs_quotes(std::string_view name) {
  for (char c : name) {
    if (!ascii_isprint(c) || c == ' ' || c == '"' || c == '\\') return true;
  }
  return false;
}

void append_line(std::string& out, ManifestFile const& file, char type) {
  out += "file ";
  if (needs_quotes(file.name)) {
    append_quoted(out, file.name);
  } else {
    out += file.name;
  }
  out += " seq ";
  out += to_text(file.seq);
  out += " type ";
  out += type;
  out += '\n';
}

/// The first line of a manifest of which `lines` is the rest.
std::string checksum_line(std::string_view lines) {
  char digits[17];
  std::snprintf(digits, sizeof digits, "%016" PRIx64, crc64(0, lines));
  return std::string(kManifestChecksumMark) + digits + "\n";
}

/// False for a manifest that says another checksum than its lines have, or that ends before it has said it. One of Redis
/// says none.
bool checksum_agrees(std::string_view text) {
  size_t const lf = text.find('\n');
  if (lf == text.npos && kManifestChecksumMark.starts_with(text.substr(0, kManifestChecksumMark.size()))) return false;
  if (!text.starts_with(kManifestChecksumMark)) return true;
  return lf != text.npos && text.substr(0, lf + 1) == checksum_line(text.substr(lf + 1));
}

struct ParsedLine {
  ManifestFile file;
  char type = 0;
};

/// A trimmed line to its file, or the reason why not.
std::expected<ParsedLine, char const*> parse_line(std::string_view line) {
  auto words = split_args(line);
  if (line.empty() || !words || words->size() < 6 || words->size() % 2 != 0) return std::unexpected(kInvalidFormat);

  ParsedLine parsed;
  for (size_t i = 0; i < words->size(); i += 2) {
    std::string const& key = (*words)[i];
    std::string& value = (*words)[i + 1];
    if (iequals(key, "file")) {
      if (value.find_first_of("/\\") != std::string::npos) {
        return std::unexpected("File can't be a path, just a filename");
      }
      parsed.file.name = std::move(value);
    } else if (iequals(key, "seq")) {
      parsed.file.seq = leading_integer(value);
    } else if (iequals(key, "type")) {
      parsed.type = value.empty() ? '\0' : value[0];
    }
  }
  // The highest sequence has no successor, so a manifest that uses it could not be continued.
  bool const usable_seq = parsed.file.seq != 0 && parsed.file.seq != std::numeric_limits<int64_t>::max();
  if (parsed.file.name.empty() || !usable_seq || parsed.type == 0) return std::unexpected(kInvalidFormat);
  return parsed;
}

/// Puts a parsed line into its list; returns the reason when it does not fit there, else null.
char const* add_line(Manifest& manifest, ParsedLine parsed) {
  switch (parsed.type) {
    case 'b':
      if (manifest.base) return "Found duplicate base file information";
      manifest.base = std::move(parsed.file);
      return nullptr;
    case 'h':
      manifest.history.push_back(std::move(parsed.file));
      return nullptr;
    case 'i':
      if (parsed.file.seq <= manifest.increment_seq()) return "Found a non-monotonic sequence number";
      manifest.increments.push_back(std::move(parsed.file));
      return nullptr;
    default:
      return "Unknown AOF file type";
  }
}

}  // namespace

std::vector<std::string> ManifestError::log_messages() const {
  std::vector<std::string> messages{"\n*** FATAL AOF MANIFEST FILE ERROR ***\n"};
  if (line > 0) {
    messages.push_back("Reading the manifest file, at line " + to_text(line) + "\n");
    messages.push_back(">>> '" + line_text + "'\n");
  }
  messages.push_back(reason + "\n");
  return messages;
}

std::expected<Manifest, ManifestError> Manifest::parse(std::string_view text) {
  Manifest manifest;
  bool const agrees = checksum_agrees(text);
  if (text.empty()) return std::unexpected(ManifestError{"Found an empty AOF manifest"});
  for (int line_number = 1; !text.empty(); ++line_number) {
    // As the original reader does: at most kManifestLineBytesMax bytes at once, the rest counts as another line.
    std::string_view line = text.substr(0, kManifestLineBytesMax);
    if (size_t const lf = line.find('\n'); lf != line.npos) line = line.substr(0, lf + 1);
    text.remove_prefix(line.size());
    if (line[0] == '#') continue;
    if (line.back() != '\n' || line.find('\0') != line.npos) {
      return std::unexpected(ManifestError{"The AOF manifest file contains too long line"});
    }
    line = trim(line);
    auto parsed = parse_line(line);
    char const* reason = parsed ? add_line(manifest, std::move(*parsed)) : parsed.error();
    if (reason) return std::unexpected(ManifestError{reason, line_number, std::string(line)});
  }
  if (!agrees) {
    return std::unexpected(ManifestError{"The AOF manifest file is damaged: it does not agree with the checksum in its first line. "
                                         "(If it was changed on purpose, remove that line.)"});
  }
  return manifest;
}

std::string Manifest::format() const {
  std::string text;
  if (base) append_line(text, *base, 'b');
  for (ManifestFile const& file : history) append_line(text, file, 'h');
  for (ManifestFile const& file : increments) append_line(text, file, 'i');
  return checksum_line(text) + text;
}

ManifestFile Manifest::next_base(std::string_view stem, BaseFormat format) const {
  int64_t const seq = base_seq() + 1;
  char const* suffix = format == BaseFormat::kRdb ? ".base.rdb" : ".base.aof";
  return {std::string(stem) + "." + to_text(seq) + suffix, seq};
}

ManifestFile Manifest::next_increment(std::string_view stem) const {
  int64_t const seq = increment_seq() + 1;
  return {std::string(stem) + "." + to_text(seq) + ".incr.aof", seq};
}

void Manifest::replace_base(ManifestFile new_base, int64_t first_live_increment) {
  std::vector<ManifestFile> gone;
  std::vector<ManifestFile> live;
  for (ManifestFile& file : increments) {
    (file.seq < first_live_increment ? gone : live).push_back(std::move(file));
  }
  if (base) gone.push_back(std::move(*base));
  gone.insert(gone.end(), std::make_move_iterator(history.begin()), std::make_move_iterator(history.end()));
  history = std::move(gone);
  increments = std::move(live);
  base = std::move(new_base);
}

std::string manifest_name(std::string_view stem) { return std::string(stem) + ".manifest"; }
std::string temp_manifest_name(std::string_view stem) { return "temp-" + std::string(stem) + ".manifest"; }
std::string temp_increment_name(std::string_view stem) { return "temp-" + std::string(stem) + ".incr"; }
std::string sidecar_name(std::string_view increment_name) { return std::string(increment_name) + ".idx"; }

}  // namespace holdfast::log
