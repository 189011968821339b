#pragma once

#include <sys/types.h>

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "net/unique_fd.h"

namespace holdfast {

/// Opening sockets. All are non-blocking and closed on exec. Errors carry errno and read "<call>: <reason>", as in
/// "bind: Address already in use". Safe from any thread.

/// Listens on one address: an IPv4 or IPv6 address, a name, "*" (all of IPv4) or "::*" (all of IPv6; IPv6 sockets never
/// take IPv4). Port 0 lets the system choose. A name is resolved on the spot, which may take time.
Result<UniqueFd> listen_tcp(std::string const& address, uint16_t port, int backlog);

/// Listens on each address of the `bind` directive. "-" before an address makes it optional: it is left out when the
/// machine does not have it. A protocol that the system does not support is always left out. Any other failure fails
/// the whole: "Could not create server TCP listening socket <address>:<port>: bind: <reason>".
Result<std::vector<UniqueFd>> listen_tcp_all(std::span<std::string const> bind, uint16_t port, int backlog);

/// Listens on a Unix socket; an old file of that name is replaced. `permissions` 0 keeps those the umask gives.
Result<UniqueFd> listen_unix(std::string const& path, mode_t permissions, int backlog);

/// Takes one waiting connection; an invalid descriptor when there is none.
Result<UniqueFd> accept_connection(int listening_fd);

/// Begins to connect to the first address of `host` that can be tried; the socket becomes writable when
/// `connect_result` is known. `source` is the local address to use, or empty. Names are resolved on the spot.
Result<UniqueFd> connect_tcp(std::string const& host, uint16_t port, std::string const& source = {});
Result<UniqueFd> connect_unix(std::string const& path);
/// Whether the connection of a socket that has become writable succeeded.
Status connect_result(int fd);

/// Sends small replies at once.
Status set_tcp_nodelay(int fd);
/// Probes an idle peer after `seconds`, then every third of it; three lost probes end the connection. 0 turns it off;
/// what the system does not take (over about 9 hours) is shortened.
Status set_keepalive(int fd, int seconds);

}  // namespace holdfast
