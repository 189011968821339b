#pragma once

#include <string_view>

#include "base/result.h"

// Rules of single directives beyond their type. The messages are the texts that CONFIG SET shows after the " - ".

namespace holdfast::config {

Status check_dbfilename(std::string_view text);
Status check_appendfilename(std::string_view text);
Status check_appenddirname(std::string_view text);
/// cluster-announce-hostname: letters, digits, hyphens and dots, less than 256.
Status check_hostname(std::string_view text);
/// cluster-announce-human-nodename: as it stands in nodes.conf, so printable and without blanks, commas and equal
/// signs.
Status check_human_nodename(std::string_view text);
/// proc-title-template: not empty, braces closed, known variables; `{{` stands for a brace.
Status check_title_template(std::string_view text);
/// locale-collate: "" or a locale that this machine has.
Status check_locale(std::string_view text);
/// An integer that is a power of two; other texts are left to the type.
Status check_power_of_two(std::string_view text);

}  // namespace holdfast::config
