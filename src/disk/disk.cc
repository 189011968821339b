#include "disk/disk.h"

#include <cerrno>

namespace holdfast {

std::string lock_path(std::string const& directory, std::string const& name) { return directory + "/." + name + ".lock"; }

std::string directory_of(std::string const& path) {
  size_t const slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

Result<std::string> read_file(Disk& disk, std::string const& path, uint64_t bytes_max) {
  auto file = disk.open_read(path);
  if (!file) return std::unexpected(file.error());
  auto const size = (*file)->size();
  if (!size) return std::unexpected(size.error());
  if (*size > bytes_max) return fail_errno(path, EFBIG);
  std::string contents(*size, '\0');
  auto const got = (*file)->pread(contents, 0);
  if (!got) return std::unexpected(got.error());
  contents.resize(*got);
  return contents;
}

Status read_exactly(DiskFile& file, std::span<char> out, uint64_t offset) {
  auto const got = file.pread(out, offset);
  if (!got) return std::unexpected(got.error());
  if (*got < out.size()) return fail("the file is shorter than what was written to it");
  return {};
}

Status truncate_durably(Disk& disk, std::string const& path, uint64_t size) {
  auto file = disk.open_append(path);
  if (!file) return std::unexpected(file.error());
  if (Status cut = (*file)->truncate(size); !cut) return cut;
  return (*file)->sync();
}

Status write_file_durably(Disk& disk, std::string const& path, std::string const& temporary,
                          std::string_view contents) {
  auto const write = [&]() -> Status {
    auto file = disk.create_truncate(temporary);
    if (!file) return std::unexpected(file.error());
    if (auto status = (*file)->append(contents); !status) return status;
    if (auto status = (*file)->sync(); !status) return status;
    if (auto status = (*file)->close(); !status) return status;
    return disk.rename(temporary, path);
  };
  if (auto status = write(); !status) {
    // The first failure is the one to report; a temporary file that stays does no harm.
    (void)disk.unlink(temporary);
    return status;
  }
  return disk.sync_directory(directory_of(path));
}

}  // namespace holdfast
