#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "rdb/format.h"

namespace holdfast {

inline constexpr size_t kDumpFooterBytes = 10;

/// Makes a payload of DUMP (type byte and value) or FUNCTION DUMP (libraries) complete: version and checksum.
void append_dump_footer(std::string& payload, int version = kRdbVersion);

/// What is before the footer, when version and checksum are right; may be empty. The message of the error is the text
/// of RESTORE. `check_crc` false: DEBUG SET-SKIP-CHECKSUM-VALIDATION.
Result<std::string_view> verify_dump_payload(std::string_view payload, bool check_crc = true,
                                             int version_max = kRdbVersionReadableMax);

}  // namespace holdfast
