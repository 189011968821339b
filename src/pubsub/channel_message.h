#pragma once

#include <string>
#include <string_view>

#include "command/push_message.h"
#include "command/subscriptions.h"
#include "memory/shared_buffer.h"

namespace holdfast {

/// A published message as one kind of subscribers sees it: `message channel payload`, `pmessage pattern channel payload` or
/// `smessage channel payload`. The bytes are made once; RESP2 and RESP3 differ in the first one only. A long payload is
/// referenced by all outputs.
class ChannelMessage final : public PushMessage {
 public:
  /// `pattern` is the one that matched, for Topic::kPattern.
  ChannelMessage(Topic topic, std::string_view pattern, std::string_view channel, std::string_view payload,
                 SharedBufferRef shared_payload);

  /// The payload to be shared by several messages, when it is long enough to be worth it.
  static SharedBufferRef share(std::string_view payload);

  void write(Session& session, OutputBuffer& out) const override;
  size_t bytes() const override { return name_.size() + bytes_.size() + (payload_ ? payload_->size() : 0); }

 private:
  Topic topic_;
  std::string name_;   ///< what the receiver must still listen to
  std::string bytes_;  ///< all of it but the type byte, up to a shared payload
  SharedBufferRef payload_;
};

}  // namespace holdfast
