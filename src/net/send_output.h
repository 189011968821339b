#pragma once

#include <cstddef>

#include "base/result.h"
#include "resp/output_buffer.h"

namespace holdfast {

/// Sends bytes of `out` until it is drained, `max_bytes` were sent, or the socket takes no more; what was sent is
/// consumed. Returns the bytes sent: fewer than both `max_bytes` and what there was means that the socket is full.
/// Fails with the system's error; never raises SIGPIPE. `fd` is a non-blocking socket.
Result<size_t> send_output(int fd, OutputBuffer& out, size_t max_bytes);

}  // namespace holdfast
