#pragma once

#include "scripting/lua_value.h"

namespace holdfast::scripting {

// Tables that scripts read and cannot change. Lua 5.1 has none, so a script gets an empty table in the place of the real one: what is
// looked up in it is found in the real one, what is stored in it raises "Attempt to modify a readonly table", and the
// functions of the base library that would go past that (rawset, next ...) are replaced by ones that know such tables.

/// Replaces the table on the top by a protected one in front of it.
void protect_table(lua_State* state);
/// Pushes the real table behind the protected one at `index`; pushes nothing and returns false when it is not protected.
bool push_protected(lua_State* state, int index);
/// Pushes "Attempt to modify a readonly table" and returns kRaise.
int refuse_change(lua_State* state);

/// Puts getmetatable, setmetatable, next, pairs, rawget, rawset, and table.insert into the globals.
void install_protection(lua_State* state);

}  // namespace holdfast::scripting
