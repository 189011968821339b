#include "rdb/source.h"

#include <algorithm>

namespace holdfast {

Result<RdbFileSource> RdbFileSource::open(DiskFile& file, uint64_t offset) {
  auto const size = file.size();
  if (!size) return std::unexpected(size.error());
  return RdbFileSource(file, std::min(offset, *size), *size);
}

Result<size_t> RdbFileSource::read(std::span<char> out) {
  size_t const wanted = static_cast<size_t>(std::min<uint64_t>(out.size(), end_ - offset_));
  auto const got = file_->pread(out.first(wanted), offset_);
  if (!got) return got;
  offset_ += *got;
  // A file that was cut meanwhile ends here.
  if (*got < wanted) end_ = offset_;
  return got;
}

}  // namespace holdfast
