#pragma once

#include "acl/catalog.h"
#include "command/command_table.h"

namespace holdfast {

/// The commands and categories of the table as rules of users see them. Ids are those of the table; names are the original ones,
/// whatever rename-command did.
acl::Catalog access_catalog(CommandTable const& commands);

}  // namespace holdfast
