#include <optional>
#include <string>
#include <string_view>

#include "admin/debug_subcommands.h"
#include "snapshot/persistence.h"

namespace holdfast {
namespace {

/// Saves (unless told not to), empties the key space and loads the file again.
class ReloadTask final : public Task {
 public:
  ReloadTask(std::string_view command, bool save, snapshot::Persistence::Reload reload)
      : command_(command), stage_(save ? Stage::kSave : Stage::kLoad), reload_(reload) {}

  Progress step(TaskSlice& slice) override {
    if (slice.in_transaction()) {
      slice.reply().error(command_ + " isn't allowed inside a transaction");
      return Progress::kDone;
    }
    Services& services = slice.session().services();
    if (!ticket_) {
      ticket_ = stage_ == Stage::kSave ? services.persistence.foreground_save()
                                       : services.persistence.start_reload(reload_);
      return Progress::kWait;
    }
    std::optional<Status> const result = services.persistence.save_result(*ticket_);
    if (!result) return Progress::kWait;
    ticket_.reset();
    return stage_ == Stage::kSave ? saved(*result, slice.reply()) : loaded(*result, services, slice.reply());
  }

 private:
  enum class Stage : uint8_t { kSave, kLoad };

  Progress saved(Status const& result, Reply& reply) {
    stage_ = Stage::kLoad;
    if (result) return Progress::kAgain;
    reply.error(result.error().message);
    return Progress::kDone;
  }
  Progress loaded(Status const& result, Services& services, Reply& reply) {
    if (!result) {
      reply.error(reload_.append_only ? "Error trying to load the AOF files, check server logs."
                                      : "Error trying to load the RDB dump, check server logs.");
    } else {
      services.logger.warning(reload_.append_only ? "Append Only File loaded by DEBUG LOADAOF"
                                                  : "DB reloaded by DEBUG RELOAD");
      reply.ok();
    }
    return Progress::kDone;
  }

  std::string command_;
  Stage stage_;
  snapshot::Persistence::Reload reload_;
  std::optional<uint64_t> ticket_;
};

}  // namespace

std::unique_ptr<Task> debug_reload(Session&, Args args, Reply& reply) {
  bool save = true;
  snapshot::Persistence::Reload reload;
  for (size_t i = 2; i < args.size(); i++) {
    if (args.is(i, "MERGE")) {
      reload.replace = true;
    } else if (args.is(i, "NOFLUSH")) {
      reload.keep = true;
    } else if (args.is(i, "NOSAVE")) {
      save = false;
    } else {
      reply.error("DEBUG RELOAD only supports the MERGE, NOFLUSH and NOSAVE options.");
      return nullptr;
    }
  }
  return std::make_unique<ReloadTask>("DEBUG RELOAD", save, reload);
}

std::unique_ptr<Task> debug_loadaof(Session&, Args, Reply&) {
  return std::make_unique<ReloadTask>("DEBUG LOADAOF", false, snapshot::Persistence::Reload{.append_only = true});
}

}  // namespace holdfast
