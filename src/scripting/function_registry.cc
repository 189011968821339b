#include "scripting/function_registry.h"

#include <algorithm>

#include "base/strings.h"
#include "scripting/interpreter.h"
#include "scripting/library_draft.h"
#include "scripting/shebang.h"

namespace holdfast::scripting {

size_t LibrarySet::function_count() const {
  size_t count = 0;
  for (auto const& [name, library] : libraries_) count += library->functions.size();
  return count;
}

std::optional<LibrarySet::Found> LibrarySet::find(std::string_view function) const {
  auto found = functions_.find(to_lower(function));
  if (found == functions_.end()) return std::nullopt;
  return found->second;
}

bool LibrarySet::holds(Library const* library) const {
  auto found = libraries_.find(library->name);
  return found != libraries_.end() && found->second.get() == library;
}

Status LibrarySet::index(std::shared_ptr<Library const> const& library) {
  for (size_t i = 0; i < library->functions.size(); i++) {
    std::string const& name = library->functions[i]->name;
    auto [place, added] = functions_.emplace(to_lower(name), Found{library, i});
    // One library may register names that differ in case only; the first of them is found.
    if (!added && place->second.library != library) return fail("Function " + name + " already exists");
  }
  return {};
}

Result<std::shared_ptr<LibrarySet const>> LibrarySet::with(std::vector<std::shared_ptr<Library const>> const& added,
                                                           bool replace) const {
  auto set = std::make_shared<LibrarySet>();
  set->libraries_ = libraries_;
  for (auto const& library : added) {
    auto& place = set->libraries_[library->name];
    if (place && !replace) return fail("Library " + library->name + " already exists");
    place = library;
  }
  // Those that were there come first, so that the conflict is found at a new one.
  for (auto const& [name, library] : set->libraries_) {
    if (!holds(library.get())) continue;
    if (Status indexed = set->index(library); !indexed) return std::unexpected(indexed.error());
  }
  for (auto const& library : added) {
    if (Status indexed = set->index(library); !indexed) return std::unexpected(indexed.error());
  }
  return set;
}

std::shared_ptr<LibrarySet const> LibrarySet::without(std::string_view name) const {
  auto set = std::make_shared<LibrarySet>();
  for (auto const& [each, library] : libraries_) {
    if (each == name) continue;
    set->libraries_.emplace(each, library);
    CHECK(set->index(library));
  }
  return set;
}

std::shared_ptr<LibrarySet const> FunctionRegistry::current() const {
  MutexLock lock(mutex_);
  return current_;
}

void FunctionRegistry::publish(std::shared_ptr<LibrarySet const> set) {
  MutexLock lock(mutex_);
  current_.swap(set);
  version_.fetch_add(1, std::memory_order_release);
}

Result<std::shared_ptr<Library const>> FunctionRegistry::examine(std::string_view source) const {
  Result<LibraryHeader> header = parse_library_header(source);
  if (!header) return std::unexpected(header.error());
  Interpreter interpreter(SandboxKind::kFunctions, state_bytes_, clock_, logger_);
  LibraryDraft draft;
  if (Status loaded = interpreter.load_library(header->code, draft); !loaded) return std::unexpected(loaded.error());
  if (draft.functions().empty()) return fail("No functions registered");
  auto library = std::make_shared<Library>();
  library->name = header->name;
  library->source = source;
  for (LibraryDraft::Function& each : draft.functions()) {
    auto function = std::make_unique<LibraryFunction>();
    function->name = std::move(each.name);
    function->description = std::move(each.description);
    function->flags = each.flags;
    library->functions.push_back(std::move(function));
  }
  return library;
}

snapshot::FunctionStore::Sources FunctionRegistry::sources() const {
  auto sources = std::make_shared<std::vector<std::string>>();
  std::shared_ptr<LibrarySet const> const set = current();
  for (auto const& [name, library] : set->libraries()) sources->push_back(library->source);
  return sources;
}

Status FunctionRegistry::load(std::string_view source) {
  Result<std::shared_ptr<Library const>> library = examine(source);
  if (!library) return std::unexpected(library.error());
  auto set = current()->with({*library}, true);
  if (!set) return std::unexpected(set.error());
  publish(*set);
  return {};
}

size_t FunctionRegistry::bytes() const {
  size_t bytes = 0;
  std::shared_ptr<LibrarySet const> const set = current();
  for (auto const& [name, library] : set->libraries()) {
    bytes += sizeof(Library) + library->source.capacity() + library->functions.size() * sizeof(LibraryFunction);
  }
  return bytes;
}

}  // namespace holdfast::scripting
