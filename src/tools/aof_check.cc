#include "tools/aof_check.h"

#include <algorithm>
#include <cstring>

#include "base/number.h"
#include "base/strings.h"
#include "log/manifest.h"
#include "log/reader.h"
#include "log/sidecar_index.h"
#include "tools/regular_file.h"
#include "tools/text.h"

namespace holdfast::tools {
namespace {

class FileCheck {
 public:
  FileCheck(Disk& disk, std::string const& path, AofFileOptions const& options)
      : disk_(disk), path_(path), options_(options) {}

  AofFileReport run() {
    read();
    if (report_.verdict != AofVerdict::kUnreadable) {
      read_index();
      if (options_.until_unix_s && !report_.first_time_s && report_.ok()) cut_by_index();
      find_what_is_at_risk();
    }
    return std::move(report_);
  }

 private:
  void read() {
    if (Status usable = refuse_special_file(path_); !usable) return unreadable(usable.error().message);
    auto reader = log::AofFileReader::open(disk_, path_);
    if (!reader) return unreadable(reader.error().message);
    report_.size = reader->file_size();
    if (report_.size == 0) {
      report_.verdict = AofVerdict::kEmpty;
      return;
    }
    if (reader->starts_with_rdb()) {
      if (!read_rdb()) return;
      reader->start_at(std::min(report_.rdb->rdb_bytes, report_.size));
    }
    read_commands(*reader);
  }

  bool read_rdb() {
    report_.rdb = check_rdb(disk_, path_, {.now_unix_ms = options_.now_unix_ms, .expect_tail = true});
    if (report_.rdb->ok()) return true;
    RdbDamage const& damage = *report_.rdb->damage;
    bool const truncated = damage.kind == "truncated";
    found(truncated ? AofVerdict::kTruncated : AofVerdict::kCorrupt, damage.fault_offset, damage.message);
    report_.problem->in_rdb = true;
    return false;
  }

  void read_commands(log::AofFileReader& reader) {
    for (;;) {
      bool const in_transaction = reader.in_transaction();
      report_.sound_up_to = reader.valid_up_to();
      auto const item = reader.next();
      if (!item) return on_error(item.error());
      if (item->kind == log::AofItem::Kind::kEnd) break;
      if (item->kind == log::AofItem::Kind::kCommand) {
        if (is_alone(item->argv, "multi") && in_transaction) return found_unexpected("MULTI", item->begin);
        if (is_alone(item->argv, "exec") && !in_transaction) return found_unexpected("EXEC", item->begin);
        count(*item);
        if (!reader.in_transaction()) keep_counted();
      } else if (!on_annotation(*item, reader)) {
        return;
      }
    }
    report_.sound_up_to = report_.size;
  }

  static bool is_alone(std::span<std::string_view const> argv, std::string_view name) {
    return argv.size() == 1 && iequals(argv[0], name);
  }

  /// False: here it is cut.
  bool on_annotation(log::AofItem const& item, log::AofFileReader const& reader) {
    if (item.timestamp_s == 0) return true;
    if (options_.until_unix_s && item.timestamp_s > *options_.until_unix_s) {
      report_.cut_for_time = reader.in_transaction() ? reader.valid_up_to() : item.begin;
      if (!report_.first_time_s) report_.first_time_s = item.timestamp_s;
      return false;
    }
    if (!report_.first_time_s) report_.first_time_s = item.timestamp_s;
    time_s_ = item.timestamp_s;
    return true;
  }

  // ---- statistics: commands behind MULTI count when it is complete ----

  void count(log::AofItem const& item) {
    CommandStats& stats = pending_[name_of(item.argv.front())];
    stats.count++;
    stats.bytes += item.end - item.begin;
  }

  std::string name_of(std::string_view name) const {
    if (name.size() > kCommandNameBytesMax) return kOtherCommands;
    std::string lower = printable(to_lower(name));
    bool const listed = report_.by_name.contains(lower) || pending_.contains(lower);
    return listed || report_.by_name.size() + pending_.size() < kListedCommandsMax ? lower : kOtherCommands;
  }

  void keep_counted() {
    if (time_s_) report_.sound_until_s = time_s_;
    for (auto const& [name, stats] : pending_) {
      CommandStats& kept = report_.by_name[name];
      kept.count += stats.count;
      kept.bytes += stats.bytes;
      report_.commands += stats.count;
      report_.command_bytes += stats.bytes;
    }
    pending_.clear();
  }

  // ---- problems ----

  void unreadable(std::string const& message) {
    report_.verdict = AofVerdict::kUnreadable;
    report_.problem = AofProblem{.message = printable(message, message.size())};
  }

  void found(AofVerdict verdict, uint64_t offset, std::string message) {
    report_.verdict = verdict;
    report_.problem = AofProblem{.message = std::move(message), .offset = offset};
  }

  void found_unexpected(char const* name, uint64_t offset) {
    found(AofVerdict::kCorrupt, offset, std::string("Unexpected ") + name);
  }

  void on_error(log::AofError const& error) {
    report_.sound_up_to = error.valid_up_to;
    switch (error.kind) {
      case log::AofError::Kind::kIo:
        return unreadable(std::string("reading failed: ") + std::strerror(error.errnum));
      case log::AofError::Kind::kFormat:
        return found(AofVerdict::kCorrupt, error.offset,
                     "Bad file format: no command or annotation has this byte here");
      case log::AofError::Kind::kTruncated:
        break;
    }
    bool const between = error.offset == report_.size;
    found(AofVerdict::kTruncated, error.offset,
          between ? "Reached EOF before reading EXEC for MULTI"
                  : "Unexpected EOF in the command or annotation that begins here");
  }

  // ---- the index ----

  void read_index() {
    std::string const index_path = log::sidecar_name(path_);
    if (!refuse_special_file(index_path)) return;
    auto const size = disk_.file_size(index_path);
    if (!size) return;
    IndexReport& found_index = report_.index.emplace();
    auto index = log::read_sidecar(disk_, index_path);
    if (!index || !*index) {
      found_index.unsound_bytes = *size;
      return;
    }
    found_index.sound = true;
    found_index.entries = (*index)->entries.size();
    found_index.unsound_bytes = *size - std::min(*size, (*index)->valid_bytes());
    note_times(**index);
    compare(**index, found_index);
    index_ = std::move(*index);
  }

  void note_times(log::SidecarIndex const& index) {
    for (log::SidecarEntry const& entry : index.entries) {
      if (entry.file_position > report_.sound_up_to) break;
      report_.sound_until_s = std::max(report_.sound_until_s.value_or(0), entry.unix_ms / 1000);
    }
  }

  void compare(log::SidecarIndex const& index, IndexReport& found_index) {
    auto const verified = log::verify_increment(disk_, path_, index);
    if (!verified) return;
    found_index.verified_up_to = std::min(verified->verified_up_to, report_.size);
    found_index.bad_begin = verified->bad_begin;
    found_index.bad_end = verified->bad_end;
    found_index.file_is_shorter = verified->file_is_shorter;
    bool const in_sound_part = !verified->ok && verified->bad_begin < report_.sound_up_to;
    if (in_sound_part && !options_.until_unix_s) {
      std::string message = "The checksum of the index says that the bytes up to offset " +
                            to_text_unsigned(verified->bad_end) + " are not the ones that were written";
      if (report_.problem) message += "; reading them breaks at offset " + to_text_unsigned(report_.problem->offset);
      found(AofVerdict::kCorrupt, verified->bad_begin, std::move(message));
      report_.sound_up_to = verified->bad_begin;
      report_.sound_until_s = verified->verified_until_ms / 1000;
    } else if (report_.verdict == AofVerdict::kTruncated && index.knows_end_in(report_.sound_up_to, report_.size)) {
      report_.verdict = AofVerdict::kCorrupt;
      report_.problem->message += "; the index knows complete commands behind it, so it is damaged, not torn";
    }
  }

  /// Where there are no annotations the entries of the index tell the time.
  void cut_by_index() {
    if (!index_ || index_->entries.empty()) return;
    int64_t const until_ms = *options_.until_unix_s * 1000 + 999;
    uint64_t keep = index_->created_ms <= until_ms ? index_->first_file_position : 0;
    for (log::SidecarEntry const& entry : index_->entries) {
      if (entry.unix_ms > until_ms) {
        report_.cut_for_time = std::min(keep, report_.size);
        return;
      }
      keep = entry.file_position;
    }
  }

  void find_what_is_at_risk() {
    if (!report_.problem || report_.problem->in_rdb) return;
    if (auto risk = find_at_risk(disk_, path_, report_.sound_up_to)) report_.at_risk = *risk;
  }

  Disk& disk_;
  std::string const& path_;
  AofFileOptions const& options_;
  AofFileReport report_;
  std::optional<log::SidecarIndex> index_;
  std::map<std::string, CommandStats, std::less<>> pending_;
  /// Of the latest annotation, unix seconds.
  std::optional<int64_t> time_s_;
};

}  // namespace

std::string verdict_name(AofVerdict verdict) {
  switch (verdict) {
    case AofVerdict::kOk:
      return "ok";
    case AofVerdict::kEmpty:
      return "empty";
    case AofVerdict::kTruncated:
      return "truncated";
    case AofVerdict::kCorrupt:
      return "corrupt";
    case AofVerdict::kUnreadable:
      return "unreadable";
  }
  return "corrupt";
}

AofFileReport check_aof_file(Disk& disk, std::string const& path, AofFileOptions const& options) {
  return FileCheck(disk, path, options).run();
}

}  // namespace holdfast::tools
