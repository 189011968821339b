#include "acl/users_file.h"
#include "admin/acl_command.h"
#include "command/server_state.h"
#include "command/task.h"
#include "config/config.h"

namespace holdfast {
namespace {

/// Works on the ACL file: one at a time, and none while the configuration is being changed.
class UsersFileTask : public Task {
 public:
  explicit UsersFileTask(std::string path) : path_(std::move(path)) {}

  Progress step(TaskSlice& slice) final {
    ServerState& state = slice.session().services().state;
    if (!state.config_change.try_begin()) return Progress::kAgain;
    work(slice.session(), slice.reply());
    state.config_change.end();
    return Progress::kDone;
  }

 protected:
  std::string const path_;

 private:
  virtual void work(Session& session, Reply& reply) = 0;
};

class LoadTask final : public UsersFileTask {
 public:
  using UsersFileTask::UsersFileTask;

 private:
  void work(Session& session, Reply& reply) override {
    Services& services = session.services();
    Status const loaded = acl::load_users(services.disk, path_, services.users);
    if (!loaded) return reply.error(loaded.error().message);
    reply.ok();
    if (!session.follow_user()) session.close_after_reply();
  }
};

class SaveTask final : public UsersFileTask {
 public:
  using UsersFileTask::UsersFileTask;

 private:
  void work(Session& session, Reply& reply) override {
    Services& services = session.services();
    if (Status saved = acl::save_users(services.disk, path_, services.users); !saved) {
      services.logger.warning("Saving the users to '%s' failed: %s", path_.c_str(), saved.error().message.c_str());
      return reply.error("There was an error trying to save the ACLs. Please check the server logs for more information");
    }
    reply.ok();
  }
};

template <class Work>
std::unique_ptr<Task> begin(Session& session, Reply& reply) {
  std::string path = session.services().config.text(config::Directive::kAclfile);
  if (!path.empty()) return std::make_unique<Work>(std::move(path));
  reply.error(
      "This Redis instance is not configured to use an ACL file. You may want to specify users via the ACL SETUSER command and "
      "then issue a CONFIG REWRITE (assuming you have a Redis configuration file set) in order to store users in the Redis "
      "configuration.");
  return nullptr;
}

}  // namespace

std::unique_ptr<Task> cmd_acl_load(Session& session, Args, Reply& reply) { return begin<LoadTask>(session, reply); }
std::unique_ptr<Task> cmd_acl_save(Session& session, Args, Reply& reply) { return begin<SaveTask>(session, reply); }

}  // namespace holdfast
