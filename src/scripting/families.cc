#include "scripting/families.h"

#include "scripting/eval.h"
#include "scripting/fcall.h"
#include "scripting/function_command.h"
#include "scripting/script_command.h"

namespace holdfast::scripting {

std::vector<CommandRows> families() {
  return {eval_commands(), script_commands(), fcall_commands(), function_commands(), function_change_commands()};
}

}  // namespace holdfast::scripting
