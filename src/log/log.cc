#include "log/log.h"

#include <unistd.h>

#include <cerrno>
#include <limits>
#include <utility>

#include "base/check.h"
#include "base/number.h"

namespace holdfast::log {
namespace {

/// A cut waits this long for the writer to finish the file of the cut before it.
constexpr int64_t kLastSwitchWaitUs = 2'000'000;

}  // namespace

Log::Log(AofDirectory& directory, Clock const& clock, LogOptions options)
    : directory_(directory),
      clock_(clock),
      logger_(directory.logger()),
      buffer_(options.start_offset),
      durability_(options.start_offset),
      writer_(clock, logger_, buffer_, durability_, backlog_, options.policy, options.timing),
      annotate_(options.annotate),
      appends_in_turns_(options.appends_in_turns),
      latency_(options.latency) {
  writer_.set_latency_monitor(options.latency);
}

Log::~Log() { static_cast<void>(shutdown()); }

uint64_t Log::append(int db, std::string_view resp, uint32_t command_count) {
  Effect const effect{db, resp, command_count};
  return append_unit({&effect, 1});
}

uint64_t Log::append_unit(std::span<Effect const> effects) {
  // Replicas are sent what the files have, and know no annotations; the index has the times as well.
  bool const annotate = annotate_.load(std::memory_order_relaxed) && !backlog_.active();
  int64_t const annotation_s = annotate ? clock_.unix_us() / 1'000'000 : 0;
  StreamBuffer::Appended const appended = buffer_.append_unit(effects, annotation_s);
  if (appended.wake_writer) {
    appends_in_turns_ ? wake_due_.store(true, std::memory_order_relaxed) : writer_.wake();
  }
  return appended.end_offset;
}

uint64_t Log::append_verbatim(std::string_view bytes, int db) {
  StreamBuffer::Appended const appended = buffer_.append_verbatim(bytes, db);
  if (appended.wake_writer) writer_.wake();
  return appended.end_offset;
}

void Log::append_control(std::string_view bytes) {
  if (buffer_.append_control(bytes).wake_writer) writer_.wake();
}

void Log::set_following(bool following) {
  following_ = following;
  update_active();
}

void Log::update_active() {
  bool const wanted = state() != LogState::kOff || backlog_.active();
  active_.store(wanted && !following_, std::memory_order_relaxed);
}

void Log::ensure_started() {
  if (!writer_.started()) writer_.start();
}

Status Log::start(RecoveryPlan const& plan, bool with_backlog) {
  CHECK(state() == LogState::kOff && !cut_);
  if (Status made = directory_.ensure_directory(); !made) return made;
  Disk& disk = directory_.disk();
  Manifest changed = directory_.manifest();
  bool const fresh = changed.increments.empty();
  if (fresh) changed.increments.push_back(changed.next_increment(directory_.location().stem));
  std::string const name = changed.increments.back().name;
  auto file = fresh ? IncrementFile::create(disk, logger_, directory_.path(name))
                    : IncrementFile::reopen(disk, logger_, directory_.path(name));
  if (!file) return std::unexpected(file.error());
  logger_.notice("%s AOF incr file %s on server start", fresh ? "Creating" : "Opening", name.c_str());
  if (changed != directory_.manifest()) {
    if (Status persisted = directory_.persist(std::move(changed)); !persisted) return persisted;
  }
  if (Status cleaned = directory_.delete_history(); !cleaned) {
    logger_.warning("The AOF manifest still names history files: %s", cleaned.error().message.c_str());
  }

  // Where the plan had no files, the base that was committed since is what the sizes count already.
  if (!plan.no_files()) {
    rewrite_base_bytes_.store(plan.base_bytes, std::memory_order_relaxed);
    writer_.set_finished_bytes(0, plan.total_bytes - (*file)->size());
  }
  if (with_backlog) begin_backlog_with(plan);
  ensure_started();
  writer_.announce_file(std::move(*file));
  buffer_.end_file(true);
  writer_.wake();
  state_.store(LogState::kOn, std::memory_order_release);
  update_active();
  return {};
}

/// What was written before is found again, as far back as the files are the stream without a gap.
void Log::begin_backlog_with(RecoveryPlan const& plan) {
  struct Piece {
    std::shared_ptr<IncrementFile> file;
    WrittenStream stream;
  };
  std::vector<Piece> pieces;  // latest first
  uint64_t const end = buffer_.end_offset();
  uint64_t begin = end;
  for (auto part = plan.parts.rbegin(); part != plan.parts.rend() && !part->is_base; ++part) {
    auto const stream = written_stream(directory_.disk(), *part);
    if (!stream || stream->end != begin) break;
    auto file = IncrementFile::open_written(directory_.disk(), logger_, part->path, stream->position);
    if (!file) break;
    begin = stream->begin;
    pieces.push_back({std::move(*file), *stream});
    if (!stream->whole_file) break;
  }
  backlog_.start(begin);
  for (auto piece = pieces.rbegin(); piece != pieces.rend(); ++piece) backlog_.begin_file(std::move(piece->file), piece->stream.begin);
  backlog_.advance(end);
}

Status Log::prepare_increment() {
  CHECK(!cut_);
  if (!writer_.wait_announced(kLastSwitchWaitUs))
    return fail("the increment before the last one is still being written", EBUSY);
  if (Status made = directory_.ensure_directory(); !made) return made;
  return state() == LogState::kOff ? prepare_temporary() : prepare_next();
}

Status Log::prepare_next() {
  Manifest changed = directory_.manifest();
  ManifestFile const next = changed.next_increment(directory_.location().stem);
  auto file = IncrementFile::create(directory_.disk(), logger_, directory_.path(next.name));
  if (!file) return std::unexpected(file.error());
  changed.increments.push_back(next);
  // After a failure the empty file stays: the manifest on disk may name it. The next attempt takes the same name.
  if (Status persisted = directory_.persist(std::move(changed)); !persisted) return persisted;
  logger_.notice("Creating AOF incr file %s on background rewrite", next.name.c_str());
  cut_ = Cut{.increment = next, .file = std::move(*file)};
  return {};
}

Status Log::prepare_temporary() {
  std::string const name = temp_increment_name(directory_.location().stem);
  auto file = IncrementFile::create(directory_.disk(), logger_, directory_.path(name));
  if (!file) return std::unexpected(file.error());
  logger_.notice("Creating AOF incr file %s on background rewrite", name.c_str());
  cut_ = Cut{.increment = {name, 0}, .file = std::move(*file), .turns_on = true};
  ensure_started();
  return {};
}

uint64_t Log::switch_increment() {
  CHECK(cut_ && !cut_->switched);
  cut_->generation = writer_.announce_file(std::move(cut_->file));
  cut_->offset = buffer_.end_file(true);
  cut_->switched = true;
  if (cut_->turns_on) {
    state_.store(LogState::kWaitBase, std::memory_order_release);
    update_active();
  }
  writer_.wake();
  return cut_->offset;
}

Status Log::commit_base(std::string const& temp_path, BaseFormat format, bool on_start) {
  CHECK(cut_ ? cut_->switched : state() == LogState::kOff);
  if (Status made = directory_.ensure_directory(); !made) return made;
  bool const first = directory_.manifest().empty();
  if (first) {
    if (Status begun = directory_.begin_first(); !begun) return begun;
  }
  Manifest changed = directory_.manifest();
  if (Status installed = install(changed, temp_path, format, on_start); !installed) return installed;
  std::string const base_path = directory_.path(changed.base->name);
  if (Status persisted = directory_.persist(std::move(changed)); !persisted) return persisted;
  if (first) directory_.end_first();

  if (cut_) {
    durability_.base_committed(cut_->generation, cut_->offset);
    writer_.discard_up_to(cut_->offset);
    state_.store(LogState::kOn, std::memory_order_release);
  }
  note_sizes_after_commit(base_path);
  cut_.reset();
  if (Status cleaned = directory_.delete_history(); !cleaned) {
    logger_.warning("The AOF manifest still names history files: %s", cleaned.error().message.c_str());
  }
  return {};
}

/// Renames the new base, and the temporary increment when AOF is being switched on, and enters them in `changed`.
Status Log::install(Manifest& changed, std::string const& temp_path, BaseFormat format, bool on_start) {
  Disk& disk = directory_.disk();
  std::string const& stem = directory_.location().stem;
  ManifestFile const base = changed.next_base(stem, format);
  {
    LatencyTimer timer(latency_, "aof-rename");
    if (Status renamed = disk.rename(temp_path, directory_.path(base.name)); !renamed) return renamed;
  }
  if (format == BaseFormat::kResp) install_index(temp_path, base);
  std::string const temp_name = temp_path.substr(temp_path.rfind('/') + 1);
  if (on_start) {
    logger_.notice("Creating AOF base file %s on server start", base.name.c_str());
  } else {
    logger_.notice("Successfully renamed the temporary AOF base file %s into %s", temp_name.c_str(), base.name.c_str());
  }

  ManifestFile const next = changed.next_increment(stem);
  bool const regular = cut_ && !cut_->turns_on;
  changed.replace_base(base, regular ? cut_->increment.seq : std::numeric_limits<int64_t>::max());
  if (!cut_ || regular) return {};

  std::string const temp_increment = directory_.path(cut_->increment.name);
  if (Status renamed = disk.rename(temp_increment, directory_.path(next.name)); !renamed) return renamed;
  // The index is a help only; without it the increment is as good.
  static_cast<void>(disk.rename(sidecar_name(temp_increment), directory_.path(sidecar_name(next.name))));
  logger_.notice("Successfully renamed the temporary AOF incr file %s into %s", cut_->increment.name.c_str(),
                 next.name.c_str());
  changed.increments = {next};
  return {};
}

/// A base without an index is as good; one with the index of another is not.
void Log::install_index(std::string const& temp_path, ManifestFile const& base) {
  std::string const target = directory_.path(sidecar_name(base.name));
  if (!directory_.disk().rename(sidecar_name(temp_path), target)) static_cast<void>(directory_.disk().unlink(target));
}

void Log::note_sizes_after_commit(std::string const& base_path) {
  auto const base_bytes = directory_.disk().file_size(base_path);
  writer_.set_finished_bytes(cut_ ? cut_->generation : 0, base_bytes.value_or(0));
  rewrite_base_bytes_.store(base_bytes.value_or(0) + writer_.file_bytes(), std::memory_order_relaxed);
}

void Log::abandon_cut() {
  if (!cut_) return;
  Cut const cut = std::move(*cut_);
  cut_.reset();
  if (cut.turns_on) {
    if (cut.switched) {
      turn_off();
      writer_.discard_up_to(buffer_.end_offset());
    }
    std::string const path = directory_.path(cut.increment.name);
    static_cast<void>(directory_.disk().unlink(path));
    static_cast<void>(directory_.disk().unlink(sidecar_name(path)));
    return;
  }
  // A switched increment is in use and stays: several are legal. One that was never used must not be the last.
  if (cut.switched) return;
  Manifest changed = directory_.manifest();
  CHECK(changed.increments.back() == cut.increment);
  changed.increments.pop_back();
  if (directory_.persist(std::move(changed))) {
    std::string const path = directory_.path(cut.increment.name);
    static_cast<void>(directory_.disk().unlink(path));
    static_cast<void>(directory_.disk().unlink(sidecar_name(path)));
  }
}

void Log::turn_off() {
  CHECK(!cut_);
  if (state() == LogState::kOff) return;
  state_.store(LogState::kOff, std::memory_order_release);
  // The backlog goes on in a file of its own, if there is one at hand.
  if (!next_spill_) backlog_.stop();
  update_active();
  switch_to(std::move(next_spill_));
}

void Log::switch_to(std::shared_ptr<IncrementFile> file) {
  bool const open = file != nullptr;
  writer_.announce_file(std::move(file));
  buffer_.end_file(open);
  writer_.wake();
}

// ---- the backlog ----

Status Log::prepare_backlog(std::string const& directory) {
  if (state() == LogState::kOn) return prepare_increment();
  if (!writer_.wait_announced(kLastSwitchWaitUs)) return fail("the last file is still being written", EBUSY);
  ensure_started();
  return prepare_spill(directory);
}

Status Log::prepare_spill(std::string const& directory) {
  if (next_spill_) return {};
  auto file = IncrementFile::create_spill(directory_.disk(), logger_, directory + "/temp-backlog-" + to_text(getpid()) + ".aof");
  if (!file) return std::unexpected(file.error());
  next_spill_ = std::move(*file);
  return {};
}

uint64_t Log::begin_backlog() {
  backlog_.start(buffer_.end_offset());
  if (state() == LogState::kOn) {
    switch_increment();
    cut_.reset();  // the increment stays: several are legal
  } else {
    switch_to(std::move(next_spill_));
  }
  update_active();
  return buffer_.end_offset();
}

void Log::abandon_backlog() {
  next_spill_.reset();
  abandon_cut();
}

void Log::end_backlog() {
  next_spill_.reset();
  if (!backlog_.active()) return;
  backlog_.stop();
  update_active();
  if (state() == LogState::kOff) switch_to(nullptr);
}

Status Log::tend_backlog(std::string const& directory, uint64_t bytes, uint64_t keep_bytes) {
  backlog_.trim(keep_bytes);
  if (!backlog_.active()) return {};
  if (Status prepared = prepare_spill(directory); !prepared) return prepared;
  if (state() != LogState::kOff || writer_.announced() > 0) return {};
  if (backlog_.readable() && backlog_.newest_bytes() < bytes) return {};
  switch_to(std::move(next_spill_));
  return prepare_spill(directory);
}

void Log::restart_stream(uint64_t offset, int db) {
  CHECK(state() == LogState::kOff && idle());
  buffer_.restart(offset, db);
  writer_.restart(offset);
  durability_.restart(offset);
}

bool Log::idle() const {
  return writer_.announced() == 0 && buffer_.pending_bytes() == 0 && writer_.pending_syncs() == 0;
}

Status Log::shutdown() {
  active_.store(false, std::memory_order_relaxed);
  if (!writer_.started()) return {};
  bool const safe = writer_.stop();
  state_.store(LogState::kOff, std::memory_order_release);
  if (safe) return {};
  LogStatus const last = status();
  return fail("the AOF is not complete on disk: " + last.text, last.errnum);
}

LogSizes Log::sizes() const {
  return {.current_bytes = writer_.finished_bytes() + writer_.file_bytes(),
          .base_bytes = rewrite_base_bytes_.load(std::memory_order_relaxed),
          .buffer_bytes = buffer_.pending_bytes(),
          .pending_syncs = writer_.pending_syncs(),
          .delayed_syncs = writer_.delayed_syncs()};
}

}  // namespace holdfast::log
