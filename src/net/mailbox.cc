#include "net/mailbox.h"

#include <sys/eventfd.h>

#include <cerrno>
#include <cstdint>

#include "base/check.h"

namespace holdfast {

Mailbox::Mailbox() : wakeup_(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) { CHECK(wakeup_.valid()); }

Mailbox::~Mailbox() {
  // The destructor of a piece of mail may post another one.
  do {
    while (inbox_) {
      std::unique_ptr<Mail> mail(inbox_);
      inbox_ = mail->next_;
    }
    take_pushed();
  } while (inbox_);
}

void Mailbox::post(std::unique_ptr<Mail> mail) {
  Mail* pushed = mail.release();
  Mail* top = pushed_.load(std::memory_order_relaxed);
  do {
    pushed->next_ = top;
  } while (!pushed_.compare_exchange_weak(top, pushed, std::memory_order_seq_cst, std::memory_order_relaxed));
  if (top != nullptr) return;
  if (asleep_.load(std::memory_order_seq_cst) && asleep_.exchange(false)) {
    uint64_t one = 1;
    ssize_t written = ::write(wakeup_.get(), &one, sizeof one);
    // EAGAIN: the counter is full, so the descriptor is readable anyway.
    CHECK(written == sizeof one || errno == EAGAIN);
  }
}

void Mailbox::take_pushed() {
  Mail* mail = pushed_.exchange(nullptr, std::memory_order_acquire);
  while (mail) {
    Mail* older = mail->next_;
    mail->next_ = inbox_;
    inbox_ = mail;
    mail = older;
  }
}

size_t Mailbox::drain(size_t max) {
  size_t delivered = 0;
  while (delivered < max) {
    if (!inbox_) {
      if (pushed_.load(std::memory_order_relaxed) == nullptr) break;
      take_pushed();
    }
    std::unique_ptr<Mail> mail(inbox_);
    inbox_ = mail->next_;
    mail->deliver();
    delivered++;
  }
  return delivered;
}

bool Mailbox::prepare_to_sleep() {
  if (inbox_) return false;
  asleep_.store(true, std::memory_order_seq_cst);
  if (pushed_.load(std::memory_order_seq_cst) == nullptr) return true;
  woke_up();
  return false;
}

void Mailbox::clear_wakeup() {
  uint64_t count;
  ssize_t got = ::read(wakeup_.get(), &count, sizeof count);
  CHECK(got == sizeof count || errno == EAGAIN);
}

}  // namespace holdfast
