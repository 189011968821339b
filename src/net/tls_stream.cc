#include "net/tls_stream.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <cstring>

#include "base/check.h"
#include "net/tls_error.h"
#include "net/tls_memory.h"

namespace holdfast {
namespace {

/// Pieces of the output that are looked at for one record.
constexpr int kPiecesOfRecordMax = 64;

}  // namespace

/// The lower end of a stream as OpenSSL wants it.
struct TlsStream::Socket {
  static int read(BIO* bio, char* to, int size) {
    auto& stream = *static_cast<TlsStream*>(BIO_get_data(bio));
    BIO_clear_retry_flags(bio);
    if (stream.may_read_ == 0) {
      BIO_set_retry_read(bio);
      return -1;
    }
    ssize_t got = 0;
    do {
      got = recv(stream.fd_, to, static_cast<size_t>(size), 0);
    } while (got < 0 && errno == EINTR);
    if (got > 0) stream.may_read_ -= std::min(stream.may_read_, static_cast<size_t>(got));
    if (got == 0) stream.end_of_socket_ = true;
    if (got < 0) {
      stream.errnum_ = errno;
      if (errno == EAGAIN || errno == EWOULDBLOCK) BIO_set_retry_read(bio);
    }
    return static_cast<int>(got);
  }

  static int write(BIO* bio, char const* bytes, int size) {
    auto& stream = *static_cast<TlsStream*>(BIO_get_data(bio));
    BIO_clear_retry_flags(bio);
    if (stream.unsent() > kUnsentBytesMax) {
      stream.errnum_ = ENOBUFS;
      return -1;
    }
    stream.unsent_.append(bytes, static_cast<size_t>(size));
    return size;
  }

  static long control(BIO* bio, int command, long, void*) {
    if (command == BIO_CTRL_FLUSH) return 1;
    if (command == BIO_CTRL_EOF) return static_cast<TlsStream*>(BIO_get_data(bio))->end_of_socket_ ? 1 : 0;
    return 0;
  }

  static int create(BIO* bio) {
    BIO_set_init(bio, 1);
    return 1;
  }

  static BIO_METHOD const* method() {
    static BIO_METHOD const* const made = [] {
      BIO_METHOD* fresh = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "socket with a buffer");
      CHECK(fresh);
      BIO_meth_set_read(fresh, &read);
      BIO_meth_set_write(fresh, &write);
      BIO_meth_set_ctrl(fresh, &control);
      BIO_meth_set_create(fresh, &create);
      return fresh;
    }();
    return made;
  }
};

void TlsStream::Free::operator()(ssl_st* session) const { SSL_free(session); }

TlsStream::TlsStream(std::shared_ptr<TlsContext const> context, int fd, Side side)
    : context_(std::move(context)), fd_(fd) {
  TlsMemoryCharge const charge(charged_);
  session_.reset(SSL_new(side == Side::kConnecting ? context_->connecting() : context_->accepting()));
  CHECK(session_);
  BIO* bio = BIO_new(Socket::method());
  CHECK(bio);
  BIO_set_data(bio, this);
  SSL_set_bio(session_.get(), bio, bio);
  if (side == Side::kConnecting) {
    SSL_set_connect_state(session_.get());
    return;
  }
  SSL_set_accept_state(session_.get());
  // Who resumes a session is not asked for a certificate again: so it must have begun under the same rule.
  auto const rule = static_cast<unsigned char>(side);
  SSL_set_session_id_context(session_.get(), &rule, sizeof rule);
  if (side == Side::kAcceptingAnybody) SSL_set_verify(session_.get(), SSL_VERIFY_NONE, nullptr);
  if (side == Side::kAcceptingWithOptional) SSL_set_verify(session_.get(), SSL_VERIFY_PEER, nullptr);
}

TlsStream::~TlsStream() = default;

/// After an operation of OpenSSL that did not succeed and does not only want more input.
void TlsStream::note_failure() {
  failed_ = true;
  if (ERR_peek_error() != 0) {
    error_ = tls_error_text();
  } else {
    error_ = end_of_socket_ ? "unexpected end of the connection" : std::strerror(errnum_);
  }
}

TlsStream::Handshake TlsStream::shake_hands() {
  starved_ = false;
  may_read_ = kReadBytesMax;
  TlsMemoryCharge const charge(charged_);
  ERR_clear_error();
  int const done = SSL_do_handshake(session_.get());
  int const why = done == 1 ? SSL_ERROR_NONE : SSL_get_error(session_.get(), done);
  if (why != SSL_ERROR_NONE && why != SSL_ERROR_WANT_READ) {
    note_failure();
    static_cast<void>(flush());  // the other side is told why
    return Handshake::kFailed;
  }
  if (Status flushed = flush(); !flushed) {
    failed_ = true;
    error_ = flushed.error().message;
    return Handshake::kFailed;
  }
  greeted_ = why == SSL_ERROR_NONE;
  return greeted_ ? Handshake::kDone : Handshake::kMore;
}

ssize_t TlsStream::read(char* to, size_t size) {
  starved_ = false;
  may_read_ = kReadBytesMax;
  TlsMemoryCharge const charge(charged_);
  size_t total = 0;
  while (total < size) {
    ERR_clear_error();
    int const got = SSL_read(session_.get(), to + total, static_cast<int>(std::min<size_t>(size - total, INT_MAX)));
    if (got > 0) {
      total += static_cast<size_t>(got);
      if (SSL_has_pending(session_.get()) == 0) break;
      continue;
    }
    int const why = SSL_get_error(session_.get(), got);
    if (why == SSL_ERROR_WANT_READ) {
      starved_ = true;
      if (total > 0) break;
      errno = EAGAIN;
      return -1;
    }
    ended_ = true;  // what was read before it is given out first
    if (why == SSL_ERROR_ZERO_RETURN) break;
    note_failure();
    if (total > 0) break;
    errno = EPROTO;
    return -1;
  }
  return static_cast<ssize_t>(total);
}

bool TlsStream::has_input() const { return ended_ || (!starved_ && SSL_has_pending(session_.get()) == 1); }

Result<size_t> TlsStream::send(OutputBuffer& out, size_t max_bytes) {
  size_t taken = 0;
  while (true) {
    if (Status flushed = flush(); !flushed) return std::unexpected(flushed.error());
    if (unsent() > 0 || taken >= max_bytes) return taken;
    size_t batch = 0;
    while (batch < kBatchBytes && taken < max_bytes && !out.empty()) {
      size_t const record = encrypt(out, std::min(kRecordBytesMax, max_bytes - taken));
      if (failed_) return fail(error_, EPROTO);
      if (record == 0) break;  // nothing but what is not complete yet
      batch += record;
      taken += record;
    }
    if (batch == 0) return taken;
  }
}

Status TlsStream::send(std::string_view bytes) {
  while (!bytes.empty()) {
    size_t const record = std::min(bytes.size(), kRecordBytesMax);
    if (!write(bytes.data(), record)) return fail(error_, EPROTO);
    bytes.remove_prefix(record);
  }
  return flush();
}

size_t TlsStream::encrypt(OutputBuffer& out, size_t room) {
  std::array<iovec, kPiecesOfRecordMax> pieces;
  int const count = out.fill_iovec(pieces.data(), kPiecesOfRecordMax);
  if (count == 0) return 0;
  size_t bytes = std::min(pieces[0].iov_len, room);
  if (count == 1 || bytes == room) {
    if (!write(static_cast<char const*>(pieces[0].iov_base), bytes)) return 0;
  } else {
    // Small pieces share a record: each costs 22 bytes and the price of a cipher's beginning and end.
    std::array<char, kRecordBytesMax> gathered;
    bytes = 0;
    for (int i = 0; i < count && bytes < room; i++) {
      size_t const part = std::min(pieces[static_cast<size_t>(i)].iov_len, room - bytes);
      std::memcpy(gathered.data() + bytes, pieces[static_cast<size_t>(i)].iov_base, part);
      bytes += part;
    }
    if (!write(gathered.data(), bytes)) return 0;
  }
  out.consume(bytes);
  return bytes;
}

/// One record into unsent_.
bool TlsStream::write(char const* bytes, size_t count) {
  if (failed_) return false;
  TlsMemoryCharge const charge(charged_);
  ERR_clear_error();
  int const written = SSL_write(session_.get(), bytes, static_cast<int>(count));
  if (written == static_cast<int>(count)) return true;
  note_failure();
  return false;
}

Status TlsStream::flush() {
  while (unsent() > 0) {
    ssize_t const taken = ::send(fd_, unsent_.data() + sent_, unsent(), MSG_NOSIGNAL);
    if (taken < 0) {
      if (errno == EINTR) continue;
      if (errno == EAGAIN || errno == EWOULDBLOCK) return {};
      failed_ = true;
      return fail_errno("send", errno);
    }
    sent_ += static_cast<size_t>(taken);
  }
  if (sent_ == 0) return {};
  sent_ = 0;
  unsent_ = {};
  return {};
}

void TlsStream::say_goodbye() {
  if (failed_ || !greeted_) return;
  ERR_clear_error();
  static_cast<void>(SSL_shutdown(session_.get()));
  ERR_clear_error();
  static_cast<void>(flush());
}

}  // namespace holdfast
