#pragma once

#include "disk/disk.h"

namespace holdfast {

/// The machine's file systems.
class RealDisk final : public Disk {
 public:
  Result<std::unique_ptr<DiskFile>> open_append(std::string const& path) override;
  Result<std::unique_ptr<DiskFile>> create_truncate(std::string const& path) override;
  Result<std::unique_ptr<DiskFile>> open_read(std::string const& path) override;
  Status rename(std::string const& from, std::string const& to) override;
  Status unlink(std::string const& path) override;
  Status make_directory(std::string const& path) override;
  Result<std::vector<std::string>> list(std::string const& directory) override;
  Result<bool> exists(std::string const& path) override;
  Result<uint64_t> file_size(std::string const& path) override;
  Status sync_directory(std::string const& directory) override;
  Result<std::unique_ptr<DiskLock>> lock(std::string const& path) override;
  Result<uint64_t> free_space(std::string const& path) override;
};

}  // namespace holdfast
