#include "disk/faulty_disk.h"

#include <algorithm>
#include <iterator>

#include "base/check.h"
#include "base/random.h"

namespace holdfast {

class FaultyDisk::File final : public DiskFile {
 public:
  File(FaultyDisk& disk, InodePtr inode, std::string path, bool writable, uint64_t life)
      : disk_(disk), inode_(std::move(inode)), path_(std::move(path)), writable_(writable), life_(life) {}

  Status append(std::string_view bytes) override {
    MutexLock lock(disk_.mutex_);
    if (auto status = usable(true); !status) return status;
    auto const fault = disk_.next_fault(DiskOperation::kAppend, path_);
    int errnum = 0;
    if (fault) {
      errnum = fault->errnum;
      bytes = bytes.substr(0, fault->bytes_kept);
    }
    uint64_t const used = disk_.used_bytes();
    uint64_t const room = disk_.space_bytes_ - std::min(used, disk_.space_bytes_);
    if (bytes.size() > room) {
      errnum = ENOSPC;
      bytes = bytes.substr(0, room);
    }
    if (!bytes.empty()) {
      inode_->pending.push_back({inode_->visible.size(), std::string(bytes), false});
      inode_->visible.append(bytes);
    }
    if (errnum != 0) return fail_errno("write " + path_, errnum);
    return {};
  }

  Result<size_t> pread(std::span<char> out, uint64_t offset) override {
    MutexLock lock(disk_.mutex_);
    if (auto status = usable(false); !status) return std::unexpected(status.error());
    if (auto status = disk_.check(DiskOperation::kRead, path_); !status) return std::unexpected(status.error());
    if (offset >= inode_->visible.size()) return size_t{0};
    return inode_->visible.copy(out.data(), out.size(), offset);
  }

  Result<uint64_t> size() override {
    MutexLock lock(disk_.mutex_);
    if (auto status = usable(false); !status) return std::unexpected(status.error());
    return inode_->visible.size();
  }

  Status truncate(uint64_t size) override {
    MutexLock lock(disk_.mutex_);
    if (auto status = usable(true); !status) return status;
    if (auto status = disk_.check(DiskOperation::kTruncate, path_); !status) return status;
    inode_->visible.resize(size);
    inode_->pending.push_back({size, {}, true});
    return {};
  }

  Status sync() override {
    MutexLock lock(disk_.mutex_);
    if (auto status = usable(false); !status) return status;
    if (!disk_.powered_) return fail_errno(path_, EIO);
    auto const status = disk_.check(DiskOperation::kSync, path_);
    if (status) {
      for (Change const& change : inode_->pending) apply(change, change.bytes.size(), inode_->durable);
    }
    inode_->pending.clear();
    return status;
  }

  Status reserve(uint64_t, uint64_t) override {
    MutexLock lock(disk_.mutex_);
    return usable(true);
  }

  Status sync_range(uint64_t, uint64_t) override {
    MutexLock lock(disk_.mutex_);
    return usable(false);
  }

  Status close() override {
    MutexLock lock(disk_.mutex_);
    if (auto status = usable(false); !status) return status;
    open_ = false;
    return disk_.check(DiskOperation::kClose, path_);
  }

 private:
  Status usable(bool for_writing) REQUIRES(disk_.mutex_) {
    if (!open_ || (for_writing && !writable_)) return fail_errno(path_, EBADF);
    if (life_ != disk_.life_) return fail_errno(path_, EIO);
    return {};
  }

  FaultyDisk& disk_;
  InodePtr inode_;
  std::string path_;
  bool writable_;
  bool open_ = true;
  uint64_t life_;
};

class FaultyDisk::Lock final : public DiskLock {
 public:
  Lock(FaultyDisk& disk, std::string path, uint64_t life) : disk_(disk), path_(std::move(path)), life_(life) {}
  ~Lock() override {
    MutexLock lock(disk_.mutex_);
    if (life_ == disk_.life_) disk_.locks_.erase(path_);
  }
  Lock(Lock const&) = delete;
  Lock& operator=(Lock const&) = delete;

 private:
  FaultyDisk& disk_;
  std::string path_;
  uint64_t life_;
};

// ---- contents and names ----

std::string FaultyDisk::normalize(std::string const& path) {
  std::string out = path;
  while (out.starts_with("./")) out.erase(0, 2);
  while (out.size() > 1 && out.ends_with('/')) out.pop_back();
  return out.empty() ? "." : out;
}

void FaultyDisk::apply(Change const& change, size_t bytes_kept, std::string& contents) {
  if (change.truncates) {
    contents.resize(change.offset);
    return;
  }
  // A gap is where a failed sync lost something.
  if (contents.size() < change.offset + bytes_kept) contents.resize(change.offset + bytes_kept);
  contents.replace(change.offset, bytes_kept, change.bytes, 0, bytes_kept);
}

void FaultyDisk::apply(NameChange const& change, Names& names) {
  if (!change.removed.empty()) names.erase(change.removed);
  if (!change.added.empty()) names[change.added] = change.inode;
}

bool FaultyDisk::has_directory(std::string const& path) const {
  if (path == "." || path == "/") return true;
  InodePtr const inode = find(path);
  return inode != nullptr && inode->directory;
}

FaultyDisk::InodePtr FaultyDisk::find(std::string const& path) const {
  auto const found = names_.find(path);
  return found == names_.end() ? nullptr : found->second;
}

void FaultyDisk::change_names(NameChange change) {
  change.directory = directory_of(change.added.empty() ? change.removed : change.added);
  apply(change, names_);
  pending_names_.push_back(std::move(change));
}

uint64_t FaultyDisk::used_bytes() const {
  uint64_t used = 0;
  for (auto const& [name, inode] : names_) used += inode->visible.size();
  return used;
}

// ---- faults ----

void FaultyDisk::add_fault(Fault fault) {
  CHECK(fault.nth >= 1);
  MutexLock lock(mutex_);
  faults_.push_back(std::move(fault));
}

void FaultyDisk::clear_faults() {
  MutexLock lock(mutex_);
  faults_.clear();
}

void FaultyDisk::set_space(uint64_t bytes) {
  MutexLock lock(mutex_);
  space_bytes_ = bytes;
}

uint64_t FaultyDisk::calls(DiskOperation operation) const {
  MutexLock lock(mutex_);
  return calls_[static_cast<size_t>(operation)];
}

std::optional<FaultyDisk::Fault> FaultyDisk::next_fault(DiskOperation operation, std::string const& path) {
  ++calls_[static_cast<size_t>(operation)];
  if (!powered_) return Fault{.operation = operation};
  std::optional<Fault> hit;
  for (auto fault = faults_.begin(); fault != faults_.end();) {
    bool const concerned = fault->operation == operation && path.find(fault->path_part) != std::string::npos;
    if (!concerned || fault->nth-- > 1) {
      ++fault;
      continue;
    }
    if (!hit) hit = *fault;
    if (fault->forever) {
      fault->nth = 1;
      ++fault;
    } else {
      fault = faults_.erase(fault);
    }
  }
  return hit;
}

Status FaultyDisk::check(DiskOperation operation, std::string const& path) {
  if (auto const fault = next_fault(operation, path)) return fail_errno(path, fault->errnum);
  return {};
}

void FaultyDisk::crash(uint64_t seed, Loss loss) {
  MutexLock lock(mutex_);
  powered_ = true;
  ++life_;
  locks_.clear();
  Random random(seed);

  // Names: a prefix for each directory.
  std::map<std::string, size_t> kept;
  for (NameChange const& change : pending_names_) ++kept[change.directory];
  for (auto& [directory, count] : kept) count = random.below(count + 1);
  for (NameChange const& change : pending_names_) {
    size_t& left = kept[change.directory];
    if (left == 0) continue;
    --left;
    apply(change, durable_names_);
  }
  pending_names_.clear();
  names_ = durable_names_;
  // A directory sorts before what is in it.
  for (auto entry = names_.begin(); entry != names_.end();) {
    entry = has_directory(directory_of(entry->first)) ? std::next(entry) : names_.erase(entry);
  }
  durable_names_ = names_;

  // Contents, of each file for itself.
  std::set<Inode*> done;
  for (auto const& [name, inode] : names_) {
    if (!done.insert(inode.get()).second) continue;
    if (loss == Loss::kTail) {
      keep_prefix(*inode, random);
    } else {
      keep_blocks(*inode, random);
    }
    inode->pending.clear();
    inode->visible = inode->durable;
  }
}

/// The last change that is kept possibly in part.
void FaultyDisk::keep_prefix(Inode& inode, Random& random) {
  size_t const whole = random.below(inode.pending.size() + 1);
  for (size_t i = 0; i < whole; ++i) apply(inode.pending[i], inode.pending[i].bytes.size(), inode.durable);
  if (whole < inode.pending.size() && !inode.pending[whole].truncates) {
    Change const& torn = inode.pending[whole];
    apply(torn, random.below(torn.bytes.size() + 1), inode.durable);
  }
}

void FaultyDisk::keep_blocks(Inode& inode, Random& random) {
  std::string after = inode.durable;
  std::set<uint64_t> written;
  size_t const whole = random.below(inode.pending.size() + 1);
  for (size_t i = 0; i < whole; ++i) {
    Change const& change = inode.pending[i];
    apply(change, change.bytes.size(), after);
    if (change.bytes.empty()) continue;
    uint64_t const end = change.offset + change.bytes.size();
    for (uint64_t block = change.offset / kBlockBytes; block * kBlockBytes < end; ++block) written.insert(block);
  }
  // Now and then only a few are lost, or only a few kept.
  uint64_t const chance = 1 + random.below(15);
  uint64_t end_of_kept = std::min(inode.durable.size(), after.size());
  for (uint64_t const block : written) {
    uint64_t const begin = block * kBlockBytes;
    uint64_t const end = std::min<uint64_t>(begin + kBlockBytes, after.size());
    if (begin >= end) continue;  // cut off again
    if (random.below(16) < chance) {
      end_of_kept = std::max(end_of_kept, end);
      continue;
    }
    for (uint64_t at = begin; at < end; ++at) after[at] = at < inode.durable.size() ? inode.durable[at] : '\0';
  }
  if (random.below(2) == 0) after.resize(end_of_kept);
  inode.durable = std::move(after);
}

void FaultyDisk::cut_power() {
  MutexLock lock(mutex_);
  powered_ = false;
}

std::string FaultyDisk::contents(std::string const& path) const {
  MutexLock lock(mutex_);
  InodePtr const inode = find(normalize(path));
  return inode == nullptr ? std::string() : inode->visible;
}

void FaultyDisk::put(std::string const& path, std::string contents) {
  MutexLock lock(mutex_);
  std::string const name = normalize(path);
  auto inode = std::make_shared<Inode>();
  inode->visible = contents;
  inode->durable = std::move(contents);
  // An older change of the same name must not undo this after a crash.
  std::erase_if(pending_names_,
                [&](NameChange const& change) { return change.added == name || change.removed == name; });
  names_[name] = inode;
  durable_names_[name] = inode;
}

// ---- the interface ----

Result<FaultyDisk::InodePtr> FaultyDisk::find_or_create(std::string const& path) {
  if (InodePtr inode = find(path)) {
    if (inode->directory) return fail_errno("open " + path, EISDIR);
    return inode;
  }
  if (!has_directory(directory_of(path))) return fail_errno("open " + path, ENOENT);
  auto inode = std::make_shared<Inode>();
  change_names({.removed = "", .added = path, .inode = inode});
  return inode;
}

Result<std::unique_ptr<DiskFile>> FaultyDisk::open_for_writing(std::string const& path, bool truncate) {
  MutexLock lock(mutex_);
  std::string const name = normalize(path);
  if (auto status = check(DiskOperation::kOpen, name); !status) return std::unexpected(status.error());
  auto inode = find_or_create(name);
  if (!inode) return std::unexpected(inode.error());
  if (truncate && !(*inode)->visible.empty()) {
    (*inode)->visible.clear();
    (*inode)->pending.push_back({0, {}, true});
  }
  return std::make_unique<File>(*this, *inode, name, true, life_);
}

Result<std::unique_ptr<DiskFile>> FaultyDisk::open_append(std::string const& path) {
  return open_for_writing(path, false);
}

Result<std::unique_ptr<DiskFile>> FaultyDisk::create_truncate(std::string const& path) {
  return open_for_writing(path, true);
}

Result<std::unique_ptr<DiskFile>> FaultyDisk::open_read(std::string const& path) {
  MutexLock lock(mutex_);
  std::string const name = normalize(path);
  if (auto status = check(DiskOperation::kOpen, name); !status) return std::unexpected(status.error());
  InodePtr inode = find(name);
  if (inode == nullptr) return fail_errno("open " + name, ENOENT);
  return std::make_unique<File>(*this, std::move(inode), name, false, life_);
}

Status FaultyDisk::rename(std::string const& from, std::string const& to) {
  MutexLock lock(mutex_);
  std::string const source = normalize(from);
  std::string const target = normalize(to);
  if (auto status = check(DiskOperation::kRename, source); !status) return status;
  InodePtr inode = find(source);
  if (inode == nullptr || !has_directory(directory_of(target))) return fail_errno("rename " + source, ENOENT);
  // A directory moves with everything in it; nobody here needs that.
  if (inode->directory) return fail_errno("rename " + source, EXDEV);
  if (has_directory(target)) return fail_errno("rename " + source, EISDIR);
  if (source != target) change_names({.removed = source, .added = target, .inode = std::move(inode)});
  return {};
}

Status FaultyDisk::unlink(std::string const& path) {
  MutexLock lock(mutex_);
  std::string const name = normalize(path);
  if (auto status = check(DiskOperation::kUnlink, name); !status) return status;
  InodePtr const inode = find(name);
  if (inode == nullptr) return fail_errno("unlink " + name, ENOENT);
  if (inode->directory) return fail_errno("unlink " + name, EISDIR);
  change_names({.removed = name, .added = "", .inode = nullptr});
  return {};
}

Status FaultyDisk::make_directory(std::string const& path) {
  MutexLock lock(mutex_);
  std::string const name = normalize(path);
  if (auto status = check(DiskOperation::kMakeDirectory, name); !status) return status;
  if (find(name) != nullptr || has_directory(name)) return fail_errno("mkdir " + name, EEXIST);
  if (!has_directory(directory_of(name))) return fail_errno("mkdir " + name, ENOENT);
  auto inode = std::make_shared<Inode>();
  inode->directory = true;
  change_names({.removed = "", .added = name, .inode = std::move(inode)});
  return {};
}

Result<std::vector<std::string>> FaultyDisk::list(std::string const& directory) {
  MutexLock lock(mutex_);
  std::string const wanted = normalize(directory);
  if (auto status = check(DiskOperation::kList, wanted); !status) return std::unexpected(status.error());
  if (!has_directory(wanted)) return fail_errno("opendir " + wanted, ENOENT);
  std::vector<std::string> names;
  for (auto const& [name, inode] : names_) {
    if (directory_of(name) == wanted) names.push_back(name.substr(name.rfind('/') + 1));
  }
  std::ranges::sort(names);
  return names;
}

Result<bool> FaultyDisk::exists(std::string const& path) {
  MutexLock lock(mutex_);
  std::string const name = normalize(path);
  if (auto status = check(DiskOperation::kList, name); !status) return std::unexpected(status.error());
  return find(name) != nullptr || has_directory(name);
}

Result<uint64_t> FaultyDisk::file_size(std::string const& path) {
  MutexLock lock(mutex_);
  std::string const name = normalize(path);
  if (auto status = check(DiskOperation::kList, name); !status) return std::unexpected(status.error());
  InodePtr const inode = find(name);
  if (inode == nullptr) return fail_errno("stat " + name, ENOENT);
  return inode->visible.size();
}

Status FaultyDisk::sync_directory(std::string const& directory) {
  MutexLock lock(mutex_);
  std::string const wanted = normalize(directory);
  if (auto status = check(DiskOperation::kSyncDirectory, wanted); !status) return status;
  if (!has_directory(wanted)) return fail_errno("fsync " + wanted, ENOENT);
  for (NameChange const& change : pending_names_) {
    if (change.directory != wanted) continue;
    apply(change, durable_names_);
    if (change.removed.empty() || !change.inode) continue;
    // What was renamed has left the directory that it came from, even if nothing said there is on the disk yet.
    for (NameChange& earlier : pending_names_) {
      if (&earlier == &change) break;
      if (earlier.added == change.removed && earlier.inode == change.inode) earlier.added.clear();
    }
  }
  std::erase_if(pending_names_, [&](NameChange const& change) { return change.directory == wanted; });
  return {};
}

Result<std::unique_ptr<DiskLock>> FaultyDisk::lock(std::string const& path) {
  MutexLock guard(mutex_);
  std::string const name = normalize(path);
  if (auto status = check(DiskOperation::kLock, name); !status) return std::unexpected(status.error());
  if (auto inode = find_or_create(name); !inode) return std::unexpected(inode.error());
  if (!locks_.insert(name).second) return fail_errno("lock " + name, EWOULDBLOCK);
  return std::make_unique<Lock>(*this, name, life_);
}

Result<uint64_t> FaultyDisk::free_space(std::string const&) {
  MutexLock lock(mutex_);
  return space_bytes_ - std::min(used_bytes(), space_bytes_);
}

}  // namespace holdfast
