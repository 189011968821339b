#include <algorithm>
#include <unordered_set>

#include "base/strings.h"
#include "config/config.h"

// CONFIG SET: check everything, put all values, run the hooks; whatever fails, the old values and hooks come back.

namespace holdfast::config {
namespace {

std::unexpected<Error> refuse(std::string_view argument, std::string_view reason) {
  std::string message = "ERR CONFIG SET failed (possibly related to argument '" + std::string(argument) + "')";
  if (!reason.empty()) message.append(" - ").append(reason);
  return fail(std::move(message));
}

}  // namespace

/// One CONFIG SET in progress.
class Config::Change {
 public:
  explicit Change(Config& config) : config_(config), dir_relative_(config.facts_.dir_relative) {}

  /// `name` is the primary name or the alias, as in the table.
  Status put(Directive directive, std::string_view name, std::string const& text) {
    Row const& row = row_of(directive);
    Value before = config_.values_.get(directive);
    std::string const directory = config_.values_.text(Directive::kDir);
    auto value = parse_value(row, {text}, {.before = before.text, .directory = directory});
    if (!value) return refuse(name, value.error().message);
    if (*value != before) note(changed_, directive);
    if (*value != before || row.always_apply) {
      for (size_t const hook : config_.hooks_of_[index_of(directive)]) note_hook(hook, name);
    }
    undo_.emplace_back(directive, std::move(before));
    config_.values_.put(directive, std::move(*value));
    if (directive == Directive::kDir) config_.facts_.dir_relative = text.front() != '/';
    return {};
  }

  Status apply() {
    for (; applied_ < hooks_.size(); ++applied_) {
      auto const& [hook, name] = hooks_[applied_];
      if (auto const done = config_.hooks_[hook](); !done) {
        ++applied_;
        return refuse(name, done.error().message);
      }
    }
    return {};
  }

  /// Puts the old values back. Hooks that ran run again; that they fail now is nothing that could be answered to.
  void roll_back() {
    for (auto at = undo_.rbegin(); at != undo_.rend(); ++at) config_.values_.put(at->first, at->second);
    config_.facts_.dir_relative = dir_relative_;
    for (size_t i = 0; i < applied_; ++i) static_cast<void>(config_.hooks_[hooks_[i].first]());
  }

  std::vector<Directive> take_changed() { return std::move(changed_); }

 private:
  static void note(std::vector<Directive>& list, Directive directive) {
    if (std::ranges::find(list, directive) == list.end()) list.push_back(directive);
  }

  void note_hook(size_t hook, std::string_view name) {
    bool const known = std::ranges::any_of(hooks_, [hook](auto const& noted) { return noted.first == hook; });
    if (!known) hooks_.emplace_back(hook, name);
  }

  Config& config_;
  bool const dir_relative_;
  std::vector<std::pair<Directive, Value>> undo_;
  std::vector<Directive> changed_;
  std::vector<std::pair<size_t, std::string_view>> hooks_;
  size_t applied_ = 0;
};

bool Config::protected_allowed(SetContext const& context) const {
  switch (choice<LocalAction>(Directive::kEnableProtectedConfigs)) {
    case LocalAction::kYes:
      return true;
    case LocalAction::kLocal:
      return context.local_connection;
    case LocalAction::kNo:
      return false;
  }
  return false;
}

Result<std::vector<Directive>> Config::set(std::span<std::pair<std::string, std::string> const> pairs,
                                           SetContext const& context) {
  struct Assignment {
    Directive directive;
    std::string_view name;
    std::string const* text;
  };
  std::vector<Assignment> assignments;
  std::unordered_set<std::string_view> names;
  for (auto const& [argument, text] : pairs) {
    auto const directive = find_directive(argument);
    if (!directive) return fail("ERR Unknown option or number of arguments for CONFIG SET - '" + std::string(until_zero_byte(argument)) + "'");
    Row const& row = row_of(*directive);
    if (row.immutable) return refuse(argument, "can't set immutable config");
    if (row.is_protected && !protected_allowed(context)) return refuse(argument, "can't set protected config");
    if (row.denied_while_loading && context.loading) return fail("LOADING Redis is loading the dataset in memory");
    std::string_view const name = iequals(argument, row.name) ? row.name : row.alias;
    if (!names.insert(name).second) return refuse(argument, "duplicate parameter");
    assignments.push_back({*directive, name, &text});
  }

  Change change(*this);
  for (Assignment const& assignment : assignments) {
    if (auto const put = change.put(assignment.directive, assignment.name, *assignment.text); !put) {
      change.roll_back();
      return std::unexpected(put.error());
    }
  }
  if (auto const applied = change.apply(); !applied) {
    change.roll_back();
    return std::unexpected(applied.error());
  }
  return change.take_changed();
}

}  // namespace holdfast::config
