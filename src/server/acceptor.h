#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/mutex.h"
#include "base/result.h"
#include "command/services.h"
#include "net/event_loop.h"
#include "net/unique_fd.h"

namespace holdfast {

class SocketAddress;
class Worker;
struct ClientCard;

/// Listens, accepts, refuses (maxclients, protected mode), and gives each connection to the worker that has the fewest.
/// Works on the loop of worker 0.
class Acceptor {
 public:
  Acceptor(Services& services, std::vector<std::unique_ptr<Worker>>& workers);
  ~Acceptor();

  /// Opens the sockets of the configuration (TCP, TLS and Unix). The error is the last line for the log.
  Status open();
  /// Begins to accept; on the thread of worker 0.
  void start();
  enum class Port : uint8_t { kPlain, kTls };
  /// Listens anew on the addresses of `bind` after CONFIG SET; when that fails, the old sockets go on. Any thread, one at a
  /// time.
  Status reopen(Port port);
  void close();
  /// What a client is told that protected mode keeps out; empty: it is let in.
  static std::string_view protected_mode_refusal(Services& services, ClientCard const& card);

 private:
  class Listener;
  enum class Kind : uint8_t { kPlain, kTls, kUnix };
  using Socket = std::shared_ptr<UniqueFd const>;
  struct Opened {
    Kind kind;
    Socket socket;
  };

  Result<std::vector<Socket>> open_tcp(Port port) const;
  Status open_all(Port port);
  void listen_on(Socket socket, Kind kind);
  std::vector<Socket>& sockets(Port port) REQUIRES(mutex_) { return port == Port::kTls ? tls_ : plain_; }
  void accept_all(int listening_fd, Kind kind);
  void admit(UniqueFd fd, Kind kind);
  /// socket-mark-id, which accepted connections inherit.
  void mark(std::vector<UniqueFd> const& sockets) const;
  /// How many connections there may be so that one from here is admitted: maxclients, and for an operator the reserve.
  size_t room_for(bool unix_socket, SocketAddress const& peer) const;
  static void refuse(int fd, std::string_view error);

  Services& services_;
  std::vector<std::unique_ptr<Worker>>& workers_;
  std::vector<Opened> opened_;  // before the start
  std::vector<std::unique_ptr<Listener>> listeners_;
  Mutex mutex_;
  /// What listens, or is on its way to worker 0.
  std::vector<Socket> plain_ GUARDED_BY(mutex_);
  std::vector<Socket> tls_ GUARDED_BY(mutex_);
};

}  // namespace holdfast
