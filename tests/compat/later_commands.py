"""The commands of 7.0 that Holdfast does not have yet, by family: the only ones it may answer as unknown.

Steps of a dialogue that need one of them are skipped (`@needs`), and the lists of COMMAND may lack them (D11). A name
leaves this list together with the commit that brings the command; `test_later_commands.py` fails otherwise.
"""

LATER = {
    "cluster": "asking cluster migrate readonly readwrite",
    "modules": "module",
}  # fmt: skip

NAMES = frozenset(name for names in LATER.values() for name in names.split())


def is_later(name: str) -> bool:
    """Whether `name` (`get`, `acl|cat`; any case) may be missing. A container stands for its subcommands."""
    name = name.lower()
    return name in NAMES or name.partition("|")[0] in NAMES
