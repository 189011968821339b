#include "tools/rdb_report.h"

#include <cstdio>

#include "base/number.h"
#include "tools/text.h"
#include "values/value_type.h"

namespace holdfast::tools {
namespace {

std::string offset_text(uint64_t offset) { return "[offset " + to_text_unsigned(offset) + "] "; }

void append_damage(std::string& out, RdbDamage const& damage) {
  out += "--- RDB ERROR DETECTED ---\n";
  out += offset_text(damage.fault_offset) + damage.message + "\n";
  append_info(out, "while reading " + damage.reading + ", which begins at offset " + to_text_unsigned(damage.offset));
  if (damage.key) append_info(out, "key '" + *damage.key + "'");
  if (damage.rdb_type) {
    std::string const name = damage.type.empty() ? "unknown" : damage.type;
    append_info(out, "type " + to_text_unsigned(*damage.rdb_type) + " (" + name + ")");
  }
  if (damage.db) append_info(out, "database " + to_text_unsigned(*damage.db));
}

void append_totals(std::string& out, RdbReport const& report) {
  append_info(out, counted(report.total.keys, "key") + " read");
  append_info(out, to_text_unsigned(report.total.expires) + " expires");
  append_info(out, to_text_unsigned(report.total.expired) + " already expired");
  if (report.functions != 0) {
    std::string const noun = report.functions == 1 ? " function library:" : " function libraries:";
    std::string text = to_text_unsigned(report.functions) + noun;
    for (std::string const& name : report.function_names) text += " " + (name.empty() ? "(without a name)" : name);
    append_info(out, text);
  }
}

void append_row(std::string& out, std::string const& name, uint64_t a, uint64_t b, uint64_t c) {
  char row[160];
  std::snprintf(row, sizeof row, "%-12s %14llu %16llu %14llu\n", name.c_str(), static_cast<unsigned long long>(a),
                static_cast<unsigned long long>(b), static_cast<unsigned long long>(c));
  out += row;
}

void append_head(std::string& out, char const* name, char const* a, char const* b, char const* c) {
  char row[160];
  std::snprintf(row, sizeof row, "\n%-12s %14s %16s %14s\n", name, a, b, c);
  out += row;
}

void append_stats(std::string& out, RdbReport const& report) {
  append_head(out, "type", "keys", "bytes", "elements");
  for (size_t i = 0; i < report.types.size(); ++i) {
    RdbTypeStats const& stats = report.types[i];
    if (stats.keys == 0) continue;
    append_row(out, std::string(type_name(static_cast<ValueType>(i))), stats.keys, stats.bytes, stats.elements);
  }
  append_head(out, "database", "keys", "expires", "expired");
  for (auto const& [db, stats] : report.databases) {
    append_row(out, to_text_unsigned(db), stats.keys, stats.expires, stats.expired);
  }
}

void append_biggest(std::string& out, RdbReport const& report) {
  out += "\nbiggest keys (bytes in the file, elements, type, database, key)\n";
  for (RdbBigKey const& key : report.biggest) {
    char row[96];
    std::snprintf(row, sizeof row, "%14llu %12llu  %-7s %4llu  ", static_cast<unsigned long long>(key.bytes),
                  static_cast<unsigned long long>(key.elements), key.type.c_str(),
                  static_cast<unsigned long long>(key.db));
    out += row;
    out += '"' + key.key + "\"\n";
  }
}

// ---- JSON ----

void write_damage(JsonWriter& json, RdbReport const& report) {
  if (!report.damage) return json.null("damage");
  RdbDamage const& damage = *report.damage;
  json.open_object("damage");
  json.text("kind", damage.kind);
  json.text("message", damage.message);
  json.number("offset", damage.offset);
  json.number("fault_offset", damage.fault_offset);
  json.text("reading", damage.reading);
  damage.key ? json.text("key", *damage.key) : json.null("key");
  damage.db ? json.number("db", *damage.db) : json.null("db");
  damage.rdb_type ? json.number("rdb_type", *damage.rdb_type) : json.null("rdb_type");
  damage.type.empty() ? json.null("type") : json.text("type", damage.type);
  json.number("keys_read", report.total.keys);
  json.close_object();
}

void write_types(JsonWriter& json, RdbReport const& report) {
  json.open_object("types");
  for (size_t i = 0; i < report.types.size(); ++i) {
    RdbTypeStats const& stats = report.types[i];
    json.open_object(type_name(static_cast<ValueType>(i)));
    json.number("keys", stats.keys);
    json.number("bytes", stats.bytes);
    json.number("elements", stats.elements);
    json.close_object();
  }
  json.close_object();
}

void write_databases(JsonWriter& json, RdbReport const& report) {
  json.open_array("databases");
  for (auto const& [db, stats] : report.databases) {
    json.open_object();
    json.number("db", db);
    json.number("keys", stats.keys);
    json.number("expires", stats.expires);
    json.number("expired", stats.expired);
    json.close_object();
  }
  json.close_array();
}

void write_biggest(JsonWriter& json, RdbReport const& report) {
  json.open_array("biggest");
  for (RdbBigKey const& key : report.biggest) {
    json.open_object();
    json.text("key", key.key);
    json.number("db", key.db);
    json.text("type", key.type);
    json.number("bytes", key.bytes);
    json.number("elements", key.elements);
    json.number("offset", key.offset);
    json.close_object();
  }
  json.close_array();
}

}  // namespace

std::string rdb_report_text(std::string const& path, RdbReport const& report, bool stats) {
  std::string out = offset_text(0) + "Checking RDB file " + path + "\n";
  for (RdbReport::Aux const& aux : report.aux) {
    out += offset_text(aux.end) + "AUX FIELD " + aux.name + " = '" + aux.value + "'\n";
  }
  if (report.damage) {
    append_damage(out, *report.damage);
  } else {
    if (report.checksum == "ok") out += offset_text(report.rdb_bytes) + "Checksum OK\n";
    out += offset_text(report.rdb_bytes) + "\\o/ RDB looks OK! \\o/\n";
    append_info(out, "RDB version " + to_text(report.version));
  }
  append_totals(out, report);
  for (std::string const& warning : report.warnings) out += "[warning] " + warning + "\n";
  if (stats) append_stats(out, report);
  if (!report.biggest.empty()) append_biggest(out, report);
  return out;
}

void write_rdb_report(JsonWriter& json, RdbReport const& report) {
  json.boolean("ok", report.ok());
  json.number("rdb_version", static_cast<uint64_t>(report.version));
  json.number("file_bytes", report.file_bytes);
  json.number("rdb_bytes", report.rdb_bytes);
  json.text("checksum", report.checksum);
  json.number("keys", report.total.keys);
  json.number("expires", report.total.expires);
  json.number("expired", report.total.expired);
  json.number("empty_keys", report.empty_keys);
  json.open_array("aux");
  for (RdbReport::Aux const& aux : report.aux) {
    json.open_object();
    json.text("name", aux.name);
    json.text("value", aux.value);
    json.close_object();
  }
  json.close_array();
  json.number("functions", report.functions);
  json.open_array("function_names");
  for (std::string const& name : report.function_names) json.text({}, name);
  json.close_array();
  write_databases(json, report);
  write_types(json, report);
  write_biggest(json, report);
  json.open_array("warnings");
  for (std::string const& warning : report.warnings) json.text({}, warning);
  json.close_array();
  write_damage(json, report);
}

}  // namespace holdfast::tools
