#pragma once

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace holdfast {

/// For tests: a real redis-server on a directory of its own, ended with its object. Tests that need one are skipped where
/// none is `installed`.
class RedisServer {
 public:
  static bool installed() {
    return std::system("redis-server --version >/dev/null 2>&1 && redis-cli --version >/dev/null 2>&1") == 0;
  }

  /// `options` as on the command line, "--appendonly", "yes". Nothing is saved unless they say so.
  explicit RedisServer(std::string dir, std::vector<std::string> const& options = {})
      : dir_(std::move(dir)), port_(std::to_string(free_port())) {
    std::vector<std::string> words = {"redis-server", "--port", port_, "--bind", "127.0.0.1", "--dir", dir_, "--save", ""};
    words.insert(words.end(), options.begin(), options.end());
    std::vector<char*> argv;
    for (std::string& word : words) argv.push_back(word.data());
    argv.push_back(nullptr);
    pid_ = fork();
    if (pid_ == 0) {
      int const null = ::open("/dev/null", O_WRONLY);
      dup2(null, STDOUT_FILENO);
      dup2(null, STDERR_FILENO);
      execvp(argv[0], argv.data());
      _exit(127);
    }
  }
  ~RedisServer() { stop(); }
  RedisServer(RedisServer const&) = delete;
  RedisServer& operator=(RedisServer const&) = delete;

  /// False when the server has ended: it refused the files.
  bool wait_ready() {
    for (int i = 0; i < 200; ++i) {
      if (waitpid(pid_, nullptr, WNOHANG) == pid_) {
        pid_ = -1;
        return false;
      }
      if (ask("PING") == "PONG") return true;
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
    }
    return false;
  }

  /// What redis-cli prints for these words of its command line.
  std::string ask(std::string const& words) const {
    FILE* const pipe = popen(("redis-cli -p " + port_ + " " + words + " 2>/dev/null").c_str(), "r");
    if (!pipe) return "";
    std::string out;
    char block[256];
    while (std::fgets(block, sizeof block, pipe)) out += block;
    pclose(pipe);
    while (!out.empty() && out.back() == '\n') out.pop_back();
    return out;
  }

  /// The bytes of its dump.rdb.
  std::string dump() const {
    std::ostringstream text;
    text << std::ifstream(dir_ + "/dump.rdb", std::ios::binary).rdbuf();
    return text.str();
  }

  void stop() {
    if (pid_ <= 0) return;
    ::kill(pid_, SIGTERM);
    waitpid(pid_, nullptr, 0);
    pid_ = -1;
  }

 private:
  /// A port of the loopback that nobody had a moment ago.
  static int free_port() {
    int const fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t length = sizeof address;
    auto* const any = reinterpret_cast<sockaddr*>(&address);
    bool const bound = ::bind(fd, any, length) == 0 && ::getsockname(fd, any, &length) == 0;
    ::close(fd);
    return bound ? ntohs(address.sin_port) : 0;
  }

  std::string dir_;
  std::string port_;
  pid_t pid_;
};

}  // namespace holdfast
