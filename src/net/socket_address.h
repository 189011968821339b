#pragma once

#include <sys/socket.h>

#include <cstdint>
#include <string>

namespace holdfast {

/// The address of one end of a connection: IPv4, IPv6, a Unix socket, or unknown.
class SocketAddress {
 public:
  SocketAddress() = default;
  /// The other end; unknown when the connection is gone. A Unix client has no name, so its socket's path stands for it.
  static SocketAddress peer_of(int fd);
  /// Our end.
  static SocketAddress local_of(int fd);

  bool known() const { return length_ != 0; }
  bool is_unix() const { return known() && storage_.ss_family == AF_UNIX; }
  /// 127.0.0.0/8, ::1 or a Unix socket: a peer on this machine.
  bool is_loopback() const;
  /// Without brackets; the path of a Unix socket; "?" when unknown.
  std::string ip() const;
  /// 0 for Unix sockets and unknown addresses.
  uint16_t port() const;
  /// As in CLIENT LIST: "ip:port", "[ip6]:port", "<path>:0", "?:0".
  std::string text() const;

 private:
  using NameOf = int (*)(int, sockaddr*, socklen_t*);
  static SocketAddress read(int fd, NameOf name_of);

  sockaddr_storage storage_{};
  socklen_t length_ = 0;
};

}  // namespace holdfast
