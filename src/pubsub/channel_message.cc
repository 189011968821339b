#include "pubsub/channel_message.h"

#include <utility>

#include "base/number.h"
#include "command/session.h"

namespace holdfast {
namespace {

void append_bulk(std::string& out, std::string_view text) {
  out.append("$").append(to_text(static_cast<int64_t>(text.size()))).append("\r\n").append(text).append("\r\n");
}

}  // namespace

SharedBufferRef ChannelMessage::share(std::string_view payload) {
  return payload.size() < OutputBuffer::kReferenceBytesMin ? SharedBufferRef() : SharedBuffer::copy_of(payload);
}

ChannelMessage::ChannelMessage(Topic topic, std::string_view pattern, std::string_view channel, std::string_view payload,
                               SharedBufferRef shared_payload)
    : topic_(topic), name_(topic == Topic::kPattern ? pattern : channel), payload_(std::move(shared_payload)) {
  switch (topic) {
    case Topic::kChannel: bytes_ = "3\r\n$7\r\nmessage\r\n"; break;
    case Topic::kShardChannel: bytes_ = "3\r\n$8\r\nsmessage\r\n"; break;
    case Topic::kPattern:
      bytes_ = "4\r\n$8\r\npmessage\r\n";
      append_bulk(bytes_, pattern);
      break;
  }
  append_bulk(bytes_, channel);
  if (payload_) {
    bytes_.append("$").append(to_text(static_cast<int64_t>(payload.size()))).append("\r\n");
  } else {
    append_bulk(bytes_, payload);
  }
}

void ChannelMessage::write(Session& session, OutputBuffer& out) const {
  // It may have left since the message was sent.
  if (!session.subscribed() || !session.subscriptions->contains(topic_, name_)) return;
  out.append(session.protocol() == 3 ? ">" : "*");
  out.append(bytes_);
  if (!payload_) return;
  out.append_shared(payload_);
  out.append("\r\n");
}

}  // namespace holdfast
