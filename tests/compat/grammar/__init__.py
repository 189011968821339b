"""What the generator can say: one module a family, each with a table `RULES` at its end.

A new family is a module here with such a table and its name in FAMILIES.
"""

import importlib

from compat.grammar.rule import Rule

FAMILIES = (
    "strings", "bitmaps", "keys", "databases", "transactions", "hashes", "lists", "sets", "sorted_sets", "geo",
    "streams",
)  # fmt: skip


def load_rules(families: tuple[str, ...] = FAMILIES) -> list[Rule]:
    """The rules of the named families. Raises ModuleNotFoundError for an unknown name."""
    rules: list[Rule] = []
    for family in families:
        rules += importlib.import_module(f"compat.grammar.{family}").RULES
    return rules
