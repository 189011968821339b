#include "net/send_output.h"

#include <sys/socket.h>
#include <sys/uio.h>

#include <cerrno>

namespace holdfast {

namespace {

/// Pieces given to one system call: 64 blocks of 16 KiB are more than a socket takes at once.
constexpr int kPiecesMax = 64;

/// Shortens the pieces to `max_bytes` in all. Returns the bytes that remain and sets `count`.
size_t limit_pieces(iovec* pieces, int& count, size_t max_bytes) {
  size_t total = 0;
  for (int i = 0; i < count; i++) {
    if (pieces[i].iov_len >= max_bytes - total) {
      pieces[i].iov_len = max_bytes - total;
      count = i + 1;
    }
    total += pieces[i].iov_len;
  }
  return total;
}

ssize_t send_pieces(int fd, iovec* pieces, int count) {
  // One piece, as most replies are, costs the kernel less without a list of them.
  if (count == 1) [[likely]] return ::send(fd, pieces[0].iov_base, pieces[0].iov_len, MSG_NOSIGNAL);
  msghdr message{};
  message.msg_iov = pieces;
  message.msg_iovlen = static_cast<size_t>(count);
  return ::sendmsg(fd, &message, MSG_NOSIGNAL);
}

}  // namespace

Result<size_t> send_output(int fd, OutputBuffer& out, size_t max_bytes) {
  size_t sent = 0;
  while (sent < max_bytes) {
    iovec pieces[kPiecesMax];
    int count = out.fill_iovec(pieces, kPiecesMax);
    size_t offered = limit_pieces(pieces, count, max_bytes - sent);
    if (offered == 0) break;
    ssize_t const taken = send_pieces(fd, pieces, count);
    if (taken < 0) {
      if (errno == EINTR) continue;
      if (errno == EAGAIN || errno == EWOULDBLOCK) break;
      return fail_errno("send", errno);
    }
    out.consume(static_cast<size_t>(taken));
    sent += static_cast<size_t>(taken);
    // A short write means a full socket; asking again would only be told so.
    if (static_cast<size_t>(taken) < offered) break;
  }
  return sent;
}

}  // namespace holdfast
