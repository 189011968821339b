#include "server/acceptor.h"

#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "acl/users.h"
#include "base/check.h"
#include "command/client_card.h"
#include "command/statistics.h"
#include "command/worker_context.h"
#include "config/config.h"
#include "net/socket.h"
#include "net/socket_address.h"
#include "net/tls_context.h"
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
  Listener(Acceptor& acceptor, Socket socket, Kind kind) : acceptor_(acceptor), socket_(std::move(socket)), kind_(kind) {
    if (!loop().add(fd(), EPOLLIN, this)) acceptor_.services_.logger.warning("Cannot watch a listening socket");
  }
  ~Listener() { loop().remove(fd()); }
  void on_ready(uint32_t events) override {
    if (events & EPOLLHUP) return;  // others are about to take its place
    acceptor_.accept_all(fd(), kind_);
  }
  Kind kind() const { return kind_; }

 private:
  int fd() const { return socket_->get(); }
  EventLoop& loop() { return acceptor_.workers_[0]->loop(); }
  Acceptor& acceptor_;
  Socket socket_;
  Kind kind_;
};

Acceptor::Acceptor(Services& services, std::vector<std::unique_ptr<Worker>>& workers)
    : services_(services), workers_(workers) {}

Acceptor::~Acceptor() = default;

Result<std::vector<Acceptor::Socket>> Acceptor::open_tcp(Port port) const {
  auto const number =
      static_cast<uint16_t>(services_.config.integer(port == Port::kTls ? Directive::kTlsPort : Directive::kPort));
  std::vector<Socket> sockets;
  if (number == 0) return sockets;
  std::vector<std::string> addresses = services_.config.bind_addresses();
  auto opened = listen_tcp_all(addresses, number, static_cast<int>(services_.config.integer(Directive::kTcpBacklog)));
  if (!opened) return std::unexpected(opened.error());
  mark(*opened);
  for (UniqueFd& fd : *opened) sockets.push_back(std::make_shared<UniqueFd const>(std::move(fd)));
  return sockets;
}

Status Acceptor::open_all(Port port) {
  auto opened = open_tcp(port);
  bool const tls = port == Port::kTls;
  if (!opened) {
    services_.logger.warning("Warning: %s", opened.error().message.c_str());
    return fail("Failed listening on port " + services_.config.text(tls ? Directive::kTlsPort : Directive::kPort) +
                (tls ? " (TLS), aborting." : " (TCP), aborting."));
  }
  for (Socket const& socket : *opened) opened_.push_back({tls ? Kind::kTls : Kind::kPlain, socket});
  MutexLock lock(mutex_);
  sockets(port) = std::move(*opened);
  return {};
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
  for (Port const port : {Port::kPlain, Port::kTls}) {
    if (Status opened = open_all(port); !opened) return opened;
  }
  std::string path = services_.config.text(Directive::kUnixsocket);
  if (!path.empty()) {
    auto socket = listen_unix(path, static_cast<mode_t>(services_.config.integer(Directive::kUnixsocketperm)),
                              static_cast<int>(services_.config.integer(Directive::kTcpBacklog)));
    if (!socket) return fail("Failed opening Unix socket: " + socket.error().message, socket.error().errnum);
    opened_.push_back({Kind::kUnix, std::make_shared<UniqueFd const>(std::move(*socket))});
  }
  if (opened_.empty()) return fail("Configured to not listen anywhere, exiting.");
  return {};
}

void Acceptor::start() {
  for (Opened& opened : std::exchange(opened_, {})) listen_on(std::move(opened.socket), opened.kind);
}

void Acceptor::listen_on(Socket socket, Kind kind) {
  listeners_.push_back(std::make_unique<Listener>(*this, std::move(socket), kind));
}

Status Acceptor::reopen(Port port) {
  std::vector<Socket> old;
  {
    MutexLock lock(mutex_);
    old = sockets(port);
  }
  auto opened = open_tcp(port);
  if (!opened && opened.error().errnum == EADDRINUSE && !old.empty()) {
    // Perhaps it is we who have the addresses: our sockets stop listening, but keep them.
    for (Socket const& socket : old) shutdown(socket->get(), SHUT_RDWR);
    opened = open_tcp(port);
    if (!opened) {
      auto const backlog = static_cast<int>(services_.config.integer(Directive::kTcpBacklog));
      for (Socket const& socket : old) listen(socket->get(), backlog);
    }
  }
  if (!opened) {
    services_.logger.warning("Warning: %s", opened.error().message.c_str());
    return std::unexpected(opened.error());
  }
  {
    MutexLock lock(mutex_);
    sockets(port) = *opened;
  }
  // Nobody is let in by them any more, and somebody else may listen there. Listeners belong to worker 0.
  for (Socket const& socket : old) shutdown(socket->get(), SHUT_RDWR);
  Kind const kind = port == Port::kTls ? Kind::kTls : Kind::kPlain;
  workers_[0]->post([this, fresh = std::move(*opened), kind] {
    std::erase_if(listeners_, [kind](auto const& listener) { return listener->kind() == kind; });
    for (Socket const& socket : fresh) listen_on(socket, kind);
  });
  return {};
}

void Acceptor::close() {
  listeners_.clear();
  std::vector<Socket> unused_plain;  // closed after the lock
  std::vector<Socket> unused_tls;
  {
    MutexLock lock(mutex_);
    unused_plain.swap(plain_);
    unused_tls.swap(tls_);
  }
  std::string path = services_.config.text(Directive::kUnixsocket);
  if (!path.empty()) {
    services_.logger.notice("Removing the unix socket file.");
    unlink(path.c_str());
  }
}

void Acceptor::accept_all(int listening_fd, Kind kind) {
  for (int i = 0; i < kAcceptsPerEventMax; i++) {
    Result<UniqueFd> fd = accept_connection(listening_fd);
    if (!fd) {
      services_.logger.warning("Accepting client connection: %s", fd.error().message.c_str());
      return;
    }
    if (fd->get() < 0) return;
    admit(std::move(*fd), kind);
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

std::string_view Acceptor::protected_mode_refusal(Services& services, ClientCard const& card) {
  if (card.local || !services.config.flag(Directive::kProtectedMode)) return {};
  return services.users.default_user()->needs_no_password() ? kProtectedModeError : std::string_view{};
}

void Acceptor::admit(UniqueFd fd, Kind kind) {
  bool const unix_socket = kind == Kind::kUnix;
  bool const tls = kind == Kind::kTls;
  WorkerStatistics& statistics = workers_[0]->context().statistics;
  SocketAddress peer = SocketAddress::peer_of(fd.get());
  if (services_.clients.size() >= room_for(unix_socket, peer)) {
    statistics.connections_rejected.add(1);
    // A TLS port sends nothing that is not encrypted.
    if (!tls) refuse(fd.get(), "-ERR max number of clients reached\r\n");
    return;
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
  if (!tls) {
    if (std::string_view const refusal = protected_mode_refusal(services_, *card); !refusal.empty()) {
      statistics.connections_rejected.add(1);
      return refuse(fd.get(), refusal);
    }
  }
  if (!unix_socket) {
    (void)set_tcp_nodelay(fd.get());
    (void)set_keepalive(fd.get(), static_cast<int>(services_.config.integer(Directive::kTcpKeepalive)));
  }
  std::shared_ptr<TlsContext const> context = tls ? services_.tls->current() : nullptr;
  CHECK(!tls || context);  // who opens the port has loaded them
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
  if (chosen == workers_[0].get()) return chosen->adopt(std::move(fd), std::move(card), std::move(context));
  auto moved = std::make_shared<UniqueFd>(std::move(fd));
  chosen->post([chosen, moved, card, context] { chosen->adopt(std::move(*moved), card, context); });
}

}  // namespace holdfast
