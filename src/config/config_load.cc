#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "config/command_line.h"
#include "config/config.h"

// Start-up: file, standard input and options become one text, so that line numbers in messages count through all three.

namespace holdfast::config {
namespace {

constexpr int64_t kSentinelPort = 26379;

Result<std::string> read_descriptor(int descriptor) {
  std::string text;
  char buffer[16384];
  for (;;) {
    ssize_t const got = ::read(descriptor, buffer, sizeof buffer);
    if (got > 0) {
      text.append(buffer, static_cast<size_t>(got));
    } else if (got == 0) {
      return text;
    } else if (errno != EINTR) {
      return fail(std::string("Fatal error, can't read the configuration from standard input: ") + std::strerror(errno),
                  errno);
    }
  }
}

// Whether the log can be appended to, without creating it: a check of a configuration leaves no traces.
int log_file_errnum(std::string const& path) {
  int const file = ::open(path.c_str(), O_WRONLY | O_APPEND | O_CLOEXEC | O_NONBLOCK);
  if (file >= 0) {
    ::close(file);
    return 0;
  }
  if (errno == ENXIO) return 0;  // a FIFO that nobody reads yet
  if (errno != ENOENT) return errno;
  std::string const folder = path.substr(0, path.rfind('/') + 1);
  return ::access(folder.c_str(), W_OK | X_OK) == 0 ? 0 : errno;
}

}  // namespace

Status Config::load_file(std::string const& path) {
  facts_.config_file = path.starts_with('/') ? path : values_.text(Directive::kDir) + "/" + path;
  auto const text = read_config_file(facts_.config_file);
  if (!text) return std::unexpected(text.error());
  return load_composed(*text);
}

Status Config::load_text(std::string_view text) { return load_composed(text); }

Status Config::apply_arguments(std::vector<std::string> const& arguments, int stdin_descriptor) {
  CommandLine const line = parse_command_line(arguments);
  std::string composed;
  if (line.sentinel_mode) {
    facts_.sentinel_mode = true;
    override_number(Directive::kPort, kSentinelPort);
    override_number(Directive::kProtectedMode, 0);
  }
  if (!line.config_file.empty()) {
    bool const absolute = line.config_file.starts_with('/');
    facts_.config_file = absolute ? line.config_file : values_.text(Directive::kDir) + "/" + line.config_file;
    auto text = read_config_file(facts_.config_file);
    if (!text) return std::unexpected(std::move(text.error()));
    composed = std::move(*text);
  }
  if (line.reads_stdin) {
    auto const text = read_descriptor(stdin_descriptor);
    if (!text) return std::unexpected(text.error());
    if (!composed.empty() && !composed.ends_with('\n')) composed.push_back('\n');
    composed.append(*text);
  }
  for (std::string const& option : line.option_lines) {
    composed.push_back('\n');
    composed.append(option);
  }
  return load_composed(composed);
}

Status Config::load_composed(std::string_view text) {
  FileGrammar grammar(values_, facts_);
  if (auto const done = grammar.read(text); !done) return done;
  return check_whole();
}

Status Config::check_whole() const {
  if (std::string path = values_.text(Directive::kLogfile); !path.empty()) {
    if (!path.starts_with('/')) path = values_.text(Directive::kDir) + "/" + path;
    if (int const errnum = log_file_errnum(path); errnum != 0) {
      return fail(fatal_config_text(nullptr, std::string("Can't open the log file: ") + std::strerror(errnum)));
    }
  }
  if (flag(Directive::kClusterEnabled) && replica_of()) {
    return fail(fatal_config_text(nullptr, "replicaof directive not allowed in cluster mode"));
  }
  if (!facts_.user_lines.empty() && !values_.text(Directive::kAclfile).empty()) {
    return fail(fatal_config_text(&facts_.user_lines.front(),
                                  "Users are defined in the configuration and in an ACL file (aclfile): remove one of "
                                  "the two"));
  }
  return {};
}

}  // namespace holdfast::config
