#include "pubsub/post_office.h"

namespace holdfast {

PostOffice::PostOffice(int workers) : wake([](int) {}) {
  for (int i = 0; i < workers; i++) inboxes_.push_back(std::make_unique<Inbox>());
}

}  // namespace holdfast
