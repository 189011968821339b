#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <optional>

#include "config/rewrite.h"

namespace holdfast::config {
namespace {

constexpr mode_t kNewFileMode = 0644;

std::unexpected<Error> failure(int errnum) { return fail(std::strerror(errnum), errnum); }

// A descriptor that is closed, and a temporary file that is gone, unless the work was finished.
class TemporaryFile {
 public:
  TemporaryFile(int descriptor, std::string path) : descriptor_(descriptor), path_(std::move(path)) {}
  ~TemporaryFile() {
    if (descriptor_ >= 0) ::close(descriptor_);
    if (!renamed_) ::unlink(path_.c_str());
  }
  TemporaryFile(TemporaryFile const&) = delete;
  TemporaryFile& operator=(TemporaryFile const&) = delete;

  Status write(std::string_view text) {
    while (!text.empty()) {
      ssize_t const written = ::write(descriptor_, text.data(), text.size());
      if (written < 0 && errno != EINTR) return failure(errno);
      if (written > 0) text.remove_prefix(static_cast<size_t>(written));
    }
    return {};
  }

  Status take_attributes(struct stat const& old) {
    // Only root may give files away; for others the new file is theirs, which is what they can do.
    if (old.st_uid != ::geteuid() || old.st_gid != ::getegid()) {
      if (::fchown(descriptor_, old.st_uid, old.st_gid) != 0 && errno != EPERM) return failure(errno);
    }
    if (::fchmod(descriptor_, old.st_mode & 07777) != 0) return failure(errno);
    return {};
  }

  Status finish(std::string const& target) {
    if (::fsync(descriptor_) != 0) return failure(errno);
    if (::rename(path_.c_str(), target.c_str()) != 0) return failure(errno);
    renamed_ = true;
    return {};
  }

 private:
  int descriptor_;
  std::string path_;
  bool renamed_ = false;
};

std::string follow_links(std::string const& path) {
  char* const resolved = ::realpath(path.c_str(), nullptr);
  std::string target = resolved == nullptr ? path : std::string(resolved);
  std::free(resolved);
  return target;
}

Status sync_directory(std::string const& directory) {
  int const descriptor = ::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (descriptor < 0) return failure(errno);
  int const errnum = ::fsync(descriptor) == 0 ? 0 : errno;
  ::close(descriptor);
  // Some file systems cannot sync a directory and say so.
  if (errnum != 0 && errnum != EINVAL) return failure(errnum);
  return {};
}

}  // namespace

Status replace_file(std::string const& path, std::string_view text) {
  std::string const target = follow_links(path);
  struct stat old {};
  bool const exists = ::stat(target.c_str(), &old) == 0;
  if (!exists && errno != ENOENT) return failure(errno);

  std::string temporary_path = target + ".XXXXXX";
  int descriptor = -1;
  if (exists) {
    descriptor = ::mkostemp(temporary_path.data(), O_CLOEXEC);
  } else {
    // The kernel applies the umask, which mkstemp's 0600 would hide.
    temporary_path = target + "." + std::to_string(::getpid());
    descriptor = ::open(temporary_path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, kNewFileMode);
  }
  if (descriptor < 0) return failure(errno);

  TemporaryFile temporary(descriptor, temporary_path);
  if (auto const done = temporary.write(text); !done) return done;
  if (exists) {
    if (auto const done = temporary.take_attributes(old); !done) return done;
  }
  if (auto const done = temporary.finish(target); !done) return done;
  size_t const slash = target.rfind('/');
  return sync_directory(slash == std::string::npos ? "." : target.substr(0, slash + 1));
}

}  // namespace holdfast::config
