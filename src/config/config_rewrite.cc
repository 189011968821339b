#include <cerrno>

#include "base/number.h"
#include "config/config.h"
#include "config/rewrite.h"

// CONFIG REWRITE: the lines that each directive wants, laid over the old file.

namespace holdfast::config {
namespace {

using Lines = std::vector<RewrittenFile::Line>;

// io-threads, the alias of `threads`, in the range that Redis takes.
constexpr int64_t kRedisThreadsMax = 128;

Lines save_lines(std::string const& name, Value const& value) {
  Lines lines;
  for (SavePoint const& point : read_save(value.text)) {
    lines.push_back({name + " " + to_text(point.seconds) + " " + to_text(point.changes)});
  }
  if (lines.empty()) lines.push_back({name + " \"\""});
  return lines;
}

Lines output_limit_lines(std::string const& name, Row const& row, Value const& value) {
  constexpr std::string_view kNames[kClientClassCount] = {"normal", "replica", "pubsub"};
  OutputLimits const limits = read_output_limits(value.text);
  OutputLimits const defaults = read_output_limits(default_value(row).text);
  Lines lines;
  for (size_t i = 0; i < kClientClassCount; ++i) {
    lines.push_back({name + " " + std::string(kNames[i]) + " " + format_memory_config(limits[i].hard_bytes) + " " +
                         format_memory_config(limits[i].soft_bytes) + " " + to_text(limits[i].soft_seconds),
                     limits[i] != defaults[i]});
  }
  return lines;
}

Lines lines_of(Row const& row, std::string const& name, Value const& value, bool cluster) {
  switch (row.type) {
    case Type::kSave:
      return save_lines(name, value);
    case Type::kOutputLimits:
      return output_limit_lines(name, row, value);
    case Type::kReplicaOf:
      if (value.text.empty() || cluster) return {};
      break;
    case Type::kBind:
      if (value == default_value(row)) return {};
      break;
    default:
      if (row.empty_is_unset && value.text.empty()) return {};
      break;
  }
  bool const always = row.type == Type::kDirectory || row.type == Type::kPercentiles;
  return {{name + " " + value_text_in_file(row, value), always || value != default_value(row)}};
}

Lines as_lines(std::vector<std::string> const& texts) {
  Lines lines;
  for (std::string const& text : texts) lines.push_back({text});
  return lines;
}

}  // namespace

Status Config::rewrite(RewriteExtras const& extras) const {
  if (facts_.config_file.empty()) return fail("ERR The server is running without a config file");
  auto const old_text = read_config_file(facts_.config_file);
  if (!old_text && old_text.error().errnum != ENOENT) {
    return fail_errno("ERR Rewriting config file", old_text.error().errnum);
  }

  RewrittenFile file(old_text ? *old_text : std::string());
  bool const cluster = flag(Directive::kClusterEnabled);
  for (size_t i = 0; i < kDirectiveCount; ++i) {
    Row const& row = rows()[i];
    Value const value = values_.get(static_cast<Directive>(i));
    std::string name(row.name);
    if (row.alias_kept && file.count(row.alias) > 0 && value.number >= 1 && value.number <= kRedisThreadsMax) {
      name = row.alias;
    }
    file.place(row.name, lines_of(row, name, value, cluster));
  }
  bool const users_elsewhere = !values_.text(Directive::kAclfile).empty();
  file.place("user", users_elsewhere ? Lines() : as_lines(extras.user_lines));
  if (extras.sentinel_lines) file.place("sentinel", as_lines(*extras.sentinel_lines));

  if (auto const done = replace_file(facts_.config_file, file.text()); !done) {
    return fail_errno("ERR Rewriting config file", done.error().errnum);
  }
  return {};
}

}  // namespace holdfast::config
