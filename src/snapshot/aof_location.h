#pragma once

#include "config/config.h"
#include "log/aof_directory.h"

namespace holdfast::snapshot {

/// Where the directives say that the AOF lives.
inline log::AofLocation aof_location(config::Config const& config) {
  return {.data_dir = config.text(config::Directive::kDir),
          .append_dir_name = config.text(config::Directive::kAppenddirname),
          .stem = config.text(config::Directive::kAppendfilename)};
}

}  // namespace holdfast::snapshot
