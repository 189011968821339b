#include "net/socket.h"

#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>

namespace holdfast {

namespace {

constexpr int kSocketFlags = SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC;

/// The kernel refuses longer keepalive times.
constexpr int kKeepaliveSecondsMax = 32767;

struct FreeAddresses {
  void operator()(addrinfo* list) const { ::freeaddrinfo(list); }
};
using Addresses = std::unique_ptr<addrinfo, FreeAddresses>;

/// `host` may be nullptr for the wildcard address of a passive lookup.
Result<Addresses> resolve(char const* host, uint16_t port, int family, int flags) {
  addrinfo hints{};
  hints.ai_family = family;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = flags;
  addrinfo* list = nullptr;
  int code = ::getaddrinfo(host, std::to_string(port).c_str(), &hints, &list);
  if (code != 0) return fail(::gai_strerror(code), code == EAI_SYSTEM ? errno : 0);
  return Addresses(list);
}

Status set_option(int fd, int level, int option, int value, char const* what) {
  if (::setsockopt(fd, level, option, &value, sizeof value) != 0) return fail_errno(what, errno);
  return {};
}

Result<UniqueFd> listen_on(addrinfo const& address, int backlog) {
  UniqueFd fd(::socket(address.ai_family, kSocketFlags, 0));
  if (!fd.valid()) return fail_errno("socket", errno);
  if (address.ai_family == AF_INET6) {
    auto set = set_option(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, 1, "setsockopt IPV6_V6ONLY");
    if (!set) return std::unexpected(set.error());
  }
  auto set = set_option(fd.get(), SOL_SOCKET, SO_REUSEADDR, 1, "setsockopt SO_REUSEADDR");
  if (!set) return std::unexpected(set.error());
  if (::bind(fd.get(), address.ai_addr, address.ai_addrlen) != 0) return fail_errno("bind", errno);
  if (::listen(fd.get(), backlog) != 0) return fail_errno("listen", errno);
  return fd;
}

/// The system lacks the protocol, for example IPv6.
bool is_unsupported(int errnum) {
  return errnum == ENOPROTOOPT || errnum == EPROTONOSUPPORT || errnum == ESOCKTNOSUPPORT || errnum == EPFNOSUPPORT ||
         errnum == EAFNOSUPPORT;
}

Result<sockaddr_un> unix_address(std::string const& path, char const* what) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) return fail_errno(what, ENAMETOOLONG);
  std::memcpy(address.sun_path, path.data(), path.size());
  return address;
}

Result<UniqueFd> connect_to(addrinfo const& address, std::string const& source) {
  UniqueFd fd(::socket(address.ai_family, kSocketFlags, 0));
  if (!fd.valid()) return fail_errno("socket", errno);
  if (!source.empty()) {
    auto local = resolve(source.c_str(), 0, address.ai_family, 0);
    if (!local) return std::unexpected(local.error());
    if (::bind(fd.get(), (*local)->ai_addr, (*local)->ai_addrlen) != 0) return fail_errno("bind", errno);
  }
  if (::connect(fd.get(), address.ai_addr, address.ai_addrlen) != 0 && errno != EINPROGRESS) {
    return fail_errno("connect", errno);
  }
  return fd;
}

}  // namespace

Result<UniqueFd> listen_tcp(std::string const& address, uint16_t port, int backlog) {
  bool const any4 = address == "*";
  bool const any6 = address == "::*";
  int const family = any6 || address.find(':') != std::string::npos ? AF_INET6 : AF_INET;
  auto addresses = resolve(any4 || any6 ? nullptr : address.c_str(), port, family, AI_PASSIVE);
  if (!addresses) return std::unexpected(addresses.error());
  return listen_on(**addresses, backlog);
}

Result<std::vector<UniqueFd>> listen_tcp_all(std::span<std::string const> bind, uint16_t port, int backlog) {
  std::vector<UniqueFd> sockets;
  for (std::string const& entry : bind) {
    bool const optional = entry.starts_with('-');
    std::string const address = entry.substr(optional ? 1 : 0);
    auto socket = listen_tcp(address, port, backlog);
    if (socket) {
      sockets.push_back(std::move(*socket));
      continue;
    }
    int const errnum = socket.error().errnum;
    if (is_unsupported(errnum) || (optional && errnum == EADDRNOTAVAIL)) continue;
    return fail("Could not create server TCP listening socket " + address + ":" + std::to_string(port) + ": " +
                    socket.error().message,
                errnum);
  }
  return sockets;
}

Result<UniqueFd> listen_unix(std::string const& path, mode_t permissions, int backlog) {
  auto address = unix_address(path, "bind");
  if (!address) return std::unexpected(address.error());
  UniqueFd fd(::socket(AF_UNIX, kSocketFlags, 0));
  if (!fd.valid()) return fail_errno("socket", errno);
  // A server that did not end cleanly has left its file; bind does not reuse it.
  ::unlink(path.c_str());
  if (::bind(fd.get(), reinterpret_cast<sockaddr const*>(&*address), sizeof *address) != 0) {
    return fail_errno("bind", errno);
  }
  if (permissions != 0 && ::chmod(path.c_str(), permissions) != 0) return fail_errno("chmod", errno);
  if (::listen(fd.get(), backlog) != 0) return fail_errno("listen", errno);
  return fd;
}

Result<UniqueFd> accept_connection(int listening_fd) {
  for (;;) {
    UniqueFd fd(::accept4(listening_fd, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (fd.valid()) return fd;
    if (errno == EAGAIN || errno == EWOULDBLOCK) return UniqueFd();
    // A peer that has given up meanwhile is no reason to fail.
    if (errno != EINTR && errno != ECONNABORTED) return fail_errno("accept", errno);
  }
}

Result<UniqueFd> connect_tcp(std::string const& host, uint16_t port, std::string const& source) {
  auto addresses = resolve(host.c_str(), port, AF_UNSPEC, 0);
  if (!addresses) return std::unexpected(addresses.error());
  Result<UniqueFd> socket = fail_errno("connect", EADDRNOTAVAIL);
  for (addrinfo const* address = addresses->get(); address; address = address->ai_next) {
    socket = connect_to(*address, source);
    if (socket) break;
  }
  return socket;
}

Result<UniqueFd> connect_unix(std::string const& path) {
  auto address = unix_address(path, "connect");
  if (!address) return std::unexpected(address.error());
  UniqueFd fd(::socket(AF_UNIX, kSocketFlags, 0));
  if (!fd.valid()) return fail_errno("socket", errno);
  if (::connect(fd.get(), reinterpret_cast<sockaddr const*>(&*address), sizeof *address) != 0) {
    return fail_errno("connect", errno);
  }
  return fd;
}

Status connect_result(int fd) {
  int errnum = 0;
  socklen_t length = sizeof errnum;
  if (::getsockopt(fd, SOL_SOCKET, SO_ERROR, &errnum, &length) != 0) errnum = errno;
  if (errnum != 0) return fail_errno("connect", errnum);
  return {};
}

Status set_tcp_nodelay(int fd) { return set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1, "setsockopt TCP_NODELAY"); }

Status set_keepalive(int fd, int seconds) {
  if (seconds <= 0) return set_option(fd, SOL_SOCKET, SO_KEEPALIVE, 0, "setsockopt SO_KEEPALIVE");
  seconds = std::min(seconds, kKeepaliveSecondsMax);
  auto set = set_option(fd, SOL_SOCKET, SO_KEEPALIVE, 1, "setsockopt SO_KEEPALIVE");
  if (set) set = set_option(fd, IPPROTO_TCP, TCP_KEEPIDLE, seconds, "setsockopt TCP_KEEPIDLE");
  if (set) set = set_option(fd, IPPROTO_TCP, TCP_KEEPINTVL, std::max(seconds / 3, 1), "setsockopt TCP_KEEPINTVL");
  if (set) set = set_option(fd, IPPROTO_TCP, TCP_KEEPCNT, 3, "setsockopt TCP_KEEPCNT");
  return set;
}

}  // namespace holdfast
