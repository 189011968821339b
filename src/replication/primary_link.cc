#include "replication/primary_link.h"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <limits>

#include "base/number.h"
#include "command/client_card.h"
#include "config/config.h"
#include "disk/disk.h"
#include "keyspace/keyspace.h"
#include "log/effect_buffer.h"
#include "log/log.h"
#include "net/socket.h"
#include "net/socket_address.h"
#include "rdb/file_reader.h"
#include "replication/history.h"
#include "replication/payload_frame.h"
#include "snapshot/persistence.h"

namespace holdfast::replication {
namespace {

using config::Directive;

/// Read at once from the socket.
constexpr size_t kReadBytes = 256 * 1024;
/// A line of the handshake is not longer.
constexpr size_t kAnswerBytesMax = 1024;
constexpr int64_t kSecondUs = 1'000'000;
/// An adoption is looked at this often.
constexpr int64_t kAdoptionPollUs = 10'000;
/// The kernel is asked to write back after so many bytes of a data set.
constexpr uint64_t kWriteBackBytes = 8 * 1024 * 1024;

/// The owner wants the link to end.
std::unexpected<Error> interrupted() { return fail("interrupted", ECANCELED); }

}  // namespace

int64_t PrimaryLink::timeout_us() const { return services_.config.integer(Directive::kReplTimeout) * kSecondUs; }

void PrimaryLink::enter(LinkState state) {
  figures_.state.store(state, std::memory_order_relaxed);
  owner_.changed();
}

// ---- bytes ----

Result<PrimaryLink::Input> PrimaryLink::wait(int64_t until_us, short events, bool with_news) {
  while (true) {
    // What TLS has read is not seen by poll.
    bool const has_input = events == 0 && tls_ && tls_->has_input();
    int64_t const left_us = has_input ? 0 : until_us - now_us();
    if (left_us <= 0 && !has_input) return Input::kTimeout;
    // A negative descriptor is passed over.
    pollfd waited[3] = {{calls_.interrupt, POLLIN, 0},
                        {fd_.get(), static_cast<short>(events ? events : POLLIN), 0},
                        {with_news ? calls_.news : -1, POLLIN, 0}};
    int const ready = poll(waited, 3, has_input ? 0 : static_cast<int>(std::min<int64_t>(left_us / 1000 + 1, 1'000'000)));
    if (ready < 0 && errno != EINTR) return fail(std::strerror(errno), errno);
    if (ready > 0 && waited[0].revents) return Input::kInterrupted;
    if (ready > 0 && waited[2].revents) return Input::kNews;
    if (has_input) return Input::kReady;
    if (ready <= 0) continue;
    return Input::kReady;
  }
}

Status PrimaryLink::receive() {
  if (used_ > 0) {
    input_.erase(0, used_);
    used_ = 0;
  }
  while (true) {
    size_t const before = input_.size();
    ssize_t got = 0;
    input_.resize_and_overwrite(before + std::max(kReadBytes, applier_.bytes_wanted()), [&](char* bytes, size_t size) {
      got = receive_some(bytes + before, size - before);
      return before + static_cast<size_t>(std::max<ssize_t>(got, 0));
    });
    if (got > 0) {
      heard_us_ = now_us();
      figures_.heard_us.store(heard_us_, std::memory_order_relaxed);
      return {};
    }
    if (got == 0) return fail("Connection with master lost.");
    if (int const errnum = errno; errnum != EAGAIN && errnum != EINTR) return fail("I/O error with master: " + trouble(errnum), errnum);
    auto const waited = wait(heard_us_ + timeout_us());
    if (!waited) return std::unexpected(waited.error());
    if (*waited == Input::kInterrupted) return interrupted();
    if (*waited == Input::kTimeout) return fail("MASTER timeout: no data nor PING received...");
  }
}

Status PrimaryLink::send(std::string_view bytes) {
  while (!bytes.empty() || (tls_ && tls_->unsent() > 0)) {
    ssize_t const sent = send_some(bytes);
    if (sent >= 0) {
      bytes.remove_prefix(static_cast<size_t>(sent));
      continue;
    }
    if (int const errnum = errno; errnum != EAGAIN && errnum != EINTR) return fail("Error writing to master: " + trouble(errnum), errnum);
    auto const waited = wait(now_us() + timeout_us(), POLLOUT);
    if (!waited) return std::unexpected(waited.error());
    if (*waited == Input::kInterrupted) return interrupted();
    if (*waited == Input::kTimeout) return fail("Timeout writing to master");
  }
  return {};
}

ssize_t PrimaryLink::receive_some(char* to, size_t size) {
  return tls_ ? tls_->read(to, size) : recv(fd_.get(), to, size, 0);
}

ssize_t PrimaryLink::send_some(std::string_view bytes) {
  if (!tls_) return ::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  // All of it is encrypted at once; what the socket does not take is sent by calls with nothing more to say.
  Status const sent = bytes.empty() ? tls_->flush() : tls_->send(bytes);
  if (sent && (!bytes.empty() || tls_->unsent() == 0)) return static_cast<ssize_t>(bytes.size());
  errno = sent ? EAGAIN : EPROTO;
  return -1;
}

std::string PrimaryLink::trouble(int errnum) const {
  return tls_ && !tls_->error().empty() ? tls_->error() : std::strerror(errnum);
}

Result<std::string> PrimaryLink::read_line() {
  while (true) {
    size_t const end = input_.find('\n', used_);
    if (end != std::string::npos) {
      std::string line = input_.substr(used_, end - used_);
      used_ = end + 1;
      if (line.ends_with('\r')) line.pop_back();
      return line;
    }
    if (input_.size() - used_ > kAnswerBytesMax) return fail("the answer of the master has no end");
    if (Status received = receive(); !received) return std::unexpected(received.error());
  }
}

// ---- from the connection to the stream ----

void PrimaryLink::follow(std::string const& host, int port, bool failover) {
  services_.logger.notice("Connecting to MASTER %s:%d", host.c_str(), port);
  enter(LinkState::kConnecting);
  input_.clear();
  used_ = 0;
  heard_us_ = now_us();
  Status status = connect(host, port);
  if (status) {
    services_.logger.notice("Non blocking connect for SYNC fired the event.");
    enter(LinkState::kHandshake);
    auto const verdict = shake_hands(failover);
    if (!verdict) {
      status = std::unexpected(verdict.error());
      if (failover) owner_.handed_over(false);
    } else {
      bool const accepted = verdict->verdict == Handshake::Verdict::kContinue || verdict->verdict == Handshake::Verdict::kFull;
      if (failover) owner_.handed_over(accepted);
      status = take_dataset(*verdict);
    }
  } else if (failover) {
    owner_.handed_over(false);
  }
  if (status) {
    figures_.down_since_us.store(-1, std::memory_order_relaxed);
    figures_.refused.store(false, std::memory_order_relaxed);
    enter(LinkState::kConnected);
    status = stream();
    figures_.down_since_us.store(now_us(), std::memory_order_relaxed);
  }
  applier_.end();
  if (tls_) tls_->say_goodbye();
  tls_.reset();
  fd_.reset();
  if (status.error().errnum != ECANCELED) services_.logger.warning("%s", status.error().message.c_str());
  enter(LinkState::kConnect);
}

Status PrimaryLink::connect(std::string const& host, int port) {
  auto fd = connect_tcp(host, static_cast<uint16_t>(port), services_.config.text(Directive::kBindSourceAddr));
  if (!fd) return fail("Unable to connect to MASTER: " + fd.error().message, fd.error().errnum);
  fd_ = std::move(*fd);
  auto const waited = wait(now_us() + timeout_us(), POLLOUT);
  if (!waited) return std::unexpected(waited.error());
  if (*waited == Input::kTimeout) return fail("Timeout connecting to the MASTER...");
  if (*waited == Input::kInterrupted) return interrupted();
  if (Status connected = connect_result(fd_.get()); !connected) {
    return fail("Error condition on socket for SYNC: " + connected.error().message, connected.error().errnum);
  }
  static_cast<void>(set_tcp_nodelay(fd_.get()));
  return services_.config.flag(Directive::kTlsReplication) ? secure() : Status{};
}

Status PrimaryLink::secure() {
  auto const context = services_.tls->current();
  if (!context) return fail("Error condition on socket for SYNC: TLS is not configured");
  tls_ = std::make_unique<TlsStream>(context, fd_.get(), TlsStream::Side::kConnecting);
  int64_t const until_us = now_us() + timeout_us();
  while (true) {
    switch (tls_->shake_hands()) {
      case TlsStream::Handshake::kDone: return {};
      case TlsStream::Handshake::kFailed: return fail("Error condition on socket for SYNC: " + tls_->error());
      case TlsStream::Handshake::kMore: break;
    }
    auto const waited = wait(until_us, tls_->unsent() > 0 ? POLLIN | POLLOUT : POLLIN);
    if (!waited) return std::unexpected(waited.error());
    if (*waited == Input::kTimeout) return fail("Timeout connecting to the MASTER...");
    if (*waited == Input::kInterrupted) return interrupted();
  }
}

Result<Handshake::Step> PrimaryLink::shake_hands(bool failover) {
  config::Config const& config = services_.config;
  int64_t const announced = config.integer(Directive::kReplicaAnnouncePort);
  bool const tls = config.flag(Directive::kTlsReplication) && config.integer(Directive::kTlsPort) != 0;
  auto const resume = owner_.resume_place();
  Handshake handshake({.user = config.text(Directive::kMasteruser),
                       .password = config.text(Directive::kMasterauth),
                       .port = static_cast<int>(announced ? announced : config.integer(tls ? Directive::kTlsPort : Directive::kPort)),
                       .announced_ip = config.text(Directive::kReplicaAnnounceIp),
                       .resume = resume,
                       .failover = failover && resume});
  Handshake::Step step = handshake.begin();
  while (true) {
    if (!step.send.empty()) {
      if (Status sent = send(step.send); !sent) return std::unexpected(sent.error());
    }
    if (step.verdict == Handshake::Verdict::kRetry) return fail(step.trouble);
    if (step.verdict != Handshake::Verdict::kMore) return step;
    auto const line = read_line();
    if (!line) return std::unexpected(line.error());
    step = handshake.on_line(*line);
  }
}

Status PrimaryLink::take_dataset(Handshake::Step const& verdict) {
  if (verdict.verdict == Handshake::Verdict::kContinue) {
    services_.logger.notice("Successful partial resynchronization with master.");
    if (Status continued = owner_.continued(verdict.place.id); !continued) return continued;
    applier_.begin(services_.log.selected_database(), make_card());
    return {};
  }
  snapshot::StreamIdentity const at{verdict.place.id, verdict.place.offset, 0};
  if (verdict.verdict == Handshake::Verdict::kFull) {
    services_.logger.notice("Full resync from master: %s:%llu", at.id.c_str(), static_cast<unsigned long long>(at.offset));
  }
  std::string const directory = services_.config.text(Directive::kDir);
  std::string const path =
      directory + "/temp-" + to_text(services_.clock.unix_us() / kSecondUs) + "." + to_text(getpid()) + ".rdb";
  figures_.total_bytes.store(-1, std::memory_order_relaxed);
  figures_.read_bytes.store(0, std::memory_order_relaxed);
  enter(LinkState::kTransfer);
  Status status = receive_dataset(path);
  if (status) status = adopt(at, path);
  if (!status) static_cast<void>(services_.disk.unlink(path));
  return status;
}

Status PrimaryLink::receive_dataset(std::string const& path) {
  auto file = services_.disk.create_truncate(path);
  if (!file) return fail("Opening the temp file needed for MASTER <-> REPLICA synchronization: " + file.error().message);
  PayloadFrame frame;
  std::string piece;
  uint64_t written = 0;
  uint64_t written_back = 0;
  bool announced = false;
  while (true) {
    auto const taken = frame.take(std::string_view(input_).substr(used_), piece);
    if (!taken) return std::unexpected(taken.error());
    used_ += *taken;
    if (frame.begun() && !announced) {
      announced = true;
      figures_.total_bytes.store(frame.marked() ? 0 : static_cast<int64_t>(frame.total().value_or(0)), std::memory_order_relaxed);
      if (frame.marked()) {
        services_.logger.notice("MASTER <-> REPLICA sync: receiving streamed RDB from master with EOF to disk");
      } else {
        services_.logger.notice("MASTER <-> REPLICA sync: receiving %llu bytes from master to disk",
                                static_cast<unsigned long long>(frame.total().value_or(0)));
      }
    }
    if (!piece.empty()) {
      if (Status done = (*file)->append(piece); !done) {
        return fail("Write error or short write writing to the DB dump file needed for MASTER <-> REPLICA synchronization: " +
                    done.error().message);
      }
      written += piece.size();
      piece.clear();
      figures_.read_bytes.store(written, std::memory_order_relaxed);
      if (written - written_back >= kWriteBackBytes) {
        static_cast<void>((*file)->sync_range(written_back, written - written_back));
        written_back = written;
      }
    }
    if (frame.complete()) break;
    if (used_ < input_.size()) continue;
    if (Status received = receive(); !received) return received;
  }
  if (Status synced = (*file)->sync(); !synced) {
    return fail("Failed trying to sync the temp DB to disk in MASTER <-> REPLICA synchronization: " + synced.error().message);
  }
  return (*file)->close();
}

Result<uint64_t> PrimaryLink::examine(std::string const& path) {
  auto file = services_.disk.open_read(path);
  if (!file) return std::unexpected(file.error());
  auto source = RdbFileSource::open(**file);
  if (!source) return std::unexpected(source.error());
  RdbFileReader reader(*source, {.check_crc = services_.config.flag(Directive::kRdbchecksum)});
  uint64_t keys = 0;
  while (true) {
    switch (reader.next()) {
      case RdbEvent::kEntry: keys++; break;
      case RdbEvent::kEnd: return keys;
      case RdbEvent::kError:
        return fail("The data set that the MASTER has sent is damaged, and not used: " + reader.error().message);
      default: break;
    }
  }
}

Status PrimaryLink::adopt(snapshot::StreamIdentity const& at, std::string const& path) {
  auto const keys = examine(path);
  if (!keys) return std::unexpected(keys.error());
  uint64_t own_keys = 0;
  for (int db = 0; db < services_.keyspace.databases(); db++) own_keys += services_.keyspace.keys(db);
  if (*keys == 0 && own_keys > 0 && !services_.config.flag(Directive::kReplicaAcceptEmptyPrimary) &&
      !owner_.knows(at.id, at.offset)) {
    figures_.refused.store(true, std::memory_order_relaxed);
    return fail("The MASTER is empty, and this replica has " + to_text_unsigned(own_keys) +
                " keys: it keeps them. If they shall go, say CONFIG SET replica-accept-empty-primary yes");
  }
  services_.logger.notice("MASTER <-> REPLICA sync: Flushing old data");
  services_.logger.notice("MASTER <-> REPLICA sync: Loading DB in memory");
  std::string const destination =
      services_.config.text(Directive::kDir) + "/" + services_.config.text(Directive::kDbfilename);
  snapshot::StreamIdentity adopted = at;
  // Who does not say where it is cannot be gone on from.
  if (adopted.id.empty()) adopted = {std::string(kIdDigits, '0'), services_.log.appended_offset(), 0};
  uint64_t const ticket = services_.persistence.adopt_dataset(
      {.path = path, .at = adopted, .before = owner_.before_adoption, .after = [this, adopted, &path, &destination](int db) {
         snapshot::StreamIdentity known = adopted;
         known.db = db;
         owner_.after_adoption(known);
         if (Status renamed = services_.disk.rename(path, destination); !renamed) {
           services_.logger.warning("Failed trying to rename the temp DB into %s in MASTER <-> REPLICA synchronization: %s",
                                    destination.c_str(), renamed.error().message.c_str());
         }
         static_cast<void>(services_.disk.sync_directory(directory_of(destination)));
       }});
  int64_t kept_alive_us = 0;
  while (true) {
    if (auto const result = services_.persistence.save_result(ticket)) {
      if (!*result) return fail("Failed trying to load the MASTER synchronization DB from disk: " + result->error().message);
      break;
    }
    // The primary shall not take us for dead while we load.
    if (now_us() - kept_alive_us >= kSecondUs) {
      kept_alive_us = now_us();
      static_cast<void>(send_some("\n"));
    }
    usleep(kAdoptionPollUs);
  }
  services_.logger.notice("MASTER <-> REPLICA sync: Finished with success");
  heard_us_ = now_us();
  applier_.begin(services_.log.selected_database(), make_card());
  if (at.id.empty()) return {};
  acknowledge();
  return {};
}

// ---- the stream ----

/// The link as CLIENT LIST shows it.
std::shared_ptr<ClientCard> PrimaryLink::make_card() const {
  auto card = std::make_shared<ClientCard>();
  card->primary = true;
  card->worker = ClientCard::kNoWorker;
  card->fd = fd_.get();
  card->address = SocketAddress::peer_of(fd_.get()).text();
  card->local_address = SocketAddress::local_of(fd_.get()).text();
  card->created_ms = services_.clock.unix_ms();
  return card;
}

void PrimaryLink::acknowledge() {
  std::string text;
  std::string const applied = to_text_unsigned(services_.log.appended_offset());
  if (services_.log.state() == log::LogState::kOn) {
    std::string const durable = to_text_unsigned(services_.log.durable_offset());
    log::append_command(text, {"REPLCONF", "ACK", applied, "FACK", durable});
  } else {
    log::append_command(text, {"REPLCONF", "ACK", applied});
  }
  acknowledged_us_ = now_us();
  static_cast<void>(send(text));  // a broken connection shows when it is read
}

void PrimaryLink::send_reports() {
  for (ProofReport const& report : owner_.take_reports()) {
    std::string text;
    report.append_to(text, to_text_unsigned(services_.log.appended_offset()));
    static_cast<void>(send(text));
  }
}

Status PrimaryLink::stream() {
  figures_.read_offset.store(services_.log.appended_offset() + (input_.size() - used_), std::memory_order_relaxed);
  while (true) {
    auto const done = applier_.apply(std::string_view(input_).substr(used_));
    if (!done) return fail("Protocol error from master: " + done.error().message);
    used_ += *done;
    services_.log.end_turn();
    static_cast<void>(services_.log.write_up_to(services_.log.appended_offset()));
    if (now_us() - acknowledged_us_ >= kSecondUs) acknowledge();
    auto const waited = wait(std::min(acknowledged_us_ + kSecondUs, heard_us_ + timeout_us()), 0, true);
    if (!waited) return std::unexpected(waited.error());
    if (*waited == Input::kInterrupted) return interrupted();
    if (*waited == Input::kNews) {
      send_reports();
      continue;
    }
    if (*waited == Input::kTimeout) {
      if (now_us() - heard_us_ >= timeout_us()) return fail("MASTER timeout: no data nor PING received...");
      continue;
    }
    size_t const before = input_.size() - used_;
    if (Status received = receive(); !received) return received;
    figures_.read_offset.fetch_add(input_.size() - used_ - before, std::memory_order_relaxed);
  }
}

}  // namespace holdfast::replication
