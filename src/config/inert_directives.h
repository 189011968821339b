#pragma once

#include <string>
#include <vector>

#include "config/config.h"

namespace holdfast::config {

/// Directives that guard or promise something and are set, while the server does nothing about them yet: one sentence each.
/// Their table gets shorter with every part of the server that comes; directives whose absence nobody can be hurt by are
/// not in it.
std::vector<std::string> inert_directives(Config const& config);

}  // namespace holdfast::config
