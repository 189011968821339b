#include "replication/history_file.h"

#include <cerrno>
#include <cinttypes>
#include <cstdio>
#include <utility>

#include "base/args.h"
#include "base/crc64.h"
#include "base/number.h"

namespace holdfast::replication {
namespace {

constexpr uint64_t kFileBytesMax = 1024;
constexpr std::string_view kChecksum = " crc ";

std::string checksum(std::string_view text) {
  char hex[17];
  std::snprintf(hex, sizeof hex, "%016" PRIx64, crc64(0, text));
  return hex;
}

}  // namespace

std::optional<History> HistoryFile::read() const {
  auto const contents = read_file(disk_, path_, kFileBytesMax);
  if (!contents) return std::nullopt;
  size_t const end = contents->rfind(kChecksum);
  if (end == contents->npos) return std::nullopt;
  std::string_view const text = std::string_view(*contents).substr(0, end);
  if (contents->substr(end + kChecksum.size()) != checksum(text) + "\n") return std::nullopt;
  auto const words = split_args(text);
  if (!words || words->size() != 4) return std::nullopt;
  std::string const& id = (*words)[1];
  std::string const& previous_id = (*words)[2];
  auto const previous_end = parse_int64((*words)[3]);
  if ((*words)[0] != "history" || id.size() != kIdDigits || previous_id.size() != kIdDigits || !previous_end) return std::nullopt;
  return History(id, previous_id, *previous_end);
}

Status HistoryFile::write(History const& history) {
  std::string const text = "history " + history.id() + " " + history.previous_id() + " " + to_text(history.previous_end());
  return write_file_durably(disk_, path_, path_ + ".tmp", text + std::string(kChecksum) + checksum(text) + "\n");
}

Status HistoryFile::remove() {
  if (Status removed = disk_.unlink(path_); !removed) {
    return removed.error().errnum == ENOENT ? Status{} : std::move(removed);
  }
  return disk_.sync_directory(path_.substr(0, path_.rfind('/')));
}

}  // namespace holdfast::replication
