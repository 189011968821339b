// The load generator of bench/compare: many connections, closed loop, each with `pipeline` commands on the way.
//
//   load <port> <connections> <pipeline> <requests> <keys> <word>...
//
// In every word the text "{n}" is replaced by twelve random digits below `keys`, anew for each command. A word ";" ends a
// command; several are one request (MULTI ; SET ... ; EXEC). Prints the requests per second. Ends with 1 when the server
// answers an error.
//
// Why not redis-benchmark: with pipeline 1 it needs more processor time for a request than the server does, so the
// server waits for it, is woken for few requests at a time, and the faster one of two servers looks worse than it is.
// Here connections are served in turn, without epoll, and an answer that is not there yet is waited for without
// sleeping: the server is never idle and never pays for waking us.

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

namespace {

constexpr std::string_view kPlaceholder = "{n}";
constexpr size_t kDigits = 12;
constexpr size_t kReceiveBytes = 256 * 1024;

[[noreturn]] void fail(std::string const& text) {
  std::fprintf(stderr, "load: %s\n", text.c_str());
  std::exit(1);
}

/// A pipeline of requests, its random digits written anew before every sending.
class Request {
 public:
  Request(std::vector<std::string_view> const& words, size_t pipeline, uint64_t keys) : keys_(keys) {
    std::vector<std::vector<std::string_view>> commands(1);
    for (std::string_view word : words) {
      if (word == ";") {
        commands.emplace_back();
      } else {
        commands.back().push_back(word);
      }
    }
    replies_ = pipeline * commands.size();
    for (size_t i = 0; i < pipeline; i++) {
      for (auto const& command : commands) {
        text_ += "*" + std::to_string(command.size()) + "\r\n";
        for (std::string_view word : command) append(std::string(word));
      }
    }
  }

  size_t replies() const { return replies_; }

  std::string_view next() {
    for (size_t at : digits_) write_digits(random() % keys_, &text_[at]);
    return text_;
  }

 private:
  void append(std::string word) {
    size_t at = word.find(kPlaceholder);
    if (at != std::string::npos) word.replace(at, kPlaceholder.size(), kDigits, '0');
    text_ += "$" + std::to_string(word.size()) + "\r\n";
    if (at != std::string::npos) digits_.push_back(text_.size() + at);
    text_ += word + "\r\n";
  }
  static void write_digits(uint64_t number, char* to) {
    for (size_t i = kDigits; i > 0; i--, number /= 10) to[i - 1] = static_cast<char>('0' + number % 10);
  }
  uint64_t random() {  // xorshift64
    state_ ^= state_ << 13;
    state_ ^= state_ >> 7;
    state_ ^= state_ << 17;
    return state_;
  }

  uint64_t keys_;
  size_t replies_ = 0;
  uint64_t state_ = 0x9E3779B97F4A7C15;
  std::string text_;
  std::vector<size_t> digits_;  // where they are in text_
};

/// Bytes of the first reply in `data`: a line, a bulk string, or an array of such; 0 when it is not complete.
size_t reply_bytes(std::string_view data) {
  size_t at = 0;
  for (long open = 1; open > 0; open--) {
    size_t line_end = data.find('\n', at);
    if (line_end == std::string_view::npos) return 0;
    char const type = data[at];
    long const number = std::strtol(data.data() + at + 1, nullptr, 10);
    if (type != '+' && type != ':' && type != '$' && type != '*') {
      fail("the server answered: " + std::string(data.substr(at, line_end - at)));
    }
    at = line_end + 1;
    if (type == '$' && number >= 0) at += static_cast<size_t>(number) + 2;
    if (type == '*' && number > 0) open += number;
    if (at > data.size()) return 0;
  }
  return at;
}

class Connection {
 public:
  explicit Connection(uint16_t port) : fd_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int on = 1;
    ::setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (::connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) fail("cannot connect");
  }

  void send(std::string_view bytes) {
    while (!bytes.empty()) {
      ssize_t sent = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent < 0) fail("the server hung up");
      bytes.remove_prefix(static_cast<size_t>(sent));
    }
  }

  /// Takes `count` replies, which must be all that is on the way.
  void receive(size_t count, std::vector<char>& buffer) {
    size_t filled = 0;
    size_t parsed = 0;
    while (true) {
      ssize_t got = ::recv(fd_, &buffer[filled], buffer.size() - filled, MSG_DONTWAIT);
      if (got < 0 && errno == EAGAIN) continue;
      if (got <= 0) fail("the server hung up");
      filled += static_cast<size_t>(got);
      while (size_t bytes = reply_bytes({&buffer[parsed], filled - parsed})) {
        parsed += bytes;
        if (--count == 0) return;
      }
      if (parsed > 0) {
        std::memmove(&buffer[0], &buffer[parsed], filled - parsed);
        filled -= parsed;
        parsed = 0;
      }
      if (filled == buffer.size()) buffer.resize(2 * buffer.size());
    }
  }

 private:
  int fd_;
};

uint64_t number(char const* text) {
  char* end;
  uint64_t value = std::strtoull(text, &end, 10);
  if (*text == '\0' || *end != '\0' || value == 0) fail(std::string("not a positive number: ") + text);
  return value;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 7) fail("usage: load <port> <connections> <pipeline> <requests> <keys> <word>...");
  uint64_t pipeline = number(argv[3]);
  uint64_t rounds = number(argv[4]) / pipeline;
  Request request(std::vector<std::string_view>(argv + 6, argv + argc), pipeline, number(argv[5]));
  std::vector<Connection> connections;
  for (uint64_t i = 0; i < number(argv[2]); i++) connections.emplace_back(static_cast<uint16_t>(number(argv[1])));
  std::vector<char> buffer(kReceiveBytes);

  auto began = std::chrono::steady_clock::now();
  size_t count = connections.size();
  for (uint64_t round = 0; round < rounds + count; round++) {
    Connection& connection = connections[round % count];
    if (round >= count) connection.receive(request.replies(), buffer);
    if (round < rounds) connection.send(request.next());
  }
  std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - began;
  std::printf("%.0f\n", static_cast<double>(rounds * pipeline) / seconds.count());
  return 0;
}
