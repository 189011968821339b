#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"
#include "net/tls_context.h"
#include "resp/output_buffer.h"

struct bio_st;
struct ssl_st;

namespace holdfast {

/// TLS over a non-blocking socket: plain bytes on this side, records on the other.
///
///     OutputBuffer --> records of up to 16 KiB --> unsent_ --> send(2)      one system call for a batch of records
///     caller's room <-- records <-- buffer of OpenSSL <------- recv(2)      one system call takes all that fits
///
/// What OpenSSL writes is kept in `unsent_` until the socket takes it, so OpenSSL itself never waits for the socket to become
/// writable, and nothing has to be written again. What it has read and not given out yet is not seen by epoll: after each
/// read `has_input` tells whether there is more. Belongs to one thread; does not own the descriptor.
class TlsStream {
 public:
  enum class Side : uint8_t {
    kConnecting,
    kAccepting,              ///< the client must show a certificate that we trust
    kAcceptingWithOptional,  ///< it may show none, but no wrong one
    kAcceptingAnybody,
  };
  enum class Handshake : uint8_t { kDone, kMore, kFailed };
  /// Plain bytes of one record.
  static constexpr size_t kRecordBytesMax = 16 * 1024;
  /// Plain bytes encrypted before the socket is asked to take them: bounds what a slow reader makes us keep.
  static constexpr size_t kBatchBytes = 64 * 1024;
  /// Taken from the socket by one call, so that nobody can keep us busy with records that carry nothing for us.
  static constexpr size_t kReadBytesMax = 64 * 1024;
  /// More than this is unsent only when the other side makes TLS itself talk and does not listen: a failure.
  static constexpr size_t kUnsentBytesMax = 1024 * 1024;

  TlsStream(std::shared_ptr<TlsContext const> context, int fd, Side side);
  ~TlsStream();
  TlsStream(TlsStream const&) = delete;
  TlsStream& operator=(TlsStream const&) = delete;

  /// Does what can be done of the handshake. kMore: call again when the socket is readable, or writable while `unsent`.
  Handshake shake_hands();

  /// As recv: the number of bytes, 0 when the other side will send no more, or -1 with errno EAGAIN or EPROTO; `error`
  /// then says what happened. The end of the connection without the end of the stream is an error.
  ssize_t read(char* to, size_t size);
  /// A read would give something (or the end) although the socket has nothing to read.
  bool has_input() const;

  /// As send_output: encrypts and sends until `out` is drained, `max_bytes` were taken, or the socket takes no more.
  /// Returns how many bytes of `out` were taken. What has been encrypted may still be `unsent`.
  Result<size_t> send(OutputBuffer& out, size_t max_bytes);
  /// Encrypts all of it and sends what the socket takes.
  Status send(std::string_view bytes);
  /// Sends what is unsent, as far as the socket takes it.
  Status flush();
  /// Encrypted bytes that the socket has not taken yet.
  size_t unsent() const { return unsent_.size() - sent_; }
  /// What the stream takes: its state and buffers, those of OpenSSL too (counted if count_tls_memory was called), without what is
  /// `unsent`.
  size_t memory_bytes() const {
    return sizeof *this + static_cast<size_t>(charged_ > 0 ? charged_ : 0) + unsent_.capacity() - unsent();
  }

  /// Tells the other side that nothing follows, if the socket takes it at once.
  void say_goodbye();

  std::string const& error() const { return error_; }

 private:
  struct Free {
    void operator()(ssl_st* session) const;
  };
  struct Socket;  // how OpenSSL reaches the socket
  friend struct Socket;

  /// At most `room` bytes of `out` as one record. 0: it failed.
  size_t encrypt(OutputBuffer& out, size_t room);
  bool write(char const* bytes, size_t count);
  void note_failure();

  std::shared_ptr<TlsContext const> context_;
  int fd_;
  ptrdiff_t charged_ = 0;  ///< bytes that OpenSSL has for this stream
  std::unique_ptr<ssl_st, Free> session_;
  std::string unsent_;
  size_t sent_ = 0;  ///< bytes of unsent_ that the socket has taken
  size_t may_read_ = 0;  ///< bytes that this call may still take from the socket
  std::string error_;
  int errnum_ = 0;         ///< of the last system call for OpenSSL
  bool end_of_socket_ = false;
  bool starved_ = false;   ///< OpenSSL needs more from the socket before it can give anything
  bool ended_ = false;     ///< the other side has said that it is done
  bool greeted_ = false;   ///< the handshake is done
  bool failed_ = false;
};

}  // namespace holdfast
