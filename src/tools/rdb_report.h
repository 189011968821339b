#pragma once

#include <string>

#include "base/json_writer.h"
#include "tools/rdb_check.h"

namespace holdfast::tools {

/// The report for people, in the manner of redis-check-rdb; the table of types only with `stats`.
std::string rdb_report_text(std::string const& path, RdbReport const& report, bool stats);

/// The fields of the report (docs/check-tools.md), into an object that is open.
void write_rdb_report(JsonWriter& json, RdbReport const& report);

}  // namespace holdfast::tools
