#include "replication/handshake.h"

#include "base/number.h"
#include "base/strings.h"
#include "log/effect_buffer.h"
#include "replication/history.h"

namespace holdfast::replication {
namespace {

/// "+WORD" or "+WORD rest".
std::optional<std::string_view> after_word(std::string_view line, std::string_view word) {
  if (!line.starts_with(word)) return std::nullopt;
  line.remove_prefix(word.size());
  if (line.empty()) return line;
  if (line[0] != ' ') return std::nullopt;
  return line.substr(1);
}

}  // namespace

Handshake::Step Handshake::begin() {
  Step step;
  log::append_command(step.send, {"PING"});
  return step;
}

Handshake::Step Handshake::on_line(std::string_view line) {
  if (line.empty()) return {};
  switch (expects_) {
    case Expects::kPong: {
      // A primary that wants a password first, or lets us do nothing yet, is there all the same.
      bool const there = line[0] == '+' || line.starts_with("-NOAUTH") || line.starts_with("-NOPERM") ||
                         line.starts_with("-ERR operation not permitted");
      if (!there) {
        return {.verdict = Verdict::kRetry, .trouble = "Error reply to PING from master: '" + std::string(line) + "'"};
      }
      return introduce();
    }
    case Expects::kAuth:
      if (line[0] == '-') {
        return {.verdict = Verdict::kRetry, .trouble = "Unable to AUTH to MASTER: " + std::string(line)};
      }
      break;
    case Expects::kPort:
    case Expects::kAddress: break;  // who does not know these words is an old primary
    case Expects::kCapabilities: return ask();
    case Expects::kPsync: return judge(line);
  }
  expect_next();
  return {};
}

/// Everything but PSYNC in one go; the answers come in the same order.
Handshake::Step Handshake::introduce() {
  Step step;
  if (!terms_.password.empty()) {
    if (terms_.user.empty()) {
      log::append_command(step.send, {"AUTH", terms_.password});
    } else {
      log::append_command(step.send, {"AUTH", terms_.user, terms_.password});
    }
  }
  log::append_command(step.send, {"REPLCONF", "listening-port", to_text(terms_.port)});
  if (!terms_.announced_ip.empty()) log::append_command(step.send, {"REPLCONF", "ip-address", terms_.announced_ip});
  log::append_command(step.send, {"REPLCONF", "capa", "eof", "capa", "psync2", "capa", "proof"});
  expect_next();
  return step;
}

void Handshake::expect_next() {
  if (expects_ == Expects::kPong && !terms_.password.empty()) {
    expects_ = Expects::kAuth;
  } else if (expects_ == Expects::kPong || expects_ == Expects::kAuth) {
    expects_ = Expects::kPort;
  } else if (expects_ == Expects::kPort && !terms_.announced_ip.empty()) {
    expects_ = Expects::kAddress;
  } else {
    expects_ = Expects::kCapabilities;
  }
}

Handshake::Step Handshake::ask() {
  expects_ = Expects::kPsync;
  Step step;
  if (!terms_.resume) {
    log::append_command(step.send, {"PSYNC", "?", "-1"});
    return step;
  }
  std::string const wanted = to_text_unsigned(terms_.resume->offset + 1);
  if (terms_.failover) {
    log::append_command(step.send, {"PSYNC", terms_.resume->id, wanted, "FAILOVER"});
  } else {
    log::append_command(step.send, {"PSYNC", terms_.resume->id, wanted});
  }
  return step;
}

Handshake::Step Handshake::judge(std::string_view line) const {
  if (auto const rest = after_word(line, "+FULLRESYNC")) {
    size_t const space = rest->find(' ');
    auto const offset = space == std::string_view::npos ? std::nullopt : parse_int64(rest->substr(space + 1));
    // Without a place to go on from the data can be had all the same; the next time it is a full one again.
    if (space != kIdDigits || !offset || *offset < 0) return {.verdict = Verdict::kOldFull};
    return {.verdict = Verdict::kFull,
            .place = {std::string(rest->substr(0, space)), static_cast<uint64_t>(*offset)}};
  }
  if (auto const rest = after_word(line, "+CONTINUE")) {
    if (!terms_.resume) return {.verdict = Verdict::kRetry, .trouble = "+CONTINUE was not asked for"};
    std::string id;
    if (rest->size() == kIdDigits && !iequals(*rest, terms_.resume->id)) id = *rest;
    return {.verdict = Verdict::kContinue, .place = {std::move(id), terms_.resume->offset}};
  }
  if (line.starts_with("-NOMASTERLINK") || line.starts_with("-LOADING")) {
    return {.verdict = Verdict::kRetry,
            .trouble = "Master is currently unable to PSYNC but should be in the future: " + std::string(line)};
  }
  return {.verdict = Verdict::kOldFull, .send = "SYNC\r\n"};
}

}  // namespace holdfast::replication
