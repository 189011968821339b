#include "server/data_lock.h"

#include <cerrno>
#include <utility>
#include <vector>

namespace holdfast {

using config::Directive;

Status DataLock::hold(config::Config const& config) {
  std::vector<std::string> names;
  if (!config.save_points().empty()) names.push_back(config.text(Directive::kDbfilename));
  if (config.flag(Directive::kAppendonly)) names.push_back(config.text(Directive::kAppenddirname));
  std::string const directory = config.text(Directive::kDir);
  MutexLock lock(mutex_);
  std::map<std::string, std::unique_ptr<DiskLock>> fresh;
  for (std::string const& name : names) {
    std::string const path = lock_path(directory, name);
    if (held_.contains(path)) continue;
    auto taken = disk_.lock(path);
    if (taken) {
      fresh[path] = std::move(*taken);
    } else if (taken.error().errnum == EWOULDBLOCK) {
      return fail("another server writes " + name + " in " + directory);
    } else {
      logger_.warning("WARNING: %s cannot be locked, another server on the same files would not be noticed: %s", path.c_str(),
                      taken.error().message.c_str());
    }
  }
  for (std::string const& name : names) {
    std::string const path = lock_path(directory, name);
    if (auto found = held_.find(path); found != held_.end()) fresh[path] = std::move(found->second);
  }
  held_.swap(fresh);
  return {};
}

}  // namespace holdfast
