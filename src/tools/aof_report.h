#pragma once

#include <string>

#include "base/json_writer.h"
#include "tools/aof_repair.h"
#include "tools/aof_set.h"

namespace holdfast::tools {

/// The report for people, in the manner of redis-check-aof; the commands by name only with `stats`.
std::string aof_report_text(AofReport const& report, bool stats);

/// What would be lost: the lines before the question whether to cut.
std::string cut_text(AofCut const& cut);

/// The fields of the report (docs/check-tools.md), into an object that is open.
void write_aof_report(JsonWriter& json, AofReport const& report);

}  // namespace holdfast::tools
