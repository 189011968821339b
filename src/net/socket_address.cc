#include "net/socket_address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/un.h>

#include <cstddef>
#include <cstring>

namespace holdfast {

namespace {

/// The storage seen as the address type of its family.
template <class Address>
Address view_as(sockaddr_storage const& storage) {
  Address address;
  std::memcpy(&address, &storage, sizeof address);
  return address;
}

}  // namespace

SocketAddress SocketAddress::read(int fd, NameOf name_of) {
  SocketAddress address;
  socklen_t length = sizeof address.storage_;
  if (name_of(fd, reinterpret_cast<sockaddr*>(&address.storage_), &length) != 0) return {};
  address.length_ = length;
  return address;
}

SocketAddress SocketAddress::local_of(int fd) { return read(fd, ::getsockname); }

SocketAddress SocketAddress::peer_of(int fd) {
  SocketAddress peer = read(fd, ::getpeername);
  if (peer.is_unix() && peer.ip().empty()) return local_of(fd);
  return peer;
}

bool SocketAddress::is_loopback() const {
  if (!known()) return false;
  switch (storage_.ss_family) {
    case AF_UNIX:
      return true;
    case AF_INET:
      return ntohl(view_as<sockaddr_in>(storage_).sin_addr.s_addr) >> 24 == 127;
    case AF_INET6: {
      in6_addr const ip = view_as<sockaddr_in6>(storage_).sin6_addr;
      return IN6_IS_ADDR_LOOPBACK(&ip) || (IN6_IS_ADDR_V4MAPPED(&ip) && ip.s6_addr[12] == 127);
    }
    default:
      return false;
  }
}

std::string SocketAddress::ip() const {
  if (!known()) return "?";
  char text[INET6_ADDRSTRLEN] = "?";
  switch (storage_.ss_family) {
    case AF_UNIX: {
      auto const address = view_as<sockaddr_un>(storage_);
      size_t const bytes = length_ - offsetof(sockaddr_un, sun_path);
      return {address.sun_path, ::strnlen(address.sun_path, bytes)};
    }
    case AF_INET: {
      auto const address = view_as<sockaddr_in>(storage_);
      ::inet_ntop(AF_INET, &address.sin_addr, text, sizeof text);
      return text;
    }
    case AF_INET6: {
      auto const address = view_as<sockaddr_in6>(storage_);
      ::inet_ntop(AF_INET6, &address.sin6_addr, text, sizeof text);
      return text;
    }
    default:
      return text;
  }
}

uint16_t SocketAddress::port() const {
  if (!known()) return 0;
  if (storage_.ss_family == AF_INET) return ntohs(view_as<sockaddr_in>(storage_).sin_port);
  if (storage_.ss_family == AF_INET6) return ntohs(view_as<sockaddr_in6>(storage_).sin6_port);
  return 0;
}

std::string SocketAddress::text() const {
  bool const bracketed = known() && storage_.ss_family == AF_INET6;
  return (bracketed ? "[" + ip() + "]" : ip()) + ":" + std::to_string(port());
}

}  // namespace holdfast
