#include "admin/command_docs.h"

#include <string>
#include <utility>
#include <vector>

#include "admin/command_syntax.h"
#include "base/check.h"
#include "base/strings.h"
#include "command/command_parse.h"

namespace holdfast {
namespace {

/// "version: text" in two.
std::pair<std::string_view, std::string_view> split_version(std::string_view entry) {
  size_t const colon = entry.find(':');
  CHECK(colon != std::string_view::npos);
  return {entry.substr(0, colon), trim(entry.substr(colon + 1))};
}

/// Fields of a map whose number is known only at the end.
class MapReply {
 public:
  explicit MapReply(Reply& reply) : reply_(reply), mark_(reply.begin_deferred()) {}
  ~MapReply() { reply_.end_deferred_map(mark_, pairs_); }
  MapReply(MapReply const&) = delete;
  MapReply& operator=(MapReply const&) = delete;

  /// Writes the name of a field; the caller writes the value.
  Reply& field(std::string_view name) {
    pairs_++;
    reply_.bulk(name);
    return reply_;
  }
  /// A field that is left out when it is empty.
  void text(std::string_view name, std::string_view value) {
    if (!value.empty()) field(name).bulk(value);
  }

 private:
  Reply& reply_;
  size_t mark_;
  size_t pairs_ = 0;
};

void reply_statuses(Reply& reply, std::vector<std::string_view> const& words) {
  reply.set(words.size());
  for (std::string_view word : words) reply.status(word);
}

void reply_arguments(std::vector<CommandArgument> const& arguments, Reply& reply);

void reply_argument(CommandArgument const& argument, Reply& reply) {
  MapReply map(reply);
  map.field("name").bulk(argument.name);
  map.field("type").bulk(argument.type);
  if (argument.key_spec_index >= 0) map.field("key_spec_index").integer(argument.key_spec_index);
  if (argument.has_token) map.field("token").bulk(argument.token);
  map.text("since", argument.since);
  std::vector<std::string_view> flags;
  if (argument.optional) flags.push_back("optional");
  if (argument.multiple) flags.push_back("multiple");
  if (argument.multiple_token) flags.push_back("multiple_token");
  if (!flags.empty()) reply_statuses(map.field("flags"), flags);
  if (!argument.arguments.empty()) reply_arguments(argument.arguments, map.field("arguments"));
}

void reply_arguments(std::vector<CommandArgument> const& arguments, Reply& reply) {
  reply.array(arguments.size());
  for (CommandArgument const& argument : arguments) reply_argument(argument, reply);
}

}  // namespace

void reply_command_docs(Command const& command, Reply& reply) {
  CommandRow const& row = *command.row;
  MapReply map(reply);
  map.text("summary", row.summary);
  map.text("since", row.since);
  map.text("group", row.group);
  map.text("complexity", row.complexity);
  std::vector<std::string_view> doc_flags;
  if (!row.deprecated.empty()) doc_flags.push_back("deprecated");
  // Commands that servers send each other, and those for tests.
  if (command.has(kAsking | kProtected)) doc_flags.push_back("syscmd");
  if (!doc_flags.empty()) reply_statuses(map.field("doc_flags"), doc_flags);
  if (!row.deprecated.empty()) {
    auto const [since, replaced_by] = split_version(row.deprecated);
    map.text("deprecated_since", since);
    map.text("replaced_by", replaced_by);
  }
  if (auto const entries = split_list(row.history, ';'); !entries.empty()) {
    map.field("history").set(entries.size());
    for (std::string_view entry : entries) {
      auto const [version, text] = split_version(entry);
      reply.array(2);
      reply.bulk(version);
      reply.bulk(text);
    }
  }
  auto const arguments = parse_command_syntax(row.syntax);
  CHECK(arguments);
  if (!arguments->empty()) reply_arguments(*arguments, map.field("arguments"));
  if (command.subcommands.empty()) return;
  map.field("subcommands").map(command.subcommands.size());
  for (Command const* subcommand : command.subcommands) {
    reply.bulk(subcommand->full_name);
    reply_command_docs(*subcommand, reply);
  }
}

}  // namespace holdfast
