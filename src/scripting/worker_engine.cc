#include "scripting/worker_engine.h"

#include "base/sha1.h"
#include "command/session.h"
#include "command/worker_context.h"
#include "scripting/chunk_loader.h"
#include "scripting/library_draft.h"
#include "scripting/shebang.h"

namespace holdfast::scripting {

WorkerEngine& WorkerEngine::of(Session& session) {
  std::unique_ptr<WorkerScripts>& scripts = session.worker().scripts;
  if (!scripts) {
    scripts = std::make_unique<WorkerEngine>(*session.services().scripting, session.services().clock,
                                             session.services().logger);
  }
  return static_cast<WorkerEngine&>(*scripts);
}

Interpreter& WorkerEngine::scripts() {
  if (!scripts_) {
    scripts_ = std::make_unique<Interpreter>(SandboxKind::kScripts, process_.script_state_bytes(), clock_, logger_);
  }
  return *scripts_;
}

void WorkerEngine::follow_flush() {
  uint64_t const generation = process_.scripts().generation();
  if (generation == generation_) return;
  generation_ = generation;
  compiled_.clear();
  scripts_.reset();
}

WorkerEngine::Compiled const* WorkerEngine::find_script(std::string_view sha) {
  follow_flush();
  auto found = compiled_.find(sha);
  if (found != compiled_.end()) return &found->second;
  std::shared_ptr<Script> script = process_.scripts().find(sha);
  if (!script) return nullptr;
  std::string_view const code = parse_script_header(script->text)->code;
  Result<Compiled const*> compiled = compile(std::move(script), code);
  CHECK(compiled);  // another worker has compiled it
  return *compiled;
}

Result<WorkerEngine::Compiled const*> WorkerEngine::add_script(std::string_view text) {
  std::string sha = sha1_hex(text);
  if (Compiled const* known = find_script(sha)) return known;
  Result<ScriptHeader> header = parse_script_header(text);
  if (!header) return std::unexpected(header.error());
  auto script = std::make_shared<Script>();
  script->sha = std::move(sha);
  script->text = text;
  script->flags = header->flags;
  script->has_header = header->present;
  return compile(std::move(script), header->code);
}

Result<WorkerEngine::Compiled const*> WorkerEngine::compile(std::shared_ptr<Script> script, std::string_view code) {
  lua_State* state = scripts().state();
  if (load_text(state, code, "@user_script") != 0) {
    std::string text = "Error compiling script (new function): " + std::string(text_at(state, -1));
    lua_pop(state, 1);
    return fail(std::move(text));
  }
  Compiled compiled{process_.scripts().add(std::move(script)), luaL_ref(state, LUA_REGISTRYINDEX)};
  std::string_view const key = compiled.script->sha;
  return &compiled_.emplace(key, std::move(compiled)).first->second;
}

Interpreter& WorkerEngine::functions() {
  if (!functions_) {
    functions_ =
        std::make_unique<Interpreter>(SandboxKind::kFunctions, process_.function_state_bytes(), clock_, logger_);
  }
  return *functions_;
}

void WorkerEngine::follow_registry() {
  FunctionRegistry& registry = process_.functions();
  uint64_t const version = registry.version();
  if (version == set_version_) return;
  set_ = registry.current();
  set_version_ = version;
  std::erase_if(libraries_, [this](auto const& each) {
    CompiledLibrary const& compiled = each.second;
    if (set_->holds(compiled.library.get())) return false;
    for (int reference : compiled.references) luaL_unref(functions().state(), LUA_REGISTRYINDEX, reference);
    return true;
  });
}

std::optional<LibrarySet::Found> WorkerEngine::find_function(std::string_view name) {
  follow_registry();
  return set_->find(name);
}

Result<int> WorkerEngine::function_reference(LibrarySet::Found const& function) {
  follow_registry();
  Library const* library = function.library.get();
  if (!set_->holds(library)) return fail("Function not found");
  auto compiled = libraries_.find(library);
  if (compiled == libraries_.end()) {
    LibraryDraft draft;
    Status loaded = functions().load_library(parse_library_header(library->source)->code, draft);
    if (!loaded) return std::unexpected(loaded.error());
    CompiledLibrary made{function.library, {}};
    for (LibraryDraft::Function const& each : draft.functions()) made.references.push_back(each.reference);
    CHECK(made.references.size() == library->functions.size());  // code of a library has nothing to depend on
    compiled = libraries_.emplace(library, std::move(made)).first;
  }
  return compiled->second.references[function.index];
}

}  // namespace holdfast::scripting
