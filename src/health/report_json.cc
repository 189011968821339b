#include <cstdio>

#include "base/number.h"
#include "health/report_text.h"

namespace holdfast::health {
namespace {

/// With the quotes. What is no printable ASCII is escaped byte by byte, so that the result is valid whatever comes in.
std::string quoted(std::string_view text) {
  std::string json = "\"";
  for (char const each : text) {
    auto const byte = static_cast<unsigned char>(each);
    if (each == '"' || each == '\\') {
      json += '\\';
      json += each;
    } else if (byte < 0x20 || byte >= 0x7f) {
      char escape[8];
      std::snprintf(escape, sizeof escape, "\\u%04x", byte);
      json += escape;
    } else {
      json += each;
    }
  }
  return json + '"';
}

}  // namespace

std::string to_json(Monitor::Seen const& seen) {
  Report const& report = seen.report;
  char seconds[32];
  std::snprintf(seconds, sizeof seconds, "%.3f", report.at_risk.seconds);
  std::string json = "{\"status\":" + quoted(level_name(report.level)) + ",\"ready\":" + (report.ready ? "true" : "false") +
                     ",\"data_at_risk\":{\"seconds\":" + seconds + ",\"bytes\":" + to_text_unsigned(report.at_risk.bytes) +
                     ",\"changes\":" + to_text_unsigned(report.at_risk.changes) + "},\"checks\":[";
  for (size_t i = 0; i < report.checks.size(); i++) {
    Check const& check = report.checks[i];
    if (i > 0) json += ',';
    json += "{\"name\":" + quoted(check.name) + ",\"status\":" + quoted(level_name(check.level)) + ",\"text\":" + quoted(check.text) + "}";
  }
  return json + "]}\n";
}

}  // namespace holdfast::health
