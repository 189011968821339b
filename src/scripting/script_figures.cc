#include "scripting/script_figures.h"

#include "scripting/scripting.h"

namespace holdfast::scripting {

ScriptFigures script_figures(Services const& services) {
  if (!services.scripting) return {};
  Scripting& scripting = *services.scripting;
  auto bytes = [](std::atomic<int64_t> const& count) {
    return static_cast<uint64_t>(count.load(std::memory_order_relaxed));
  };
  std::shared_ptr<LibrarySet const> const libraries = scripting.functions().current();
  return {.script_states = bytes(scripting.script_state_bytes()),
          .function_states = bytes(scripting.function_state_bytes()),
          .scripts = scripting.scripts().bytes(),
          .functions = scripting.functions().bytes(),
          .script_count = scripting.scripts().size(),
          .function_count = libraries->function_count(),
          .library_count = libraries->libraries().size()};
}

}  // namespace holdfast::scripting
