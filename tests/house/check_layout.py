#!/usr/bin/env python3
"""The rules every file of the tree obeys: check_layout.py [<root>] prints what does not, one line each.

The layout is read from where the build reads it: HOLDFAST_LAYOUT in cmake/HoldfastLibrary.cmake and the line
`holdfast_library(<folder> DEPS ...)` of each folder.
"""

import os
import pathlib
import re
import sys
from typing import Iterator

LINES_MAX = 800
README_LINES_MAX = 40
_SKIPPED = {".git", ".cache", ".idea", ".vscode", "__pycache__", ".pytest_cache", "node_modules", "data"}
_TEXT = {".cc", ".h", ".py", ".md", ".txt", ".cmake", ".json", ".sh", ".dialogue", ".conf", ".yml", ""}
_INCLUDE = re.compile(r'^\s*#\s*include\s+"([^"]+)"', re.MULTILINE)
_LINK = re.compile(r"\[[^\]]*\]\(([^)#\s]+)[^)]*\)")
# Put together, so that this file obeys them too.
_UNFINISHED = re.compile(r"\b(TO" + r"DO|FIX" + r"ME|XX" + r"X)\b")
_HOME = re.compile(r"(?<![\w.-])/(ho" + r"me|ro" + r"ot|Us" + r"ers|wo" + r"rk)/[\w.-]")


def text_files(root: pathlib.Path) -> Iterator[pathlib.Path]:
    """Every text file that people write; no build folders, no files of version control."""
    for folder, names, files in os.walk(root):
        names[:] = sorted(name for name in names if name not in _SKIPPED and not name.startswith("build"))
        for file in sorted(files):
            path = pathlib.Path(folder, file)
            if path.suffix in _TEXT and not path.is_symlink():
                yield path


def is_test(path: pathlib.Path, root: pathlib.Path) -> bool:
    return path.name.endswith("_test.cc") or path.relative_to(root).parts[0] == "tests"


def layout_order(root: pathlib.Path) -> list[str]:
    found = re.search(r"set\(HOLDFAST_LAYOUT\s+([^)]+)\)", (root / "cmake/HoldfastLibrary.cmake").read_text())
    return found.group(1).split() if found else []


def declared_dependencies(root: pathlib.Path) -> dict[str, list[str]]:
    """Folder to the folders that its CMakeLists.txt names."""
    declared = {}
    for path in sorted((root / "src").glob("*/CMakeLists.txt")):
        found = re.search(r"holdfast_library\(\s*(\w+)\s*(?:DEPS([\w\s]*?))?(?:APART)?(?:LIBS[^)]*)?\)", path.read_text())
        if found:
            declared[found.group(1)] = (found.group(2) or "").split()
    return declared


def reachable(folder: str, declared: dict[str, list[str]]) -> set[str]:
    """The folder and everything it depends on, directly or through others."""
    seen, open_ends = set(), [folder]
    while open_ends:
        each = open_ends.pop()
        if each not in seen:
            seen.add(each)
            open_ends += declared.get(each, [])
    return seen


def check_folders(root: pathlib.Path) -> Iterator[str]:
    """Every folder of src/ stands in the layout, declares what it may use and has its furniture."""
    order, declared = layout_order(root), declared_dependencies(root)
    for folder in sorted(path for path in (root / "src").iterdir() if path.is_dir()):
        name = folder.name
        if name not in order:
            yield f"src/{name}: is not in HOLDFAST_LAYOUT"
        if name not in declared:
            yield f"src/{name}/CMakeLists.txt: no line holdfast_library({name} ...)"
        for dependency in declared.get(name, []):
            if dependency not in order or (name in order and order.index(dependency) >= order.index(name)):
                yield f"src/{name}/CMakeLists.txt: {dependency} does not stand above {name} in HOLDFAST_LAYOUT"
        readme = folder / "README.md"
        if not readme.exists():
            yield f"src/{name}: no README.md"
        elif len(readme.read_text().splitlines()) > README_LINES_MAX:
            yield f"src/{name}/README.md: more than {README_LINES_MAX} lines"


def check_includes(root: pathlib.Path) -> Iterator[str]:
    """An include names folder and file, the file exists, and the folder is one that the build lets it use."""
    declared = declared_dependencies(root)
    for path in text_files(root / "src"):
        if path.suffix not in (".cc", ".h"):
            continue
        place = path.relative_to(root)
        allowed = reachable(place.parts[1], declared)
        for include in _INCLUDE.findall(path.read_text()):
            folder = include.split("/")[0]
            if not (root / "src" / include).exists():
                yield f'{place}: "{include}" is no file below src/'
            elif folder not in allowed:
                yield f'{place}: "{include}", but src/{place.parts[1]}/CMakeLists.txt does not lead to {folder}'


def check_files(root: pathlib.Path) -> Iterator[str]:
    """Rules of single files."""
    for path in text_files(root):
        place, text = path.relative_to(root), path.read_text(errors="replace")
        if path.suffix == ".h" and not re.search(r"^#pragma once$", text, re.MULTILINE):
            yield f"{place}: no #pragma once"
        if len(text.splitlines()) > LINES_MAX and not is_test(path, root):
            yield f"{place}: more than {LINES_MAX} lines"
        for number, line in enumerate(text.splitlines(), 1):
            if _UNFINISHED.search(line):
                yield f"{place}:{number}: unfinished work"
            if _HOME.search(line):
                yield f"{place}:{number}: a path of one machine"
        if path.suffix in (".cc", ".h") and re.search(r"^\s*using namespace std\s*;", text, re.MULTILINE):
            yield f"{place}: using namespace std"


def check_links(root: pathlib.Path) -> Iterator[str]:
    """A relative link of a page leads to a file."""
    for path in text_files(root):
        if path.suffix != ".md":
            continue
        for target in _LINK.findall(path.read_text()):
            if "://" not in target and not (path.parent / target).exists():
                yield f"{path.relative_to(root)}: the link {target} leads nowhere"


def violations(root: pathlib.Path) -> list[str]:
    checks = (check_folders, check_includes, check_files, check_links)
    return [line for check in checks for line in check(root)]


def main() -> int:
    root = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else pathlib.Path(__file__).resolve().parents[2]
    found = violations(root)
    for line in found:
        print(line)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
