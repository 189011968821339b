#include "log/reader.h"

#include <algorithm>
#include <cstring>

#include "base/check.h"
#include "base/number.h"
#include "base/strings.h"

namespace holdfast::log {
namespace {

/// Read at once; the buffer grows beyond it only for a larger command.
constexpr size_t kReadBytes = 1024 * 1024;
/// Digits of the largest length that fits every check below without overflow.
constexpr size_t kLengthDigitsMax = 18;

}  // namespace

Result<AofFileReader> AofFileReader::open(Disk& disk, std::string const& path) {
  auto file = disk.open_read(path);
  if (!file) return std::unexpected(file.error());
  auto size = (*file)->size();
  if (!size) return std::unexpected(size.error());
  AofFileReader reader(std::move(*file), *size);
  while (reader.filled_ < kRdbMagic.size() && reader.fill()) {
  }
  reader.starts_with_rdb_ = std::string_view(reader.buffer_.get(), reader.filled_).starts_with(kRdbMagic);
  return reader;
}

AofFileReader::AofFileReader(std::unique_ptr<DiskFile> file, uint64_t file_size)
    : file_(std::move(file)),
      file_size_(file_size),
      buffer_(std::make_unique_for_overwrite<char[]>(kReadBytes)),
      capacity_(kReadBytes) {}

AofFileReader::AofFileReader(AofFileReader&&) noexcept = default;
AofFileReader& AofFileReader::operator=(AofFileReader&&) noexcept = default;
AofFileReader::~AofFileReader() = default;

void AofFileReader::start_at(uint64_t position) {
  CHECK(position <= file_size_);
  if (position >= buffer_begin_ && position <= buffer_begin_ + filled_) {
    parse_ = position - buffer_begin_;
  } else {
    buffer_begin_ = position;
    filled_ = parse_ = 0;
  }
  valid_up_to_ = position;
  in_transaction_ = false;
  failed_ = false;
}

std::expected<AofItem, AofError> AofFileReader::next() {
  if (failed_) return std::unexpected(error_);
  for (;;) {
    AofItem item;
    item.begin = position();
    cursor_ = parse_;
    wanted_ = 0;
    if (parse_ == filled_) {
      if (bytes_left(parse_) == 0) {
        item.end = item.begin;
        if (!in_transaction_) return item;
        return fail_with(AofError::Kind::kTruncated, item.begin);
      }
    } else {
      Step const step = buffer_[parse_] == '#' ? parse_annotation(item) : parse_command(item);
      if (step == Step::kDone) {
        parse_ = cursor_;
        item.end = position();
        if (item.kind == AofItem::Kind::kCommand) track_transaction();
        return item;
      }
      if (step == Step::kBad) return fail_with(AofError::Kind::kFormat, buffer_begin_ + cursor_);
    }
    if (!fill()) {
      if (failed_) return std::unexpected(error_);
      return fail_with(AofError::Kind::kTruncated, item.begin);
    }
  }
}

/// `#...` to the next LF. Without LF at the end of the file it is truncated: the next append would become a part of it.
AofFileReader::Step AofFileReader::parse_annotation(AofItem& item) {
  std::string_view const text(buffer_.get() + parse_, std::min(filled_ - parse_, kAnnotationBytesMax));
  size_t const lf = text.find('\n');
  if (lf == text.npos) return text.size() < kAnnotationBytesMax ? Step::kMore : Step::kBad;
  item.kind = AofItem::Kind::kAnnotation;
  std::string_view const line = trim(text.substr(0, lf));
  if (line.starts_with("#TS:")) item.timestamp_s = parse_int64(line.substr(4)).value_or(0);
  item.file_only = line == trim(kFileOnlyAnnotation);
  cursor_ = parse_ + lf + 1;
  return Step::kDone;
}

AofFileReader::Step AofFileReader::parse_command(AofItem& item) {
  uint64_t count = 0;
  if (Step const step = parse_header('*', count); step != Step::kDone) return step;
  if (count == 0) {
    cursor_ = parse_;
    return Step::kBad;
  }
  argv_.clear();
  for (uint64_t i = 0; i < count; ++i) {
    uint64_t length = 0;
    if (Step const step = parse_header('$', length); step != Step::kDone) return step;
    if (filled_ - cursor_ < length + 2) {
      wanted_ = cursor_ - parse_ + length + 2;
      return Step::kMore;
    }
    argv_.emplace_back(buffer_.get() + cursor_, length);
    cursor_ += length;
    if (buffer_[cursor_] != '\r' || buffer_[cursor_ + 1] != '\n') return Step::kBad;
    cursor_ += 2;
  }
  item.kind = AofItem::Kind::kCommand;
  item.argv = argv_;
  return Step::kDone;
}

/// `<mark><digits> CR LF` at cursor_.
AofFileReader::Step AofFileReader::parse_header(char mark, uint64_t& number) {
  char const* const begin = buffer_.get() + cursor_;
  char const* const end = buffer_.get() + filled_;
  char const* at = begin;
  auto const stop = [&](Step step) {
    cursor_ += static_cast<size_t>(at - begin);
    return step;
  };
  if (at == end) return Step::kMore;
  if (*at != mark) return Step::kBad;
  ++at;
  char const* const digits = at;
  for (number = 0; at != end && *at >= '0' && *at <= '9'; ++at) number = number * 10 + static_cast<uint64_t>(*at - '0');
  if (at - digits > static_cast<ptrdiff_t>(kLengthDigitsMax)) return stop(Step::kBad);
  if (at == end) return stop(Step::kMore);
  if (at == digits || *at != '\r') return stop(Step::kBad);
  ++at;
  if (at == end) return stop(Step::kMore);
  if (*at != '\n') return stop(Step::kBad);
  ++at;
  return stop(Step::kDone);
}

/// After a command: the end of MULTI ... EXEC is a place to cut at, the middle is not.
void AofFileReader::track_transaction() {
  if (argv_.size() == 1) {
    if (iequals(argv_[0], "multi")) in_transaction_ = true;
    if (iequals(argv_[0], "exec") || iequals(argv_[0], "discard")) in_transaction_ = false;
  }
  if (!in_transaction_) valid_up_to_ = position();
}

bool AofFileReader::fill() {
  if (wanted_ > bytes_left(parse_)) return false;
  if (bytes_left(filled_) == 0) return false;

  // Make room: move what is left of the buffer to its front, and let it grow when one command needs it all.
  size_t const kept = filled_ - parse_;
  size_t const needed = std::max(wanted_, kept + 1);
  if (needed > capacity_) {
    size_t const capacity = std::max(needed, capacity_ * 2);
    auto larger = std::make_unique_for_overwrite<char[]>(capacity);
    std::memcpy(larger.get(), buffer_.get() + parse_, kept);
    buffer_ = std::move(larger);
    capacity_ = capacity;
  } else {
    std::memmove(buffer_.get(), buffer_.get() + parse_, kept);
  }
  buffer_begin_ += parse_;
  parse_ = 0;
  filled_ = kept;

  size_t const room = std::min<uint64_t>(capacity_ - filled_, bytes_left(filled_));
  auto got = file_->pread({buffer_.get() + filled_, room}, buffer_begin_ + filled_);
  if (!got) {
    static_cast<void>(fail_with(AofError::Kind::kIo, buffer_begin_ + filled_, got.error().errnum));
    return false;
  }
  filled_ += *got;
  return *got > 0;
}

std::unexpected<AofError> AofFileReader::fail_with(AofError::Kind kind, uint64_t offset, int errnum) {
  failed_ = true;
  error_ = {kind, valid_up_to_, offset, std::max(offset, buffer_begin_ + cursor_), in_transaction_, errnum};
  return std::unexpected(error_);
}

}  // namespace holdfast::log
