#pragma once

#include <cstddef>
#include <cstdint>

#include "resp/output_buffer.h"

namespace holdfast {

/// What a connection sends besides replies, asked for when there is room: a replica's stream of writes. Belongs to the worker
/// of the connection, but for what the implementation says.
class OutputSource {
 public:
  /// A call adds about this many bytes at most.
  static constexpr size_t kFillBytesMax = 64 * 1024;

  enum class Left : uint8_t {
    kNothing,  ///< ask again when there is news
    kMore,
    kClose,    ///< there will be nothing more
  };
  virtual ~OutputSource() = default;
  virtual Left fill(OutputBuffer& output) = 0;
  /// Bytes have come from the other side.
  virtual void heard() = 0;
  /// The connection is gone; nothing is called after this.
  virtual void ended() = 0;
};

}  // namespace holdfast
