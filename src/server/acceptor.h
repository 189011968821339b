#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "command/services.h"
#include "net/event_loop.h"
#include "net/unique_fd.h"

namespace holdfast {

class SocketAddress;
class Worker;

/// Listens, accepts, refuses (maxclients, protected mode), and gives each connection to the worker that has the fewest.
/// Works on the loop of worker 0.
class Acceptor {
 public:
  Acceptor(Services& services, std::vector<std::unique_ptr<Worker>>& workers);
  ~Acceptor();

  /// Opens the sockets of the configuration (TCP and Unix). The error is the log line.
  Status open();
  /// Begins to accept; on the thread of worker 0.
  void start();
  /// Listens anew after CONFIG SET port or bind: opens first, and only then gives up the old sockets. Any thread.
  Status reopen();
  void close();

 private:
  class Listener;
  struct Sockets {
    std::vector<UniqueFd> tcp;
    UniqueFd unix_socket;
  };

  Result<std::vector<UniqueFd>> open_tcp() const;
  /// socket-mark-id, which accepted connections inherit.
  void mark(std::vector<UniqueFd> const& sockets) const;
  void listen_on(UniqueFd fd, bool unix_socket);
  void accept_all(int listening_fd, bool unix_socket);
  void admit(UniqueFd fd, bool unix_socket);
  /// How many connections there may be so that one from here is admitted: maxclients, and for an operator the reserve.
  size_t room_for(bool unix_socket, SocketAddress const& peer) const;
  static void refuse(int fd, std::string_view error);

  Services& services_;
  std::vector<std::unique_ptr<Worker>>& workers_;
  Sockets opened_;
  std::vector<std::unique_ptr<Listener>> listeners_;
};

}  // namespace holdfast
