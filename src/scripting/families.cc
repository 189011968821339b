#include "scripting/families.h"

#include "scripting/eval.h"
#include "scripting/script_command.h"

namespace holdfast::scripting {

std::vector<CommandRows> families() { return {eval_commands(), script_commands()}; }

}  // namespace holdfast::scripting
