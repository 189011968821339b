#pragma once

#include <string>

#include "admin/memory_report.h"

namespace holdfast {

/// MEMORY DOCTOR: what looks wrong, in sentences for people.
std::string diagnose_memory(MemoryReport const& report, size_t clients);

}  // namespace holdfast
