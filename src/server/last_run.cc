#include "server/last_run.h"

#include <cstdlib>

#include "base/sha1.h"
#include "base/strings.h"

namespace holdfast {
namespace {

constexpr size_t kPathBytesMax = 8192;

std::string variable(char const* name) {
  char const* value = std::getenv(name);
  return value ? value : "";
}

}  // namespace

LastRun::LastRun(Disk& disk, std::string state_directory, std::string instance)
    : disk_(disk), state_directory_(std::move(state_directory)), instance_(std::move(instance)) {}

std::string LastRun::default_directory() {
  if (std::string own = variable("HOLDFAST_STATE_DIR"); !own.empty()) return own;
  if (std::string state = variable("XDG_STATE_HOME"); !state.empty()) return state + "/holdfast";
  if (std::string home = variable("HOME"); !home.empty()) return home + "/.local/state/holdfast";
  return "";
}

std::string LastRun::path() const { return state_directory_ + "/" + sha1_hex(instance_) + ".dir"; }

std::optional<std::string> LastRun::warning(std::string const& data_directory, DataNames const& names) const {
  if (state_directory_.empty()) return std::nullopt;
  Result<std::string> before = read_file(disk_, path(), kPathBytesMax);
  if (!before) return std::nullopt;
  std::string last(trim(*before));
  if (last.empty() || last == data_directory) return std::nullopt;
  auto has_data = [&](std::string const& directory) {
    return disk_.exists(directory + "/" + names.rdb).value_or(false) ||
           disk_.exists(directory + "/" + names.append_directory).value_or(false);
  };
  if (!has_data(last)) return std::nullopt;
  return "The last run of this server kept its data in '" + last + "', and it is still there. This run uses '" +
         data_directory + "'. If that is not meant, stop now and set dir to the absolute path.";
}

void LastRun::remember(std::string const& data_directory) const {
  if (state_directory_.empty()) return;
  std::string made;
  for (std::string_view rest = state_directory_; !rest.empty();) {
    size_t slash = rest.find('/', 1);
    made += rest.substr(0, slash);
    if (!disk_.exists(made).value_or(true)) (void)disk_.make_directory(made);
    rest = slash == std::string_view::npos ? "" : rest.substr(slash);
  }
  (void)write_file_durably(disk_, path(), path() + ".new", data_directory + "\n");
}

}  // namespace holdfast
