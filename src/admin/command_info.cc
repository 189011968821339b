#include "admin/command_info.h"

#include <vector>

#include "command/command_parse.h"

namespace holdfast {
namespace {

void reply_flags(Command const& command, Reply& reply) {
  std::vector<std::string_view> names;
  for (size_t i = 0; i < kHiddenFlagsBegin; i++) {
    if (command.has(kCommandFlagNames[i].flag)) names.push_back(kCommandFlagNames[i].name);
  }
  reply.set(names.size());
  for (std::string_view name : names) reply.status(name);
}

void reply_number(Reply& reply, std::string_view name, int value) {
  reply.bulk(name);
  reply.integer(value);
}

void reply_begin_search(KeySpec const& spec, Reply& reply) {
  reply.map(2);
  reply.bulk("type");
  switch (spec.begin) {
    case KeySpec::Begin::kIndex:
      reply.bulk("index");
      reply.bulk("spec");
      reply.map(1);
      return reply_number(reply, "index", spec.index);
    case KeySpec::Begin::kKeyword:
      reply.bulk("keyword");
      reply.bulk("spec");
      reply.map(2);
      reply.bulk("keyword");
      reply.bulk(spec.keyword);
      return reply_number(reply, "startfrom", spec.start_from);
    case KeySpec::Begin::kUnknown:
      reply.bulk("unknown");
      reply.bulk("spec");
      return reply.map(0);
  }
}

void reply_find_keys(KeySpec const& spec, Reply& reply) {
  reply.map(2);
  reply.bulk("type");
  switch (spec.find) {
    case KeySpec::Find::kRange:
      reply.bulk("range");
      reply.bulk("spec");
      reply.map(3);
      reply_number(reply, "lastkey", spec.last_key);
      reply_number(reply, "keystep", spec.key_step);
      return reply_number(reply, "limit", spec.limit);
    case KeySpec::Find::kKeyNum:
      reply.bulk("keynum");
      reply.bulk("spec");
      reply.map(3);
      reply_number(reply, "keynumidx", spec.keynum_index);
      reply_number(reply, "firstkey", spec.first_key);
      return reply_number(reply, "keystep", spec.key_step);
    case KeySpec::Find::kUnknown:
      reply.bulk("unknown");
      reply.bulk("spec");
      return reply.map(0);
  }
}

void reply_key_spec(KeySpec const& spec, Reply& reply) {
  reply.map(spec.note.empty() ? 3 : 4);
  if (!spec.note.empty()) {
    reply.bulk("notes");
    reply.bulk(spec.note);
  }
  reply.bulk("flags");
  reply.set(spec.flags.size());
  for (std::string const& flag : spec.flags) reply.status(flag);
  reply.bulk("begin_search");
  reply_begin_search(spec, reply);
  reply.bulk("find_keys");
  reply_find_keys(spec, reply);
}

}  // namespace

void reply_command_info(Command const& command, Reply& reply) {
  reply.array(10);
  reply.bulk(command.full_name);
  reply.integer(command.arity);
  reply_flags(command, reply);
  reply.integer(command.first_key);
  reply.integer(command.last_key);
  reply.integer(command.key_step);
  reply.set(command.categories.size());
  for (std::string const& category : command.categories) reply.status("@" + category);
  auto const tips = split_list(command.row->tips, ';');
  reply.set(tips.size());
  for (std::string_view tip : tips) reply.bulk(tip);
  reply.set(command.key_specs.size());
  for (KeySpec const& spec : command.key_specs) reply_key_spec(spec, reply);
  // Without subcommands an empty set, with them an array: so Redis 7.
  command.subcommands.empty() ? reply.set(0) : reply.array(command.subcommands.size());
  for (Command const* subcommand : command.subcommands) reply_command_info(*subcommand, reply);
}

}  // namespace holdfast
