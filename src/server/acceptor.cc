#include "server/acceptor.h"

#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "acl/users.h"
#include "command/client_card.h"
#include "command/statistics.h"
#include "command/worker_context.h"
#include "config/config.h"
#include "net/socket.h"
#include "net/socket_address.h"
#include "server/worker.h"

namespace holdfast {
namespace {

using config::Directive;

/// Connections accepted at one event of a listening socket.
constexpr int kAcceptsPerEventMax = 1000;

constexpr std::string_view kProtectedModeError =
    "-DENIED Redis is running in protected mode because protected mode is enabled and no password is set for the default "
    "user. In this mode connections are only accepted from the loopback interface. If you want to connect from external "
    "computers to Redis you may adopt one of the following solutions: 1) Just disable protected mode sending the command "
    "'CONFIG SET protected-mode no' from the loopback interface by connecting to Redis from the same host the server is "
    "running, however MAKE SURE Redis is not publicly accessible from internet if you do so. Use CONFIG REWRITE to make this "
    "change permanent. 2) Alternatively you can just disable the protected mode by editing the Redis configuration file, and "
    "setting the protected mode option to 'no', and then restarting the server. 3) If you started the server manually just "
    "for testing, restart it with the '--protected-mode no' option. 4) Setup a an authentication password for the default "
    "user. NOTE: You only need to do one of the above things in order for the server to start accepting connections from the "
    "outside.\r\n";

}  // namespace

/// One listening socket.
class Acceptor::Listener final : public EventLoop::Handler {
 public:
  Listener(Acceptor& acceptor, UniqueFd fd, bool unix_socket)
      : acceptor_(acceptor), fd_(std::move(fd)), unix_socket_(unix_socket) {
    if (!loop().add(fd_.get(), EPOLLIN, this)) acceptor_.services_.logger.warning("Cannot watch a listening socket");
  }
  ~Listener() { loop().remove(fd_.get()); }
  void on_ready(uint32_t) override { acceptor_.accept_all(fd_.get(), unix_socket_); }
  bool is_unix() const { return unix_socket_; }

 private:
  EventLoop& loop() { return acceptor_.workers_[0]->loop(); }
  Acceptor& acceptor_;
  UniqueFd fd_;
  bool unix_socket_;
};

Acceptor::Acceptor(Services& services, std::vector<std::unique_ptr<Worker>>& workers)
    : services_(services), workers_(workers) {}

Acceptor::~Acceptor() = default;

Result<std::vector<UniqueFd>> Acceptor::open_tcp() const {
  auto port = static_cast<uint16_t>(services_.config.integer(Directive::kPort));
  if (port == 0) return std::vector<UniqueFd>{};
  std::vector<std::string> addresses = services_.config.bind_addresses();
  auto sockets = listen_tcp_all(addresses, port, static_cast<int>(services_.config.integer(Directive::kTcpBacklog)));
  if (sockets) mark(*sockets);
  return sockets;
}

void Acceptor::mark(std::vector<UniqueFd> const& sockets) const {
  auto const id = static_cast<uint32_t>(services_.config.integer(Directive::kSocketMarkId));
  if (id == 0) return;
  for (UniqueFd const& fd : sockets) {
    if (setsockopt(fd.get(), SOL_SOCKET, SO_MARK, &id, sizeof id) == 0) continue;
    services_.logger.warning("Unable to set the mark of a socket: %s", std::strerror(errno));
  }
}

Status Acceptor::open() {
  auto tcp = open_tcp();
  if (!tcp) return std::unexpected(tcp.error());
  opened_.tcp = std::move(*tcp);
  std::string path = services_.config.text(Directive::kUnixsocket);
  if (!path.empty()) {
    auto socket = listen_unix(path, static_cast<mode_t>(services_.config.integer(Directive::kUnixsocketperm)),
                              static_cast<int>(services_.config.integer(Directive::kTcpBacklog)));
    if (!socket) return fail("Failed opening Unix socket: " + socket.error().message, socket.error().errnum);
    opened_.unix_socket = std::move(*socket);
  }
  if (opened_.tcp.empty() && opened_.unix_socket.get() < 0) return fail("Configured to not listen anywhere, exiting.");
  return {};
}

void Acceptor::start() {
  for (UniqueFd& fd : opened_.tcp) listen_on(std::move(fd), false);
  opened_.tcp.clear();
  if (opened_.unix_socket.get() >= 0) listen_on(std::move(opened_.unix_socket), true);
}

void Acceptor::listen_on(UniqueFd fd, bool unix_socket) {
  listeners_.push_back(std::make_unique<Listener>(*this, std::move(fd), unix_socket));
}

Status Acceptor::reopen() {
  auto tcp = open_tcp();
  if (!tcp) return std::unexpected(tcp.error());
  // Listeners belong to worker 0; the sockets wait in a shared place until it takes them over.
  auto fresh = std::make_shared<std::vector<UniqueFd>>(std::move(*tcp));
  workers_[0]->post([this, fresh] {
    std::erase_if(listeners_, [](auto const& listener) { return !listener->is_unix(); });
    for (UniqueFd& fd : *fresh) listen_on(std::move(fd), false);
  });
  return {};
}

void Acceptor::close() {
  listeners_.clear();
  std::string path = services_.config.text(Directive::kUnixsocket);
  if (!path.empty()) {
    services_.logger.notice("Removing the unix socket file.");
    unlink(path.c_str());
  }
}

void Acceptor::accept_all(int listening_fd, bool unix_socket) {
  for (int i = 0; i < kAcceptsPerEventMax; i++) {
    Result<UniqueFd> fd = accept_connection(listening_fd);
    if (!fd) {
      services_.logger.warning("Accepting client connection: %s", fd.error().message.c_str());
      return;
    }
    if (fd->get() < 0) return;
    admit(std::move(*fd), unix_socket);
  }
}

size_t Acceptor::room_for(bool unix_socket, SocketAddress const& peer) const {
  config::Config const& config = services_.config;
  auto const all = static_cast<size_t>(config.integer(Directive::kMaxclients));
  bool const loopback = config.choice<config::MaxclientsReservedFor>(Directive::kMaxclientsReservedFor) ==
                        config::MaxclientsReservedFor::kLoopback;
  bool const reserved = unix_socket || (loopback && peer.is_loopback());
  return reserved ? all + static_cast<size_t>(config.integer(Directive::kMaxclientsReserved)) : all;
}

void Acceptor::refuse(int fd, std::string_view error) {
  // Best effort: the client may not read it.
  [[maybe_unused]] ssize_t sent = send(fd, error.data(), error.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
}

void Acceptor::admit(UniqueFd fd, bool unix_socket) {
  WorkerStatistics& statistics = workers_[0]->context().statistics;
  SocketAddress peer = SocketAddress::peer_of(fd.get());
  if (services_.clients.size() >= room_for(unix_socket, peer)) {
    statistics.connections_rejected.add(1);
    return refuse(fd.get(), "-ERR max number of clients reached\r\n");
  }
  auto card = std::make_shared<ClientCard>();
  if (unix_socket) {
    card->address = card->local_address = services_.config.text(Directive::kUnixsocket) + ":0";
  } else {
    card->address = peer.text();
    card->local_address = SocketAddress::local_of(fd.get()).text();
  }
  card->unix_socket = unix_socket;
  card->local = unix_socket || peer.is_loopback();
  bool const open_to_all = services_.users.default_user()->needs_no_password();
  if (services_.config.flag(Directive::kProtectedMode) && open_to_all && !card->local) {
    statistics.connections_rejected.add(1);
    return refuse(fd.get(), kProtectedModeError);
  }
  if (!unix_socket) {
    (void)set_tcp_nodelay(fd.get());
    (void)set_keepalive(fd.get(), static_cast<int>(services_.config.integer(Directive::kTcpKeepalive)));
  }
  card->fd = fd.get();
  card->created_ms = services_.clock.unix_ms();
  card->last_interaction_ms.store(card->created_ms, std::memory_order_relaxed);
  Worker* chosen = workers_[0].get();
  for (auto const& worker : workers_) {
    if (worker->assigned < chosen->assigned) chosen = worker.get();
  }
  chosen->assigned++;
  card->worker = chosen->index();
  services_.clients.add(card);  // from here on others see the card
  services_.logger.verbose("Accepted %s", card->address.c_str());
  if (chosen == workers_[0].get()) return chosen->adopt(std::move(fd), std::move(card));
  auto moved = std::make_shared<UniqueFd>(std::move(fd));
  chosen->post([chosen, moved, card] { chosen->adopt(std::move(*moved), card); });
}

}  // namespace holdfast
