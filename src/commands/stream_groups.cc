#include <optional>
#include <string>

#include "command/session.h"
#include "commands/stream_access.h"
#include "commands/stream_arguments.h"
#include "commands/stream_help.h"
#include "commands/streams.h"

namespace holdfast {
namespace {

/// What XGROUP CREATE and SETID take behind the id.
struct GroupOptions {
  bool mkstream = false;
  int64_t entries_read = StreamGroup::kUnknown;
};

enum class GroupCommand : uint8_t { kCreate, kSetId };

/// On failure writes the error.
std::optional<GroupOptions> parse_options(Args args, GroupCommand command, Reply& reply) {
  GroupOptions options;
  for (size_t i = 5; i < args.size(); i++) {
    if (command == GroupCommand::kCreate && args.is(i, "MKSTREAM")) {
      options.mkstream = true;
    } else if (args.is(i, "ENTRIESREAD") && i + 1 < args.size()) {
      std::optional<int64_t> const read = args.integer(++i, reply);
      if (!read) return std::nullopt;
      if (*read < 0 && *read != StreamGroup::kUnknown) {
        reply.error("value for ENTRIESREAD must be positive or -1");
        return std::nullopt;
      }
      options.entries_read = *read;
    } else {
      reply_unknown_stream_option(args, reply);
      return std::nullopt;
    }
  }
  return options;
}

/// The stream of XGROUP's key; null when there is none (the error is written unless it may be made) or another type.
struct Lookedup {
  Record* record = nullptr;
  bool ok = false;
};
Lookedup find_stream(Txn& txn, Args args, bool may_be_made, Reply& reply) {
  Record* record = txn.find(args[2], Lookup::kWrite);
  if (!is_type_or_missing(record, ValueType::kStream, reply)) return {};
  if (!record && !may_be_made) {
    reply.error(
        "The XGROUP subcommand requires the key to exist. Note that for CREATE you may want to use the MKSTREAM option "
        "to create an empty stream automatically.");
    return {};
  }
  return {record, true};
}

/// The index of a group that must be there, else the error is written.
std::optional<size_t> find_group(Record const* record, Args args, Reply& reply) {
  std::optional<size_t> const group = stream_of(record).find_group(args[3]);
  if (!group) reply_no_such_group(args[3], args[2], reply);
  return group;
}

void cmd_create(Txn& txn, Args args, Reply& reply) {
  std::optional<GroupOptions> const options = parse_options(args, GroupCommand::kCreate, reply);
  if (!options) return;
  auto const [record, ok] = find_stream(txn, args, options->mkstream, reply);
  if (!ok) return;
  constexpr size_t kArgumentsMax = 8;
  if (args.size() > kArgumentsMax) return reply_unknown_stream_option(args, reply);
  StreamId last_id = record ? stream_of(record).last_id : StreamId();
  if (args[4] != "$") {
    std::optional<StreamId> const given = stream_id_argument(args, 4, 0, StreamIdEnds::kRefused, reply);
    if (!given) return;
    last_id = *given;
  }
  if (record && stream_of(record).find_group(args[3])) {
    return reply.error("-BUSYGROUP Consumer Group name already exists");
  }
  StreamEdit stream(txn, args[2], record);
  stream->add_group(StreamGroup(std::string(args[3]), last_id, options->entries_read));
  stream.changes = 1;
  stream.notify("xgroup-create");
  reply.ok();
}

void cmd_setid(Txn& txn, Args args, Reply& reply) {
  std::optional<GroupOptions> const options = parse_options(args, GroupCommand::kSetId, reply);
  if (!options) return;
  auto const [record, ok] = find_stream(txn, args, false, reply);
  if (!ok) return;
  std::optional<size_t> const index = find_group(record, args, reply);
  if (!index) return;
  constexpr size_t kArgumentsMax = 7;
  if (args.size() > kArgumentsMax) return reply_unknown_stream_option(args, reply);
  StreamId last_id = stream_of(record).last_id;
  if (args[4] != "$") {
    std::optional<StreamId> const given = stream_id_argument(args, 4, 0, StreamIdEnds::kTaken, reply);
    if (!given) return;
    last_id = *given;
  }
  StreamEdit stream(txn, args[2], record);
  auto const group = stream->edit_group(*index);
  group->last_id = last_id;
  group->entries_read = options->entries_read;
  stream.changes = 1;
  stream.notify("xgroup-setid");
  reply.ok();
}

void cmd_destroy(Txn& txn, Args args, Reply& reply) {
  auto const [record, ok] = find_stream(txn, args, false, reply);
  if (!ok) return;
  std::optional<size_t> const index = stream_of(record).find_group(args[3]);
  reply.integer(index ? 1 : 0);
  if (!index) return;
  StreamEdit stream(txn, args[2], record);
  stream->remove_group(*index);
  stream.changes = 1;
  stream.notify("xgroup-destroy");
}

void cmd_createconsumer(Txn& txn, Args args, Reply& reply) {
  auto const [record, ok] = find_stream(txn, args, false, reply);
  if (!ok) return;
  std::optional<size_t> const index = find_group(record, args, reply);
  if (!index) return;
  bool const there = stream_of(record).group(*index).find_consumer(args[4]).has_value();
  reply.integer(there ? 0 : 1);
  if (there) return;
  StreamEdit stream(txn, args[2], record);
  stream->edit_group(*index)->add_consumer(args[4], txn.now_ms());
  stream.changes = 1;
  stream.notify("xgroup-createconsumer");
}

void cmd_delconsumer(Txn& txn, Args args, Reply& reply) {
  auto const [record, ok] = find_stream(txn, args, false, reply);
  if (!ok) return;
  std::optional<size_t> const index = find_group(record, args, reply);
  if (!index) return;
  std::optional<ConsumerIndex> const consumer = stream_of(record).group(*index).find_consumer(args[4]);
  if (!consumer) return reply.integer(0);
  StreamEdit stream(txn, args[2], record);
  reply.integer(static_cast<int64_t>(stream->edit_group(*index)->remove_consumer(*consumer)));
  stream.changes = 1;
  stream.notify("xgroup-delconsumer");
}

void cmd_help(Session&, Args, Reply& reply);

constexpr CommandRow kStreamGroupsRows[] = {
    {.name = "xgroup", .arity = -2, .flags = "", .keys = "", .categories = "", .tips = "", .group = "stream",
     .since = "5.0.0", .complexity = "Depends on subcommand.", .summary = "Manages consumer groups.", .syntax = "",
     .handler = {}},
    {.name = "xgroup|create", .arity = -5, .flags = "write denyoom", .keys = "RW insert i2 r(0,1,0)",
     .categories = "stream", .tips = "", .group = "stream", .since = "5.0.0", .complexity = "O(log G) among G groups",
     .summary = "Makes a consumer group.",
     .syntax = "key:key groupname:string id:oneof(id:string|$) [MKSTREAM] [ENTRIESREAD entries_read:integer]",
     .handler = &cmd_create, .history = "7.0.0: Takes `ENTRIESREAD`."},
    {.name = "xgroup|createconsumer", .arity = 5, .flags = "write denyoom", .keys = "RW insert i2 r(0,1,0)",
     .categories = "stream", .tips = "", .group = "stream", .since = "6.2.0",
     .complexity = "O(log C) among C consumers", .summary = "Makes a consumer of a group.",
     .syntax = "key:key groupname:string consumername:string", .handler = &cmd_createconsumer},
    {.name = "xgroup|delconsumer", .arity = 5, .flags = "write", .keys = "RW delete i2 r(0,1,0)",
     .categories = "stream", .tips = "", .group = "stream", .since = "5.0.0",
     .complexity = "O(P log N) for P entries pending for the consumer",
     .summary = "Removes a consumer and what it has pending.", .syntax = "key:key groupname:string consumername:string",
     .handler = &cmd_delconsumer},
    {.name = "xgroup|destroy", .arity = 4, .flags = "write", .keys = "RW delete i2 r(0,1,0)", .categories = "stream",
     .tips = "", .group = "stream", .since = "5.0.0", .complexity = "O(P) for P entries pending in the group",
     .summary = "Removes a group.", .syntax = "key:key groupname:string", .handler = &cmd_destroy},
    {.name = "xgroup|setid", .arity = -5, .flags = "write", .keys = "RW update i2 r(0,1,0)", .categories = "stream",
     .tips = "", .group = "stream", .since = "5.0.0", .complexity = "O(1)",
     .summary = "Sets how far a group has read.",
     .syntax = "key:key groupname:string id:oneof(id:string|$) [ENTRIESREAD entries_read:integer]",
     .handler = &cmd_setid, .history = "7.0.0: Takes `ENTRIESREAD`."},
    {.name = "xgroup|help", .arity = 2, .flags = "loading stale", .keys = "", .categories = "stream", .tips = "",
     .group = "stream", .since = "5.0.0", .complexity = "O(1)", .summary = "Prints this help.", .syntax = "",
     .handler = &cmd_help},
};

void cmd_help(Session&, Args, Reply& reply) {
  static constexpr StreamHelpLine kLines[] = {
      {"CREATE <key> <groupname> <id|$> [option]",
       "Makes a consumer group. Options: MKSTREAM makes the stream, ENTRIESREAD <n> sets the group's counter."},
      {"CREATECONSUMER <key> <groupname> <consumer>", "Makes a consumer of a group."},
      {"DELCONSUMER <key> <groupname> <consumer>", "Removes a consumer and what it has pending."},
      {"DESTROY <key> <groupname>", "Removes a group."},
      {"SETID <key> <groupname> <id|$> [ENTRIESREAD entries_read]", "Sets how far a group has read."},
  };
  reply_stream_help("XGROUP", kLines, reply);
}

}  // namespace

CommandRows stream_group_commands() { return kStreamGroupsRows; }

}  // namespace holdfast
