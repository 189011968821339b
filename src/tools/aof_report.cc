#include "tools/aof_report.h"

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <vector>

#include "base/number.h"
#include "tools/rdb_report.h"
#include "tools/text.h"

namespace holdfast::tools {
namespace {

std::string title(AofPartReport const& part) {
  switch (part.kind) {
    case AofPartKind::kSingle:
      return "AOF " + part.name;
    case AofPartKind::kBase:
      return "BASE AOF " + part.name;
    case AofPartKind::kIncrement:
      return "INCR AOF " + part.name;
  }
  return part.name;
}

std::string bytes_text(uint64_t bytes) { return counted(bytes, "byte"); }

void append_contents(std::string& out, AofFileReport const& file) {
  if (file.rdb) {
    append_info(out, "RDB part: version " + to_text(file.rdb->version) + ", " + counted(file.rdb->total.keys, "key") +
                         ", " + bytes_text(file.rdb->rdb_bytes));
    for (std::string const& warning : file.rdb->warnings) out += "[warning] RDB part: " + warning + "\n";
  }
  if (!file.rdb || file.commands != 0)
    append_info(out, counted(file.commands, "command") + " read, " + bytes_text(file.command_bytes));
  if (file.sound_until_s) append_info(out, "written until " + utc_text(*file.sound_until_s));
}

void append_index(std::string& out, AofFileReport const& file) {
  if (!file.index) return;
  IndexReport const& index = *file.index;
  if (!index.sound) {
    out += "[warning] the index is not sound and counts for nothing\n";
    return;
  }
  append_info(out, "index: " + to_text_unsigned(index.entries) + (index.entries == 1 ? " entry" : " entries") +
                       ", checksums agree up to offset " + to_text_unsigned(index.verified_up_to));
  if (index.unsound_bytes != 0)
    out += "[warning] the last " + bytes_text(index.unsound_bytes) + " of the index are not sound\n";
  if (index.file_is_shorter) out += "[warning] the index speaks of bytes that are not in the file: a tail was lost\n";
}

void append_risk(std::string& out, AofFileReport const& file) {
  if (!file.at_risk) return;
  AtRisk const& risk = *file.at_risk;
  std::string text =
      "at risk behind offset " + to_text_unsigned(file.sound_up_to) + ": " + bytes_text(risk.bytes) + ", ";
  if (!risk.counted_all) text += "at least ";
  text += risk.commands == 0 ? "no complete command" : counted(risk.commands, "complete command");
  append_info(out, text);
  if (risk.first_command && *risk.first_command != file.sound_up_to) {
    append_info(out, "commands can be read again from offset " + to_text_unsigned(*risk.first_command));
  }
  if (risk.first_time_s) {
    append_info(out, "written from " + utc_text(*risk.first_time_s) + " to " + utc_text(*risk.last_time_s));
  }
}

void append_rdb_damage(std::string& out, AofFileReport const& file) {
  RdbDamage const& damage = *file.rdb->damage;
  append_info(out, "while reading " + damage.reading + ", which begins at offset " + to_text_unsigned(damage.offset));
  if (damage.key) append_info(out, "key '" + *damage.key + "', database " + to_text_unsigned(damage.db.value_or(0)));
  append_info(out, counted(file.rdb->total.keys, "key") + " read");
}

void append_problem(std::string& out, AofPartReport const& part) {
  AofFileReport const& file = part.file;
  if (file.verdict == AofVerdict::kUnreadable) {
    out += title(part) + " cannot be read: " + file.problem->message + "\n";
    return;
  }
  out += "[offset " + to_text_unsigned(file.problem->offset) + "] " + file.problem->message + "\n";
  if (file.problem->in_rdb) {
    append_rdb_damage(out, file);
    out += title(part) + " is not valid: its RDB part is " + verdict_name(file.verdict) + ".\n";
    return;
  }
  append_contents(out, file);
  append_index(out, file);
  append_risk(out, file);
  out += title(part) +
         " is not valid: " + (file.verdict == AofVerdict::kTruncated ? "its tail is torn." : "it is corrupt.");
  if (part.is_last) out += " Use the --fix option to try fixing it.";
  out += '\n';
}

void append_part(std::string& out, AofPartReport const& part) {
  AofFileReport const& file = part.file;
  if (part.skipped) {
    out += title(part) + " was not read, it is later\n";
    return;
  }
  if (file.verdict == AofVerdict::kEmpty) {
    out += title(part) + " is empty\n";
    return;
  }
  if (file.verdict != AofVerdict::kUnreadable) {
    out += "AOF analyzed: filename=" + part.name + ", size=" + to_text_unsigned(file.size) +
           ", ok_up_to=" + to_text_unsigned(file.sound_up_to) +
           ", diff=" + to_text_unsigned(file.size - file.sound_up_to) + "\n";
  }
  if (file.problem) return append_problem(out, part);
  append_contents(out, file);
  append_index(out, file);
  if (!file.cut_for_time) out += title(part) + " is valid\n";
}

/// The most frequent first.
void append_stats(std::string& out, AofPartReport const& part) {
  using Row = std::pair<std::string, CommandStats>;
  std::vector<Row> rows(part.file.by_name.begin(), part.file.by_name.end());
  if (rows.empty()) return;
  std::ranges::sort(rows, [](Row const& a, Row const& b) {
    return a.second.count != b.second.count ? a.second.count > b.second.count : a.first < b.first;
  });
  char line[192];
  std::snprintf(line, sizeof line, "\n%-24s %14s %16s   (%s)\n", "command", "count", "bytes",
                part.name.substr(0, 80).c_str());
  out += line;
  for (auto const& [name, stats] : rows) {
    std::snprintf(line, sizeof line, "%-24s %14llu %16llu\n", name.substr(0, kCommandNameBytesMax).c_str(),
                  static_cast<unsigned long long>(stats.count), static_cast<unsigned long long>(stats.bytes));
    out += line;
  }
}

// ---- JSON ----

void write_time(JsonWriter& json, char const* name, std::optional<int64_t> unix_s) {
  unix_s ? json.signed_number(name, *unix_s) : json.null(name);
}

void write_problem(JsonWriter& json, AofFileReport const& file) {
  if (!file.problem) return json.null("problem");
  json.open_object("problem");
  json.text("message", file.problem->message);
  json.number("offset", file.problem->offset);
  json.boolean("in_rdb", file.problem->in_rdb);
  json.close_object();
}

void write_risk(JsonWriter& json, AofFileReport const& file) {
  if (!file.at_risk) return json.null("at_risk");
  AtRisk const& risk = *file.at_risk;
  json.open_object("at_risk");
  json.number("bytes", risk.bytes);
  json.number("commands", risk.commands);
  json.boolean("counted_all", risk.counted_all);
  risk.first_command ? json.number("first_command", *risk.first_command) : json.null("first_command");
  write_time(json, "first_unix_s", risk.first_time_s);
  write_time(json, "last_unix_s", risk.last_time_s);
  json.close_object();
}

void write_index(JsonWriter& json, AofFileReport const& file) {
  if (!file.index) return json.null("index");
  IndexReport const& index = *file.index;
  json.open_object("index");
  json.boolean("sound", index.sound);
  json.number("entries", index.entries);
  json.number("unsound_bytes", index.unsound_bytes);
  json.number("verified_up_to", index.verified_up_to);
  json.number("bad_begin", index.bad_begin);
  json.number("bad_end", index.bad_end);
  json.boolean("file_is_shorter", index.file_is_shorter);
  json.close_object();
}

void write_by_name(JsonWriter& json, AofFileReport const& file) {
  json.open_object("commands_by_name");
  for (auto const& [name, stats] : file.by_name) {
    json.open_object(name);
    json.number("count", stats.count);
    json.number("bytes", stats.bytes);
    json.close_object();
  }
  json.close_object();
}

void write_part(JsonWriter& json, AofPartReport const& part) {
  AofFileReport const& file = part.file;
  json.open_object();
  json.text("name", part.name);
  json.text("kind", part_kind_name(part.kind));
  json.text("verdict", part.skipped ? "skipped" : verdict_name(file.verdict));
  json.boolean("last", part.is_last);
  json.number("size", file.size);
  json.number("sound_up_to", file.sound_up_to);
  write_time(json, "sound_until_unix_s", file.sound_until_s);
  json.number("commands", file.commands);
  json.number("command_bytes", file.command_bytes);
  write_by_name(json, file);
  write_problem(json, file);
  write_risk(json, file);
  write_index(json, file);
  if (file.rdb) {
    json.open_object("rdb");
    write_rdb_report(json, *file.rdb);
    json.close_object();
  } else {
    json.null("rdb");
  }
  json.close_object();
}

}  // namespace

std::string aof_report_text(AofReport const& report, bool stats) {
  bool const multi = !report.manifest_path.empty();
  std::string out = multi ? "Start checking Multi Part AOF\n" : "Start checking Old-Style AOF\n";
  if (!report.manifest_error.empty()) {
    out += "The AOF manifest " + printable(report.manifest_path) + " cannot be used: " + report.manifest_error + "\n";
    return out;
  }
  for (AofPartReport const& part : report.parts) append_part(out, part);
  for (std::string const& name : report.history) out += "HISTORY AOF " + name + " is not loaded and was not checked\n";
  bool const whole =
      std::ranges::none_of(report.parts, [](AofPartReport const& part) { return part.file.cut_for_time.has_value(); });
  if (multi && whole) out += report.ok() ? "All AOF files and manifest are valid\n" : "Not all AOF files are valid\n";
  if (stats) {
    for (AofPartReport const& part : report.parts) append_stats(out, part);
  }
  return out;
}

std::string cut_text(AofCut const& cut) {
  AofFileReport const& file = cut.part->file;
  std::string out = "This will shrink the AOF " + cut.part->name + " from " + bytes_text(file.size) + ", with " +
                    bytes_text(file.size - cut.keep_bytes) + ", to " + bytes_text(cut.keep_bytes) + "\n";
  if (file.at_risk && file.at_risk->commands != 0) {
    out += file.at_risk->counted_all ? "About " : "At least ";
    out += counted(file.at_risk->commands, "complete command") + " will be lost.\n";
  }
  return out;
}

void write_aof_report(JsonWriter& json, AofReport const& report) {
  json.boolean("ok", report.ok());
  report.manifest_path.empty() ? json.null("manifest")
                               : json.text("manifest", printable(report.manifest_path, SIZE_MAX));
  report.manifest_error.empty() ? json.null("manifest_error") : json.text("manifest_error", report.manifest_error);
  json.open_array("files");
  for (AofPartReport const& part : report.parts) write_part(json, part);
  json.close_array();
  json.open_array("history");
  for (std::string const& name : report.history) json.text({}, name);
  json.close_array();
}

}  // namespace holdfast::tools
