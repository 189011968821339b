#include "net/socket.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <random>
#include <string>
#include <thread>

#include "net/send_output.h"
#include "net/socket_address.h"

namespace holdfast {
namespace {

bool wait_for(int fd, short events) {
  pollfd item{.fd = fd, .events = events, .revents = 0};
  return ::poll(&item, 1, 60'000) == 1;
}

struct Connection {
  UniqueFd client;
  UniqueFd server;
};

Connection connect_through(int listening, Result<UniqueFd> client) {
  EXPECT_TRUE(client);
  EXPECT_TRUE(wait_for(client->get(), POLLOUT));
  EXPECT_TRUE(connect_result(client->get()));
  EXPECT_TRUE(wait_for(listening, POLLIN));
  auto server = accept_connection(listening);
  EXPECT_TRUE(server);
  EXPECT_TRUE(server->valid());
  return {std::move(*client), std::move(*server)};
}

uint16_t port_of(UniqueFd const& fd) { return SocketAddress::local_of(fd.get()).port(); }

int option(int fd, int level, int name) {
  int value = -1;
  socklen_t length = sizeof value;
  EXPECT_EQ(::getsockopt(fd, level, name, &value, &length), 0);
  return value;
}

bool has_ipv6() {
  auto probe = listen_tcp("::1", 0, 1);
  return probe.has_value();
}

TEST(Socket, ListensAcceptsAndConnectsOnIPv4) {
  auto listening = listen_tcp("127.0.0.1", 0, 16);
  ASSERT_TRUE(listening);
  auto none = accept_connection(listening->get());
  ASSERT_TRUE(none);
  EXPECT_FALSE(none->valid());

  uint16_t port = port_of(*listening);
  Connection c = connect_through(listening->get(), connect_tcp("127.0.0.1", port));
  SocketAddress peer = SocketAddress::peer_of(c.server.get());
  EXPECT_EQ(peer.text(), "127.0.0.1:" + std::to_string(port_of(c.client)));
  EXPECT_EQ(peer.ip(), "127.0.0.1");
  EXPECT_TRUE(peer.is_loopback());
  EXPECT_FALSE(peer.is_unix());
  EXPECT_EQ(SocketAddress::local_of(c.server.get()).text(), "127.0.0.1:" + std::to_string(port));
  EXPECT_TRUE(::fcntl(c.server.get(), F_GETFL) & O_NONBLOCK);
  EXPECT_TRUE(::fcntl(c.server.get(), F_GETFD) & FD_CLOEXEC);
}

TEST(Socket, ConnectsFromAChosenSource) {
  auto listening = listen_tcp("*", 0, 16);
  ASSERT_TRUE(listening);
  Connection c = connect_through(listening->get(), connect_tcp("127.0.0.1", port_of(*listening), "127.0.0.2"));
  EXPECT_EQ(SocketAddress::peer_of(c.server.get()).ip(), "127.0.0.2");
  EXPECT_TRUE(SocketAddress::peer_of(c.server.get()).is_loopback());
}

TEST(Socket, IPv6AddressesAreBracketedAndDoNotTakeIPv4) {
  if (!has_ipv6()) GTEST_SKIP() << "no IPv6 here";
  auto listening = listen_tcp("::*", 0, 16);
  ASSERT_TRUE(listening);
  uint16_t port = port_of(*listening);
  Connection c = connect_through(listening->get(), connect_tcp("::1", port));
  EXPECT_EQ(SocketAddress::peer_of(c.server.get()).text(), "[::1]:" + std::to_string(port_of(c.client)));
  EXPECT_TRUE(SocketAddress::peer_of(c.server.get()).is_loopback());
  EXPECT_EQ(option(listening->get(), IPPROTO_IPV6, IPV6_V6ONLY), 1);
  EXPECT_TRUE(listen_tcp("*", port, 16)) << "the IPv4 port must be free";
}

TEST(Socket, FailsWithTheCallAndTheReason) {
  auto first = listen_tcp("127.0.0.1", 0, 16);
  ASSERT_TRUE(first);
  uint16_t port = port_of(*first);
  auto second = listen_tcp("127.0.0.1", port, 16);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().message, "bind: Address already in use");
  EXPECT_EQ(second.error().errnum, EADDRINUSE);

  std::string const bind[] = {"127.0.0.2", "127.0.0.1"};
  auto all = listen_tcp_all(bind, port, 16);
  ASSERT_FALSE(all);
  EXPECT_EQ(all.error().message, "Could not create server TCP listening socket 127.0.0.1:" + std::to_string(port) +
                                     ": bind: Address already in use");
  EXPECT_TRUE(listen_tcp("127.0.0.2", port, 16)) << "what was opened before the failure must be closed";

  std::string const optional[] = {"-127.0.0.1"};
  EXPECT_FALSE(listen_tcp_all(optional, port, 16)) << "in use is not unavailable";
}

TEST(Socket, OptionalAddressesMayBeUnavailable) {
  // 192.0.2.0/24 is reserved for documentation: no machine has it.
  std::string const with_optional[] = {"127.0.0.1", "-192.0.2.1"};
  auto sockets = listen_tcp_all(with_optional, 0, 16);
  ASSERT_TRUE(sockets);
  EXPECT_EQ(sockets->size(), 1u);

  std::string const needed[] = {"127.0.0.1", "192.0.2.1"};
  sockets = listen_tcp_all(needed, 0, 16);
  ASSERT_FALSE(sockets);
  EXPECT_EQ(sockets.error().message,
            "Could not create server TCP listening socket 192.0.2.1:0: bind: Cannot assign requested address");
  EXPECT_TRUE(listen_tcp_all({}, 0, 16)->empty());
}

TEST(Socket, AFailedConnectionIsTold) {
  uint16_t port;
  {
    auto listening = listen_tcp("127.0.0.1", 0, 16);
    ASSERT_TRUE(listening);
    port = port_of(*listening);
  }
  auto client = connect_tcp("127.0.0.1", port);
  if (client) {
    ASSERT_TRUE(wait_for(client->get(), POLLOUT));
    auto result = connect_result(client->get());
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().message, "connect: Connection refused");
  } else {
    EXPECT_EQ(client.error().message, "connect: Connection refused");
  }
}

class UnixSocket : public testing::Test {
 protected:
  UnixSocket() {
    char name[] = "/tmp/holdfast-net-XXXXXX";
    folder_ = ::mkdtemp(name);
  }
  ~UnixSocket() override { std::filesystem::remove_all(folder_); }
  std::string folder_;
};

TEST_F(UnixSocket, ListensWithPermissionsAndReplacesAnOldFile) {
  std::string path = folder_ + "/s.sock";
  { ASSERT_TRUE(listen_unix(path, 0, 16)); }
  auto listening = listen_unix(path, 0640, 16);
  ASSERT_TRUE(listening) << listening.error().message;
  struct stat info;
  ASSERT_EQ(::stat(path.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0640u);

  Connection c = connect_through(listening->get(), connect_unix(path));
  for (SocketAddress address : {SocketAddress::peer_of(c.server.get()), SocketAddress::local_of(c.server.get())}) {
    EXPECT_EQ(address.text(), path + ":0");
    EXPECT_TRUE(address.is_unix());
    EXPECT_TRUE(address.is_loopback());
  }
}

TEST_F(UnixSocket, Failures) {
  auto missing = listen_unix(folder_ + "/none/s.sock", 0, 16);
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().message, "bind: No such file or directory");
  auto longer = listen_unix(folder_ + "/" + std::string(200, 'n'), 0, 16);
  ASSERT_FALSE(longer);
  EXPECT_EQ(longer.error().message, "bind: File name too long");
  auto absent = connect_unix(folder_ + "/absent");
  ASSERT_FALSE(absent);
  EXPECT_EQ(absent.error().message, "connect: No such file or directory");
}

TEST(Socket, Options) {
  auto listening = listen_tcp("127.0.0.1", 0, 16);
  ASSERT_TRUE(listening);
  Connection c = connect_through(listening->get(), connect_tcp("127.0.0.1", port_of(*listening)));
  int fd = c.server.get();
  EXPECT_EQ(option(fd, IPPROTO_TCP, TCP_NODELAY), 0);
  EXPECT_TRUE(set_tcp_nodelay(fd));
  EXPECT_EQ(option(fd, IPPROTO_TCP, TCP_NODELAY), 1);

  EXPECT_TRUE(set_keepalive(fd, 300));
  EXPECT_EQ(option(fd, SOL_SOCKET, SO_KEEPALIVE), 1);
  EXPECT_EQ(option(fd, IPPROTO_TCP, TCP_KEEPIDLE), 300);
  EXPECT_EQ(option(fd, IPPROTO_TCP, TCP_KEEPINTVL), 100);
  EXPECT_EQ(option(fd, IPPROTO_TCP, TCP_KEEPCNT), 3);
  EXPECT_TRUE(set_keepalive(fd, 1));
  EXPECT_EQ(option(fd, IPPROTO_TCP, TCP_KEEPINTVL), 1);
  EXPECT_TRUE(set_keepalive(fd, 2'000'000'000));
  EXPECT_TRUE(set_keepalive(fd, 0));
  EXPECT_EQ(option(fd, SOL_SOCKET, SO_KEEPALIVE), 0);
}

TEST(SocketAddress, UnknownWhenThereIsNoSocket) {
  SocketAddress address = SocketAddress::peer_of(-1);
  EXPECT_FALSE(address.known());
  EXPECT_FALSE(address.is_loopback());
  EXPECT_EQ(address.text(), "?:0");
  auto listening = listen_tcp("127.0.0.1", 0, 1);
  ASSERT_TRUE(listening);
  EXPECT_EQ(SocketAddress::peer_of(listening->get()).text(), "?:0") << "a listening socket has no peer";
}

struct SocketPair {
  SocketPair() {
    int fds[2];
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds), 0);
    ours.reset(fds[0]);
    theirs.reset(fds[1]);
  }
  UniqueFd ours;
  UniqueFd theirs;
};

std::string read_available(int fd) {
  std::string text;
  char buffer[65536];
  ssize_t got;
  while ((got = ::read(fd, buffer, sizeof buffer)) > 0) text.append(buffer, static_cast<size_t>(got));
  return text;
}

TEST(SendOutput, SendsUpToTheBound) {
  SocketPair pair;
  OutputBuffer out;
  out.append("0123456789");
  EXPECT_EQ(send_output(pair.ours.get(), out, 4).value(), 4u);
  EXPECT_EQ(read_available(pair.theirs.get()), "0123");
  EXPECT_EQ(out.size(), 6u);
  EXPECT_EQ(send_output(pair.ours.get(), out, 0).value(), 0u);
  EXPECT_EQ(send_output(pair.ours.get(), out, 100).value(), 6u);
  EXPECT_EQ(read_available(pair.theirs.get()), "456789");
  EXPECT_EQ(out.footprint(), 0u);
  EXPECT_EQ(send_output(pair.ours.get(), out, 100).value(), 0u);
}

TEST(SendOutput, AFullSocketTakesAPartAndTheRestLater) {
  SocketPair pair;
  OutputBuffer out;
  std::string expected;
  std::mt19937 random(3);
  for (int i = 0; i < 400; i++) {
    std::string piece(random() % 40'000, static_cast<char>('a' + i % 26));
    expected += piece;
    out.append_shared(SharedBuffer::copy_of(piece));
  }
  EXPECT_LT(send_output(pair.ours.get(), out, expected.size()).value(), expected.size());
  EXPECT_EQ(send_output(pair.ours.get(), out, expected.size()).value(), 0u) << "still full";
  std::string received;
  while (received.size() < expected.size()) {
    std::string part = read_available(pair.theirs.get());
    received += part;
    auto sent = send_output(pair.ours.get(), out, 100'000);
    ASSERT_TRUE(sent);
    ASSERT_TRUE(!part.empty() || *sent > 0) << "no progress";
  }
  EXPECT_EQ(received, expected);
  EXPECT_TRUE(out.empty());
}

TEST(SendOutput, AClosedPeerIsAnErrorAndNoSignal) {
  SocketPair pair;
  pair.theirs.reset();
  OutputBuffer out;
  out.append("x");
  auto sent = send_output(pair.ours.get(), out, 100);
  ASSERT_FALSE(sent);
  EXPECT_EQ(sent.error().errnum, EPIPE);
}

}  // namespace
}  // namespace holdfast
