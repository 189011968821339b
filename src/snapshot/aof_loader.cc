#include <cstring>
#include <utility>
#include <vector>

#include "base/number.h"
#include "log/reader.h"
#include "log/sidecar_index.h"
#include "snapshot/loader.h"

namespace holdfast::snapshot {
namespace {

constexpr std::string_view kRdbSuffix = ".rdb";

bool is_word(std::string_view text, std::string_view word) {
  return text.size() == word.size() && strncasecmp(text.data(), word.data(), word.size()) == 0;
}

/// The commands from MULTI on, kept until EXEC is read.
class Group {
 public:
  bool open() const { return !ends_.empty(); }

  void add(std::span<std::string_view const> command, uint64_t begin) {
    begins_.push_back(begin);
    for (std::string_view word : command) {
      bytes_.append(word);
      words_.push_back(bytes_.size());
    }
    ends_.push_back(words_.size());
  }

  /// A command that could not be replayed.
  struct Failed {
    std::string name;
    uint64_t begin = 0;
  };
  /// Gives all commands to `replay`; the group is empty then. A failure fills `failed`.
  Status deliver(ReplayCommand const& replay, Failed& failed) {
    std::vector<std::string_view> command;
    size_t word = 0;
    size_t byte = 0;
    Status status;
    auto begin = begins_.begin();
    for (size_t end : std::exchange(ends_, {})) {
      command.clear();
      for (; word < end; byte = words_[word++])
        command.push_back(std::string_view(bytes_).substr(byte, words_[word] - byte));
      status = replay(command);
      if (!status) {
        failed = {std::string(command.front()), *begin};
        break;
      }
      ++begin;
    }
    begins_.clear();
    bytes_.clear();
    words_.clear();
    return status;
  }

 private:
  std::string bytes_;
  std::vector<size_t> words_;  // ends, in bytes_
  std::vector<size_t> ends_;   // ends of commands, in words_
  std::vector<uint64_t> begins_;  // offsets of the commands in the file
};

class AofLoad {
 public:
  AofLoad(LoadParts const& parts, log::AofDirectory& directory, LoadOptions const& options, bool load_truncated,
          ReplayCommand const& replay)
      : parts_(parts), directory_(directory), options_(options), load_truncated_(load_truncated), replay_(replay) {
    options_.keep_expired = true;
  }

  Result<LoadedAof> run() {
    int64_t const start_us = parts_.clock.monotonic_us();
    auto plan = log::plan_recovery(directory_);
    if (!plan) return refuse(plan.error().messages);
    parts_.progress.total_bytes.store(plan->total_bytes, std::memory_order_relaxed);
    loaded_.plan = std::move(*plan);
    for (log::AofPart& part : loaded_.plan.parts) {
      tail_was_cut_ = false;
      if (Status done = part.size == 0 ? check_empty(part) : load_part(part); !done) return std::unexpected(done.error());
      done_bytes_ += part.size;
      note_progress(done_bytes_);
    }
    if (loaded_.plan.total_bytes != 0) {
      parts_.logger.notice("%s", log::loaded_all_message(parts_.clock.monotonic_us() - start_us).c_str());
    }
    find_end_offset();
    return std::move(loaded_);
  }

 private:
  Status load_part(log::AofPart& part) {
    int64_t const start_us = parts_.clock.monotonic_us();
    auto reader = log::AofFileReader::open(directory_.disk(), part.path);
    if (!reader) {
      return refuse({"Fatal error: can't open the append log file " + part.name +
                     " for reading: " + std::strerror(reader.error().errnum)});
    }
    uint64_t preamble_bytes = 0;
    if (reader->starts_with_rdb()) {
      if (Status done = load_preamble(part, *reader, preamble_bytes); !done) return done;
    }
    if (Status done = replay_commands(part, *reader, preamble_bytes); !done) return done;
    if (Status sound = check_index(part); !sound) return sound;
    parts_.logger.notice("%s", log::loaded_part_message(part, parts_.clock.monotonic_us() - start_us).c_str());
    return {};
  }

  /// An RDB file always has bytes; of other files the index knows whether there were any.
  Status check_empty(log::AofPart const& part) {
    if (part.is_base && part.name.ends_with(kRdbSuffix)) {
      return refuse({"The RDB base file " + part.name + " is empty: the data that it had is lost"});
    }
    return check_index(part);
  }

  /// Damage that still parses, inside a key or a value, is found by the checksums of the index. It is looked for after the
  /// replay, which can name the place of damage to the commands themselves; either way the start is refused.
  Status check_index(log::AofPart const& part) {
    std::string const index_path = directory_.path(log::sidecar_name(part.name));
    auto const index = log::read_sidecar(directory_.disk(), index_path);
    if (!index) return {};
    if (!*index) {
      // One that is not sound was not written when the machine crashed; where there is none, nothing is known.
      auto const present = directory_.disk().exists(index_path);
      return present && *present ? check_for_lost_blocks(part, 0) : Status{};
    }
    auto const found = log::verify_increment(directory_.disk(), part.path, **index);
    if (!found) return {};
    if (found->ok && found->file_is_shorter) {
      if (Status accepted = accept_lost_end(part, (*index)->covered_position()); !accepted) return accepted;
    }
    if (found->ok && found->verified_until_ms >= options_.machine_up_since_ms) return {};
    if (found->ok) return check_for_lost_blocks(part, found->verified_up_to);
    return refuse({"The append only file " + part.name + " is damaged between offsets " +
                   to_text_unsigned(found->bad_begin) + " and " + to_text_unsigned(found->bad_end) +
                   ": the checksum of its index says that these bytes are not the ones that were written"});
  }

  /// The end of the file is not where it was. What has been accepted once is no loss for the starts to come.
  Status accept_lost_end(log::AofPart const& part, uint64_t known_bytes) {
    if (!tail_was_cut_) {
      log::LoadErrorDecision const decision = log::decide_lost_end(part, known_bytes, load_truncated_);
      if (!decision.go_on) return refuse(decision.messages);
      for (std::string const& message : decision.messages) parts_.logger.warning("%s", message.c_str());
    }
    std::string const name = log::sidecar_name(part.name);
    if (Status cut = log::cut_sidecar(directory_.disk(), directory_.path(name), part.size); !cut) {
      return refuse({"Can't cut off what " + name + " says of the lost end: " + cut.error().message});
    }
    return {};
  }

  /// Behind what the index knows a value may have a block that never came to the disk.
  Status check_for_lost_blocks(log::AofPart const& part, uint64_t begin) {
    if (part.is_base) return {};
    auto const zeros = log::find_block_of_zeros(directory_.disk(), part.path, begin);
    if (!zeros || !*zeros) return {};
    std::string const index = log::sidecar_name(part.name);
    return refuse({"The append only file " + part.name + " has a block of zeros at offset " + to_text_unsigned(**zeros) +
                       ", behind what its index knows (offset " + to_text_unsigned(begin) +
                       "): the machine has crashed before it was written",
                   "If these zeros are a part of your data, remove " + index + " and start again"});
  }

  Status load_preamble(log::AofPart const& part, log::AofFileReader& reader, uint64_t& preamble_bytes) {
    bool const old_style = part.name == directory_.location().stem;
    parts_.logger.notice(
        "%s", old_style ? "Reading RDB preamble from AOF file..." : "Reading RDB base file on AOF loading...");
    auto rdb = load_rdb(parts_, part.path, options_);
    if (!rdb) return refuse({"Error reading the RDB base file " + part.name + ", AOF loading aborted"});
    reader.start_at(rdb->bytes);
    preamble_bytes = rdb->bytes;
    if (old_style) parts_.logger.notice("Reading the remaining AOF tail...");
    return {};
  }

  Status replay_commands(log::AofPart& part, log::AofFileReader& reader, uint64_t begin) {
    Group group;
    while (true) {
      auto const item = reader.next();
      if (!item) return decide(part, item.error());
      if (item->kind == log::AofItem::Kind::kEnd) return {};
      if (item->kind == log::AofItem::Kind::kAnnotation) {
        begin = item->end;
        continue;
      }
      loaded_.commands++;
      if (done_bytes_ + item->end >= next_note_) note_progress(done_bytes_ + item->end);
      std::string_view const name = item->argv.front();
      if (item->argv.size() == 2 && is_word(name, "select")) loaded_.db = static_cast<int>(parse_int64(item->argv[1]).value_or(0));
      Group::Failed failed;
      Status done;
      if (group.open() || is_word(name, "multi")) {
        group.add(item->argv, begin);
        if (is_word(name, "exec")) done = group.deliver(replay_, failed);
      } else {
        done = replay_(item->argv);
        if (!done) failed = {std::string(name), begin};
      }
      if (!done) return refuse_command(part, failed, done.error());
      begin = item->end;
    }
  }

  Status decide(log::AofPart& part, log::AofError const& error) {
    log::LoadErrorDecision const decision = log::decide_load_error(directory_, part, error, load_truncated_);
    if (!decision.go_on) return refuse(decision.messages);
    for (std::string const& message : decision.messages) parts_.logger.warning("%s", message.c_str());
    tail_was_cut_ = true;
    loaded_.plan.total_bytes -= part.size - error.valid_up_to;
    if (part.is_base) loaded_.plan.base_bytes = error.valid_up_to;
    part.size = error.valid_up_to;
    return {};
  }

  Status refuse_command(log::AofPart const& part, Group::Failed const& failed, Error const& error) {
    std::string const place = "The command is in " + part.name + " at offset " + to_text_unsigned(failed.begin);
    if (error.message.empty()) return refuse({log::unknown_command_message(part, failed.name), place});
    return refuse({error.message + " reading the append only file " + part.name, place});
  }

  std::unexpected<Error> refuse(std::vector<std::string> const& messages) {
    for (std::string const& message : messages) parts_.logger.warning("%s", message.c_str());
    return fail(messages.empty() ? "AOF loading aborted" : messages.back());
  }

  void note_progress(uint64_t bytes) {
    parts_.progress.reach(bytes, parts_.clock, parts_.logger);
    next_note_ = bytes + LoadProgress::kStepBytes;
  }

  void find_end_offset() {
    if (loaded_.plan.parts.empty() || loaded_.plan.parts.back().is_base) return;
    if (auto const stream = log::written_stream(directory_.disk(), loaded_.plan.parts.back())) loaded_.stream_offset = stream->end;
  }

  LoadParts const& parts_;
  log::AofDirectory& directory_;
  LoadOptions options_;
  bool load_truncated_;
  ReplayCommand const& replay_;
  LoadedAof loaded_;
  uint64_t done_bytes_ = 0;
  bool tail_was_cut_ = false;  // of the part that is loaded now
  uint64_t next_note_ = 0;
};

}  // namespace

Result<LoadedAof> load_append_only(LoadParts const& parts, log::AofDirectory& directory, LoadOptions const& options,
                                   bool load_truncated, ReplayCommand const& replay) {
  parts.keyspace.expiry_holds.fetch_add(1, std::memory_order_relaxed);
  auto loaded = AofLoad(parts, directory, options, load_truncated, replay).run();
  parts.keyspace.expiry_holds.fetch_sub(1, std::memory_order_relaxed);
  return loaded;
}

}  // namespace holdfast::snapshot
