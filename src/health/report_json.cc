#include "base/json_writer.h"
#include "health/report_text.h"

namespace holdfast::health {

std::string to_json(Monitor::Seen const& seen) {
  Report const& report = seen.report;
  JsonWriter json;
  json.open_object();
  json.text("status", level_name(report.level));
  json.boolean("ready", report.ready);
  json.open_object("data_at_risk");
  json.decimal("seconds", report.at_risk.seconds);
  json.number("bytes", report.at_risk.bytes);
  json.number("changes", report.at_risk.changes);
  json.close_object();
  json.open_array("checks");
  for (Check const& check : report.checks) {
    json.open_object();
    json.text("name", check.name);
    json.text("status", level_name(check.level));
    json.text("text", check.text);
    json.close_object();
  }
  json.close_array();
  json.close_object();
  return json.document() + "\n";
}

}  // namespace holdfast::health
