#include "admin/info.h"

#include <algorithm>
#include <array>

#include "admin/info_sections.h"
#include "base/strings.h"

namespace holdfast {
namespace {

struct Section {
  std::string_view name;
  void (*write)(Session& session, InfoText& text);
  bool in_default = true;
  bool in_modules = false;  ///< shown by `modules` as well
  bool in_all = true;       ///< shown by `all` and `everything`
};

/// In the order of the output. `all` and `everything` take all but ours.
constexpr std::array kSections = {
    Section{"server", info_server},
    Section{"clients", info_clients},
    Section{"memory", info_memory},
    Section{"persistence", info_persistence},
    Section{"stats", info_stats},
    Section{"replication", info_replication},
    Section{"cpu", info_cpu},
    Section{"module_list", info_modules, true, true},
    Section{"commandstats", info_commandstats, false},
    Section{"errorstats", info_errorstats},
    Section{"latencystats", info_latencystats, false},
    Section{"cluster", info_cluster},
    Section{"keyspace", info_keyspace},
    Section{.name = "workers", .write = info_workers, .in_default = false, .in_all = false},
    Section{.name = "partitions", .write = info_partitions, .in_default = false, .in_all = false},
};

bool asks_for(std::string_view word, Section const& section) {
  if (iequals(word, "all") || iequals(word, "everything")) return section.in_all;
  if (iequals(word, "default")) return section.in_default;
  if (iequals(word, "modules")) return section.in_modules;
  return iequals(word, section.name);
}

void cmd_info(Session& session, Args args, Reply& reply) {
  reply.verbatim("txt", info_text(session, args.span().subspan(1)));
}

constexpr CommandRow kInfoRows[] = {
    {.name = "info", .arity = -1, .flags = "loading stale", .keys = "", .categories = "dangerous",
     .tips = "nondeterministic_output; request_policy:all_shards; response_policy:special", .group = "server",
     .since = "1.0.0", .complexity = "O(1)", .summary = "Reports the state and the statistics of the server.",
     .syntax = "[section:string...]", .handler = &cmd_info, .history = "7.0.0: Takes several sections."},
};

}  // namespace

std::string info_text(Session& session, std::span<std::string_view const> sections) {
  constexpr std::string_view kDefault[] = {"default"};
  if (sections.empty()) sections = kDefault;
  InfoText text;
  for (Section const& section : kSections) {
    if (std::ranges::any_of(sections, [&](std::string_view word) { return asks_for(word, section); })) {
      section.write(session, text);
    }
  }
  return text.text();
}

CommandRows info_commands() { return kInfoRows; }

}  // namespace holdfast
