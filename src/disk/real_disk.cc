#include "disk/real_disk.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <utility>

namespace holdfast {
namespace {

constexpr mode_t kFileMode = 0644;
constexpr mode_t kDirectoryMode = 0755;

std::unexpected<Error> failed(char const* what, std::string const& path) {
  int const errnum = errno;
  return fail_errno(std::string(what) + " " + path, errnum);
}

class RealFile final : public DiskFile {
 public:
  RealFile(int fd, std::string path) : fd_(fd), path_(std::move(path)) {}
  ~RealFile() override {
    if (fd_ >= 0) ::close(fd_);
  }
  RealFile(RealFile const&) = delete;
  RealFile& operator=(RealFile const&) = delete;

  Status append(std::string_view bytes) override {
    while (!bytes.empty()) {
      ssize_t const written = ::write(fd_, bytes.data(), bytes.size());
      if (written < 0) {
        if (errno == EINTR) continue;
        return failed("write", path_);
      }
      bytes.remove_prefix(static_cast<size_t>(written));
    }
    return {};
  }

  Result<size_t> pread(std::span<char> out, uint64_t offset) override {
    size_t done = 0;
    while (done < out.size()) {
      ssize_t const got = ::pread(fd_, out.data() + done, out.size() - done, static_cast<off_t>(offset + done));
      if (got < 0) {
        if (errno == EINTR) continue;
        return failed("read", path_);
      }
      if (got == 0) break;
      done += static_cast<size_t>(got);
    }
    return done;
  }

  Result<uint64_t> size() override {
    struct stat st;
    if (fstat(fd_, &st) != 0) return failed("stat", path_);
    return static_cast<uint64_t>(st.st_size);
  }

  Status truncate(uint64_t size) override {
    if (ftruncate(fd_, static_cast<off_t>(size)) != 0) return failed("truncate", path_);
    return {};
  }

  Status reserve(uint64_t offset, uint64_t length) override {
    if (fallocate(fd_, FALLOC_FL_KEEP_SIZE, static_cast<off_t>(offset), static_cast<off_t>(length)) != 0) {
      return failed("fallocate", path_);
    }
    return {};
  }

  Status sync() override {
    // Not repeated after a failure: the kernel reports a lost page only once.
    if (fdatasync(fd_) != 0) return failed("fsync", path_);
    return {};
  }

  Status sync_range(uint64_t offset, uint64_t length) override {
    if (sync_file_range(fd_, static_cast<off_t>(offset), static_cast<off_t>(length), SYNC_FILE_RANGE_WRITE) != 0) {
      return failed("sync_file_range", path_);
    }
    return {};
  }

  Status close() override {
    int const fd = std::exchange(fd_, -1);
    if (::close(fd) != 0) return failed("close", path_);
    return {};
  }

 private:
  int fd_;
  std::string path_;
};

class RealLock final : public DiskLock {
 public:
  explicit RealLock(int fd) : fd_(fd) {}
  ~RealLock() override { ::close(fd_); }
  RealLock(RealLock const&) = delete;
  RealLock& operator=(RealLock const&) = delete;

 private:
  int fd_;
};

Result<std::unique_ptr<DiskFile>> open_file(std::string const& path, int flags) {
  int const fd = open(path.c_str(), flags | O_CLOEXEC, kFileMode);
  if (fd < 0) return failed("open", path);
  return std::make_unique<RealFile>(fd, path);
}

}  // namespace

Result<std::unique_ptr<DiskFile>> RealDisk::open_append(std::string const& path) {
  return open_file(path, O_RDWR | O_APPEND | O_CREAT);
}

Result<std::unique_ptr<DiskFile>> RealDisk::create_truncate(std::string const& path) {
  return open_file(path, O_RDWR | O_APPEND | O_CREAT | O_TRUNC);
}

Result<std::unique_ptr<DiskFile>> RealDisk::open_read(std::string const& path) { return open_file(path, O_RDONLY); }

Status RealDisk::rename(std::string const& from, std::string const& to) {
  if (::rename(from.c_str(), to.c_str()) != 0) return failed("rename", from + " to " + to);
  return {};
}

Status RealDisk::unlink(std::string const& path) {
  if (::unlink(path.c_str()) != 0) return failed("unlink", path);
  return {};
}

Status RealDisk::make_directory(std::string const& path) {
  if (mkdir(path.c_str(), kDirectoryMode) != 0) return failed("mkdir", path);
  return {};
}

Result<std::vector<std::string>> RealDisk::list(std::string const& directory) {
  DIR* const stream = opendir(directory.c_str());
  if (stream == nullptr) return failed("opendir", directory);
  std::vector<std::string> names;
  errno = 0;
  while (dirent const* entry = readdir(stream)) {
    std::string_view const name = entry->d_name;
    if (name != "." && name != "..") names.emplace_back(name);
    errno = 0;
  }
  int const errnum = errno;
  closedir(stream);
  if (errnum != 0) return fail_errno("readdir " + directory, errnum);
  std::ranges::sort(names);
  return names;
}

Result<bool> RealDisk::exists(std::string const& path) {
  struct stat st;
  if (stat(path.c_str(), &st) == 0) return true;
  if (errno == ENOENT || errno == ENOTDIR) return false;
  return failed("stat", path);
}

Result<uint64_t> RealDisk::file_size(std::string const& path) {
  struct stat st;
  if (stat(path.c_str(), &st) != 0) return failed("stat", path);
  return static_cast<uint64_t>(st.st_size);
}

Status RealDisk::sync_directory(std::string const& directory) {
  int const fd = open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return failed("open", directory);
  Status status;
  // EINVAL: a file system that has no fsync for directories.
  if (fsync(fd) != 0 && errno != EINVAL) status = failed("fsync", directory);
  ::close(fd);
  return status;
}

Result<std::unique_ptr<DiskLock>> RealDisk::lock(std::string const& path) {
  int const fd = open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, kFileMode);
  if (fd < 0) return failed("open", path);
  if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
    auto error = failed("lock", path);
    ::close(fd);
    return error;
  }
  return std::make_unique<RealLock>(fd);
}

Result<uint64_t> RealDisk::free_space(std::string const& path) {
  struct statvfs st;
  if (statvfs(path.c_str(), &st) != 0) return failed("statvfs", path);
  return uint64_t{st.f_bavail} * st.f_frsize;
}

}  // namespace holdfast
