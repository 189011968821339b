#include "pubsub/inbox.h"

#include <utility>

namespace holdfast {

Inbox::~Inbox() {
  drain([](Delivery const&) {});
}

bool Inbox::push(SharedPush const& message, Receivers receivers, size_t bytes_max) {
  auto delivery = std::make_unique<Delivery>();
  delivery->receivers = std::move(receivers);
  size_t const bytes = message->bytes() + sizeof(Delivery);
  if (bytes_.load(std::memory_order_relaxed) <= bytes_max) {
    delivery->message = message;
    delivery->bytes = bytes;
    bytes_.fetch_add(bytes, std::memory_order_relaxed);
  }
  Delivery* pushed = delivery.release();
  Delivery* top = pushed_.load(std::memory_order_relaxed);
  do {
    pushed->next = top;
  } while (!pushed_.compare_exchange_weak(top, pushed, std::memory_order_seq_cst, std::memory_order_relaxed));
  return top == nullptr;
}

Inbox::Delivery* Inbox::take() {
  Delivery* newest = pushed_.exchange(nullptr, std::memory_order_seq_cst);
  Delivery* oldest = nullptr;
  while (newest) {
    Delivery* older = newest->next;
    newest->next = oldest;
    oldest = newest;
    newest = older;
  }
  return oldest;
}

}  // namespace holdfast
