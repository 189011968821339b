#include "log/recovery.h"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <utility>

#include "base/number.h"

namespace holdfast::log {
namespace {

/// Adds a file of the manifest to the plan; the message when its size cannot be told.
std::expected<void, FatalStart> add_part(AofDirectory& directory, ManifestFile const& file, bool is_base,
                                         RecoveryPlan& plan) {
  AofPart part{.name = file.name, .path = directory.path(file.name), .size = 0, .is_base = is_base, .is_last = false};
  auto const size = directory.disk().file_size(part.path);
  if (!size) {
    return std::unexpected(FatalStart{
        {"Unable to obtain the AOF file " + file.name + " length. stat: " + std::strerror(size.error().errnum)}});
  }
  part.size = *size;
  plan.total_bytes += *size;
  if (is_base) plan.base_bytes = *size;
  plan.parts.push_back(std::move(part));
  return {};
}

LoadErrorDecision format_error(AofPart const& part, AofError const& error) {
  return {false,
          {"Bad file format reading the append only file " + part.name +
               ": make a backup of your AOF file, then use ./redis-check-aof --fix <filename.manifest>",
           "The damage in " + part.name + " begins at offset " + to_text_unsigned(error.valid_up_to) + " and shows at offset " +
               to_text_unsigned(error.offset)}};
}

LoadErrorDecision unexpected_end(AofPart const& part, std::vector<std::string> messages) {
  messages.push_back("Unexpected end of file reading the append only file " + part.name +
                     ". You can: 1) Make a backup of your AOF file, then use ./redis-check-aof --fix "
                     "<filename.manifest>. 2) Alternatively you can set the 'aof-load-truncated' configuration option "
                     "to yes and restart the server.");
  return {false, std::move(messages)};
}

LoadErrorDecision decide_truncated(AofDirectory& directory, AofPart const& part, AofError const& error,
                                   bool load_truncated) {
  std::vector<std::string> messages;
  if (error.open_transaction) {
    messages.push_back("Revert incomplete MULTI/EXEC transaction in AOF file " + part.name);
  }
  if (!load_truncated) return unexpected_end(part, std::move(messages));
  messages.push_back("!!! Warning: short read while loading the AOF file " + part.name + "!!!");
  if (!part.is_last) {
    // Redis truncates the file before it finds out that it must not; we leave it as it is.
    messages.push_back("Fatal error: the truncated file is not the last file");
    return {false, std::move(messages)};
  }
  messages.push_back("!!! Truncating the AOF " + part.name + " at offset " + to_text_unsigned(error.valid_up_to) +
                     " !!!");
  if (Status cut = truncate_durably(directory.disk(), part.path, error.valid_up_to); !cut) {
    messages.push_back("Error truncating the AOF file: " + std::string(std::strerror(cut.error().errnum)));
    return unexpected_end(part, std::move(messages));
  }
  messages.push_back("AOF " + part.name + " loaded anyway because aof-load-truncated is enabled");
  return {true, std::move(messages)};
}

std::string seconds_text(int64_t elapsed_us) {
  char text[48];
  std::snprintf(text, sizeof text, "%.3f seconds", static_cast<double>(elapsed_us) / 1e6);
  return text;
}

}  // namespace

std::expected<RecoveryPlan, FatalStart> plan_recovery(AofDirectory& directory) {
  if (auto loaded = directory.load(); !loaded) return std::unexpected(std::move(loaded.error()));
  if (auto migrated = directory.migrate_single_file(); !migrated) return std::unexpected(std::move(migrated.error()));
  if (auto named = directory.refuse_without_manifest(); !named) return std::unexpected(std::move(named.error()));

  RecoveryPlan plan;
  Manifest const& manifest = directory.manifest();
  if (manifest.base) {
    if (auto added = add_part(directory, *manifest.base, true, plan); !added) {
      return std::unexpected(std::move(added.error()));
    }
  }
  for (ManifestFile const& file : manifest.increments) {
    if (auto added = add_part(directory, file, false, plan); !added) return std::unexpected(std::move(added.error()));
  }
  uint64_t bytes_after = 0;
  for (auto part = plan.parts.rbegin(); part != plan.parts.rend(); ++part) {
    part->is_last = bytes_after == 0;
    bytes_after += part->size;
  }
  return plan;
}

LoadErrorDecision decide_load_error(AofDirectory& directory, AofPart const& part, AofError const& error,
                                    bool load_truncated) {
  switch (error.kind) {
    case AofError::Kind::kIo:
      return {false,
              {"Unrecoverable error reading the append only file " + part.name + ": " + std::strerror(error.errnum)}};
    case AofError::Kind::kFormat:
      return format_error(part, error);
    case AofError::Kind::kTruncated:
      break;
  }
  auto const index = read_sidecar(directory.disk(), directory.path(sidecar_name(part.name)));
  if (index && *index && (*index)->knows_end_in(error.valid_up_to, part.size)) {
    LoadErrorDecision decision = format_error(part, error);
    decision.messages.push_back("The index of " + part.name + " knows complete commands beyond offset " +
                                to_text_unsigned(error.valid_up_to) + ": the file is damaged there, not truncated");
    return decision;
  }
  return decide_truncated(directory, part, error, load_truncated);
}

LoadErrorDecision decide_lost_end(AofPart const& part, uint64_t known_bytes, bool load_truncated) {
  std::string lost = "The append only file " + part.name + " ends at offset " + to_text_unsigned(part.size) +
                     ", and its index (" + sidecar_name(part.name) + ") knows that it was written up to offset " +
                     to_text_unsigned(known_bytes);
  // A base was on the disk as a whole before the manifest named it.
  if (part.is_base || !part.is_last) return {false, {lost + ": its end is missing"}};
  if (!load_truncated) return unexpected_end(part, {lost});
  return {true,
          {"!!! Warning: " + lost + ": the rest is lost !!!",
           "AOF " + part.name + " loaded anyway because aof-load-truncated is enabled"}};
}

Result<WrittenStream> written_stream(Disk& disk, AofPart const& part) {
  auto const index = read_sidecar(disk, sidecar_name(part.path));
  if (!index) return std::unexpected(index.error());
  if (!*index) return fail(part.name + " has no index");

  auto reader = AofFileReader::open(disk, part.path);
  if (!reader) return std::unexpected(reader.error());
  uint64_t position = (*index)->first_file_position;
  uint64_t const first = (*index)->first_stream_offset;
  reader->start_at(position);
  if (auto item = reader->next(); item && item->file_only) {
    item = reader->next();
    if (!item) return fail(part.name + " ends within its first command");
    position = item->end;
  }
  WrittenStream stream{.begin = first, .position = position, .end = first};
  // Bytes of the file that are not of the stream lie before the new place.
  auto const advance = [&](uint64_t to_position, uint64_t to_offset) {
    if (to_position - position != to_offset - stream.end) stream = {.begin = to_offset, .position = to_position};
    position = to_position;
    stream.end = to_offset;
  };
  // Up to the last entry whose bytes are still there.
  for (SidecarEntry const& entry : (*index)->entries) {
    if (entry.file_position > reader->file_size()) break;
    if (entry.file_position < position) continue;
    advance(entry.file_position, entry.stream_offset);
  }
  if (position > reader->file_size()) return fail(part.name + " is shorter than its index begins");
  reader->start_at(position);
  bool file_only = false;
  for (;;) {
    auto const item = reader->next();
    if (!item) return fail(part.name + " cannot be read to its end");
    if (item->kind == AofItem::Kind::kEnd) break;
    bool const of_stream = item->kind == AofItem::Kind::kCommand && !std::exchange(file_only, false);
    file_only = file_only || item->file_only;
    advance(item->end, stream.end + (of_stream ? item->end - item->begin : 0));
  }
  stream.whole_file = stream.begin == first;
  return stream;
}

std::string loaded_part_message(AofPart const& part, int64_t elapsed_us) {
  std::string const kind = part.is_base ? "base" : "incr";
  return "DB loaded from " + kind + " file " + part.name + ": " + seconds_text(elapsed_us);
}

std::string loaded_all_message(int64_t elapsed_us) {
  return "DB loaded from append only file: " + seconds_text(elapsed_us);
}

std::string unknown_command_message(AofPart const& part, std::string_view command) {
  return "Unknown command '" + std::string(command) + "' reading the append only file " + part.name;
}

}  // namespace holdfast::log
