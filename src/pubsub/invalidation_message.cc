#include "pubsub/invalidation_message.h"

#include "base/number.h"
#include "command/session.h"

namespace holdfast {

InvalidationMessage::InvalidationMessage(std::optional<std::span<std::string_view const>> keys, bool redirected)
    : redirected_(redirected) {
  if (!keys) return;
  keys_.append("*").append(to_text(static_cast<int64_t>(keys->size()))).append("\r\n");
  for (std::string_view key : *keys) {
    keys_.append("$").append(to_text(static_cast<int64_t>(key.size()))).append("\r\n").append(key).append("\r\n");
  }
}

void InvalidationMessage::write(Session& session, OutputBuffer& out) const {
  if (!redirected_ && !session.tracking) return;
  bool const resp3 = session.protocol() == 3;
  if (resp3) {
    out.append(">2\r\n$10\r\ninvalidate\r\n");
  } else if (redirected_ && session.subscribed()) {
    out.append("*3\r\n$7\r\nmessage\r\n$20\r\n__redis__:invalidate\r\n");
  } else {
    return;
  }
  out.append(!keys_.empty() ? std::string_view(keys_) : resp3 ? "_\r\n" : "$-1\r\n");
}

void BrokenRedirectMessage::write(Session& session, OutputBuffer& out) const {
  if (!session.tracking || session.tracking->redirect != redirect_) return;
  session.tracking->broken_redirect = true;
  session.card().broken_redirect.store(true, std::memory_order_relaxed);
  if (session.protocol() != 3) return;
  out.append(">2\r\n$21\r\ntracking-redir-broken\r\n:");
  out.append(to_text(static_cast<int64_t>(redirect_)));
  out.append("\r\n");
}

}  // namespace holdfast
