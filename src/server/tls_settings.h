#pragma once

#include "config/config.h"
#include "net/tls_context.h"

namespace holdfast {

/// Something is to speak TLS: only then are the files of the `tls-*` directives read.
bool uses_tls(config::Config const& config);

TlsSettings tls_settings(config::Config const& config);

}  // namespace holdfast
