#include "net/tls_stream.h"

#include <gtest/gtest.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <string>

#include "net/tls_memory.h"
#include "net/unique_fd.h"

namespace holdfast {
namespace {

// Before main, so before anything uses OpenSSL.
bool const counted = count_tls_memory();

using Side = TlsStream::Side;
using Handshake = TlsStream::Handshake;

struct Closer {
  void operator()(FILE* file) const { std::fclose(file); }
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
  void operator()(X509* certificate) const { X509_free(certificate); }
};

/// A key and a certificate that it has signed itself, as files.
class SelfSigned {
 public:
  explicit SelfSigned(std::string const& name) {
    std::array<char, 64> folder{"/tmp/holdfast-tls-XXXXXX"};
    folder_ = mkdtemp(folder.data());
    std::unique_ptr<EVP_PKEY, Closer> const key(EVP_EC_gen("P-256"));
    std::unique_ptr<X509, Closer> const made(X509_new());
    X509_set_version(made.get(), 2);
    ASN1_INTEGER_set(X509_get_serialNumber(made.get()), 1);
    X509_gmtime_adj(X509_getm_notBefore(made.get()), -3600);
    X509_gmtime_adj(X509_getm_notAfter(made.get()), 3600);
    X509_set_pubkey(made.get(), key.get());
    X509_NAME* subject = X509_get_subject_name(made.get());
    X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, reinterpret_cast<unsigned char const*>(name.c_str()), -1, -1, 0);
    X509_set_issuer_name(made.get(), subject);
    X509_sign(made.get(), key.get(), EVP_sha256());
    std::unique_ptr<FILE, Closer> const key_file(std::fopen(this->key().c_str(), "w"));
    PEM_write_PrivateKey(key_file.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr);
    std::unique_ptr<FILE, Closer> const file(std::fopen(certificate().c_str(), "w"));
    PEM_write_X509(file.get(), made.get());
  }
  ~SelfSigned() { std::filesystem::remove_all(folder_); }

  std::string key() const { return folder_ + "/key"; }
  std::string certificate() const { return folder_ + "/certificate"; }
  TlsSettings settings() const { return {.cert_file = certificate(), .key_file = key(), .ca_cert_file = certificate()}; }

 private:
  std::string folder_;
};

std::shared_ptr<TlsContext const> context_of(TlsSettings const& settings) {
  auto made = TlsContext::make(settings);
  EXPECT_TRUE(made.has_value()) << made.error().message;
  return *made;
}

/// Two streams with sockets between them.
struct Pair {
  explicit Pair(Side side = Side::kAccepting) {
    int fds[2];
    EXPECT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
    near_fd.reset(fds[0]);
    far_fd.reset(fds[1]);
    near = std::make_unique<TlsStream>(context, fds[0], side);
    far = std::make_unique<TlsStream>(context, fds[1], Side::kConnecting);
  }
  void meet() {
    Handshake first = Handshake::kMore;
    Handshake second = Handshake::kMore;
    for (int i = 0; i < 100 && (first != Handshake::kDone || second != Handshake::kDone); i++) {
      if (second == Handshake::kMore) second = far->shake_hands();
      if (first == Handshake::kMore) first = near->shake_hands();
    }
    EXPECT_EQ(first, Handshake::kDone) << near->error();
    EXPECT_EQ(second, Handshake::kDone) << far->error();
  }

  SelfSigned files{"pair"};
  std::shared_ptr<TlsContext const> context = context_of(files.settings());
  UniqueFd near_fd;
  UniqueFd far_fd;
  std::unique_ptr<TlsStream> near;
  std::unique_ptr<TlsStream> far;
};

/// Everything that can be read now, with at most `room` bytes asked for at once.
std::string read_all(TlsStream& stream, size_t room) {
  std::string all;
  std::string piece(room, '\0');
  while (true) {
    ssize_t const got = stream.read(piece.data(), room);
    if (got <= 0) return all;
    all.append(piece.data(), static_cast<size_t>(got));
    if (!stream.has_input()) return all;
  }
}

std::string numbered(size_t size) {
  std::string text;
  for (size_t i = 0; text.size() < size; i++) text += std::to_string(i) + ",";
  text.resize(size);
  return text;
}

TEST(TlsStreamTest, bytes_arrive_as_they_were_sent) {
  Pair pair;
  pair.meet();
  ASSERT_TRUE(pair.far->send("hello"));
  std::array<char, 100> room;
  ASSERT_EQ(pair.near->read(room.data(), room.size()), 5);
  EXPECT_EQ(std::string(room.data(), 5), "hello");
  EXPECT_FALSE(pair.near->has_input());
  EXPECT_EQ(pair.near->read(room.data(), room.size()), -1);
  EXPECT_EQ(errno, EAGAIN);
}

TEST(TlsStreamTest, what_openssl_takes_is_counted) {
  ASSERT_TRUE(counted);
  Pair pair;
  EXPECT_GT(pair.near->memory_bytes(), sizeof(TlsStream) + 1000);
  pair.meet();
  std::array<char, 100> room;
  EXPECT_EQ(pair.near->read(room.data(), room.size()), -1);
  size_t const idle = pair.near->memory_bytes();
  // Half a record is kept in the buffer of OpenSSL until the rest comes.
  ASSERT_TRUE(pair.far->send(numbered(10'000)));
  std::string record(20'000, '\0');
  ssize_t const size = recv(pair.near_fd.get(), record.data(), record.size(), 0);
  ASSERT_GT(size, 10'000);
  ASSERT_EQ(send(pair.far_fd.get(), record.data(), 5000, 0), 5000);
  EXPECT_EQ(pair.near->read(room.data(), room.size()), -1);
  EXPECT_GT(pair.near->memory_bytes(), idle + 16'000);
  ASSERT_EQ(send(pair.far_fd.get(), record.data() + 5000, static_cast<size_t>(size) - 5000, 0), size - 5000);
  EXPECT_EQ(read_all(*pair.near, 20'000), numbered(10'000));
  EXPECT_EQ(pair.near->read(room.data(), room.size()), -1);
  EXPECT_LT(pair.near->memory_bytes(), idle + 1000) << "an idle connection keeps no buffers";
}

TEST(TlsStreamTest, a_reader_with_little_room_is_told_that_there_is_more) {
  Pair pair;
  pair.meet();
  std::string const text = numbered(40'000);  // three records, sent at once
  ASSERT_TRUE(pair.far->send(text));
  std::array<char, 1000> room;
  ASSERT_EQ(pair.near->read(room.data(), room.size()), 1000);
  EXPECT_TRUE(pair.near->has_input()) << "the socket may have nothing more to read";
  std::string rest(room.data(), 1000);
  for (int i = 0; i < 1000 && rest.size() < text.size(); i++) rest += read_all(*pair.near, 777);
  EXPECT_EQ(rest, text);
}

TEST(TlsStreamTest, half_a_record_is_no_input) {
  Pair pair;
  pair.meet();
  // The record is caught on its way and handed on in two parts.
  ASSERT_TRUE(pair.far->send("hello"));
  std::string record(1000, '\0');
  ssize_t const size = recv(pair.near_fd.get(), record.data(), record.size(), 0);
  ASSERT_GT(size, 10);
  ASSERT_EQ(send(pair.far_fd.get(), record.data(), 10, 0), 10);
  std::array<char, 100> room;
  EXPECT_EQ(pair.near->read(room.data(), room.size()), -1);
  EXPECT_EQ(errno, EAGAIN);
  EXPECT_FALSE(pair.near->has_input()) << "asking again and again would not help";
  ASSERT_EQ(send(pair.far_fd.get(), record.data() + 10, static_cast<size_t>(size) - 10, 0), size - 10);
  EXPECT_EQ(pair.near->read(room.data(), room.size()), 5);
}

TEST(TlsStreamTest, output_of_many_pieces_and_a_full_socket) {
  Pair pair;
  pair.meet();
  int const small = 4096;
  setsockopt(pair.near_fd.get(), SOL_SOCKET, SO_SNDBUF, &small, sizeof small);
  OutputBuffer out;
  std::string expected;
  std::string const large = numbered(100'000);
  auto const shared = SharedBuffer::copy_of(large);
  for (int i = 0; i < 30; i++) {
    std::string const word = numbered(static_cast<size_t>(i) * 37 + 1);
    out.append(word);
    out.append_shared(shared);
    expected += word + large;
  }
  std::string received;
  int rounds = 0;
  while (received.size() < expected.size() && rounds++ < 100'000) {
    auto const sent = pair.near->send(out, 256 * 1024);
    ASSERT_TRUE(sent.has_value()) << sent.error().message;
    EXPECT_LE(pair.near->unsent(), TlsStream::kBatchBytes + TlsStream::kRecordBytesMax);
    received += read_all(*pair.far, 16 * 1024);
  }
  EXPECT_EQ(received, expected);
  EXPECT_GT(rounds, 30) << "the socket was never full";
  EXPECT_TRUE(out.empty());
  EXPECT_EQ(pair.near->unsent(), 0U);
}

TEST(TlsStreamTest, who_sends_without_end_does_not_hold_us) {
  Pair pair;
  pair.meet();
  std::string const text = numbered(100'000);
  ASSERT_TRUE(pair.far->send(text));
  std::string room(1'000'000, '\0');
  ssize_t const got = pair.near->read(room.data(), room.size());
  ASSERT_GT(got, 0);
  EXPECT_LE(static_cast<size_t>(got), TlsStream::kReadBytesMax + 2 * TlsStream::kRecordBytesMax);
  std::string received(room.data(), static_cast<size_t>(got));
  for (int i = 0; i < 10 && received.size() < text.size(); i++) received += read_all(*pair.near, room.size());
  EXPECT_EQ(received, text);
}

TEST(TlsStreamTest, who_does_not_listen_cannot_make_us_keep_without_end) {
  Pair pair;
  pair.meet();
  std::string const text(64 * 1024, 'x');
  Status sent;
  size_t rounds = 0;
  while (sent && rounds < 1000) {
    sent = pair.near->send(text);
    rounds++;
  }
  EXPECT_FALSE(sent.has_value());
  EXPECT_LE(pair.near->unsent(), TlsStream::kUnsentBytesMax + 2 * TlsStream::kRecordBytesMax);
}

TEST(TlsStreamTest, no_more_is_taken_than_allowed) {
  Pair pair;
  pair.meet();
  OutputBuffer out;
  out.append(numbered(20'000));
  auto const sent = pair.near->send(out, 18'000);
  ASSERT_TRUE(sent.has_value());
  EXPECT_EQ(*sent, 18'000U);
  EXPECT_EQ(out.size(), 2'000U);
}

TEST(TlsStreamTest, what_is_not_complete_is_not_sent) {
  Pair pair;
  pair.meet();
  OutputBuffer out;
  out.append("before");
  size_t const hole = out.open_hole();
  out.append("after");
  auto sent = pair.near->send(out, 1000);
  ASSERT_TRUE(sent.has_value());
  EXPECT_EQ(*sent, 6U);
  out.close_hole(hole, "-");
  sent = pair.near->send(out, 1000);
  ASSERT_TRUE(sent.has_value());
  EXPECT_EQ(read_all(*pair.far, 100), "before-after");
}

TEST(TlsStreamTest, the_end_of_the_stream_is_not_the_end_of_the_connection) {
  Pair pair;
  pair.meet();
  ASSERT_TRUE(pair.far->send("last"));
  pair.far->say_goodbye();
  std::array<char, 100> room;
  EXPECT_EQ(pair.near->read(room.data(), room.size()), 4);
  EXPECT_TRUE(pair.near->has_input());
  EXPECT_EQ(pair.near->read(room.data(), room.size()), 0);
  ASSERT_TRUE(pair.near->send("answer")) << "the other direction stays";
  EXPECT_EQ(read_all(*pair.far, 100), "answer");
}

TEST(TlsStreamTest, a_connection_that_ends_without_the_end_of_the_stream_is_an_error) {
  Pair pair;
  pair.meet();
  shutdown(pair.far_fd.get(), SHUT_RDWR);
  std::array<char, 100> room;
  EXPECT_EQ(pair.near->read(room.data(), room.size()), -1);
  EXPECT_EQ(errno, EPROTO);
  EXPECT_EQ(pair.near->error(), "error:0A000126:SSL routines::unexpected eof while reading");
  EXPECT_FALSE(pair.near->send("x").has_value());
}

TEST(TlsStreamTest, plain_text_fails_the_handshake_and_is_answered_by_an_alert) {
  Pair pair;
  ASSERT_EQ(send(pair.far_fd.get(), "PING\r\n", 6, 0), 6);
  EXPECT_EQ(pair.near->shake_hands(), Handshake::kFailed);
  EXPECT_EQ(pair.near->error(), "error:0A00010B:SSL routines::wrong version number");
  pair.near->say_goodbye();
  std::array<unsigned char, 100> answer;
  ssize_t const got = recv(pair.far_fd.get(), answer.data(), answer.size(), 0);
  EXPECT_TRUE(got <= 0 || answer[0] == 21) << "only an alert may be sent";
}

TEST(TlsStreamTest, whom_we_do_not_trust_is_refused_unless_anybody_may_come) {
  SelfSigned const stranger("stranger");
  for (Side const side : {Side::kAccepting, Side::kAcceptingWithOptional, Side::kAcceptingAnybody}) {
    Pair pair(side);
    TlsSettings settings = stranger.settings();
    settings.ca_cert_file = pair.files.certificate();  // trusts us
    pair.far = std::make_unique<TlsStream>(context_of(settings), pair.far_fd.get(), Side::kConnecting);
    Handshake state = Handshake::kMore;
    for (int i = 0; i < 20 && state == Handshake::kMore; i++) {
      static_cast<void>(pair.far->shake_hands());
      state = pair.near->shake_hands();
    }
    EXPECT_EQ(state, side == Side::kAcceptingAnybody ? Handshake::kDone : Handshake::kFailed) << static_cast<int>(side);
  }
}

TEST(TlsStreamTest, whom_we_connect_to_must_be_trusted) {
  SelfSigned const stranger("stranger");
  Pair pair(Side::kAcceptingAnybody);
  TlsSettings settings = stranger.settings();
  pair.far = std::make_unique<TlsStream>(context_of(settings), pair.far_fd.get(), Side::kConnecting);
  Handshake state = Handshake::kMore;
  for (int i = 0; i < 20 && state == Handshake::kMore; i++) {
    state = pair.far->shake_hands();
    static_cast<void>(pair.near->shake_hands());
  }
  EXPECT_EQ(state, Handshake::kFailed);
  EXPECT_EQ(pair.far->error(), "error:0A000086:SSL routines::certificate verify failed");
}

TEST(TlsContextsTest, a_bad_file_leaves_the_old_context_in_force) {
  SelfSigned const files("files");
  TlsContexts contexts;
  EXPECT_EQ(contexts.current(), nullptr);
  ASSERT_TRUE(contexts.renew(files.settings()));
  auto const first = contexts.current();
  TlsSettings bad = files.settings();
  bad.cert_file = "/absent";
  auto const refused = contexts.renew(bad);
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().message,
            "Failed to load certificate: /absent: error:80000002:system library::No such file or directory");
  EXPECT_EQ(contexts.current(), first);
  ASSERT_TRUE(contexts.renew(files.settings()));
  EXPECT_NE(contexts.current(), first);
}

TEST(TlsContextsTest, the_words_of_protocols) {
  SelfSigned const files("files");
  for (auto const& [words, good] : {std::pair{"", true}, {"TLSv1.2", true}, {"tlsV1.3 TLSv1.2", true}, {"TLSv1 TLSv1.1", true},
                                    {"TLSv1.4", false}, {" ", false}, {"TLSv1.2 ", false}, {"TLSv1.2  TLSv1.3", false}}) {
    TlsSettings settings = files.settings();
    settings.protocols = words;
    EXPECT_EQ(TlsContext::make(settings).has_value(), good) << words;
  }
}

}  // namespace
}  // namespace holdfast
