#pragma once

#include <memory>

#include "command/session.h"
#include "command/task.h"

namespace holdfast {

// The subcommands of DEBUG. Each gets the whole command, with a number of arguments that fits, and replies or returns
// what is to be done in slices. They may take a session's arguments only as copies.

// debug_keys.cc
std::unique_ptr<Task> debug_digest(Session& session, Args args, Reply& reply);
std::unique_ptr<Task> debug_digest_value(Session& session, Args args, Reply& reply);
std::unique_ptr<Task> debug_object(Session& session, Args args, Reply& reply);
std::unique_ptr<Task> debug_populate(Session& session, Args args, Reply& reply);
std::unique_ptr<Task> debug_htstats(Session& session, Args args, Reply& reply);
std::unique_ptr<Task> debug_htstats_key(Session& session, Args args, Reply& reply);

// debug_protocol.cc
std::unique_ptr<Task> debug_protocol(Session& session, Args args, Reply& reply);

// debug_reload.cc
std::unique_ptr<Task> debug_reload(Session& session, Args args, Reply& reply);
std::unique_ptr<Task> debug_loadaof(Session& session, Args args, Reply& reply);

}  // namespace holdfast
