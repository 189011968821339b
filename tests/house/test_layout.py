"""The tree obeys its rules, and each rule finds out a tree that does not."""

import pathlib
import subprocess
import sys

import pytest

from house import check_layout

_ROOT = pathlib.Path(__file__).resolve().parents[2]

_HEADER = '#pragma once\n\n#include <string>\n'
_GOOD = {
    "cmake/HoldfastLibrary.cmake": "set(HOLDFAST_LAYOUT\n  base disk log)\n",
    "src/base/CMakeLists.txt": "holdfast_library(base LIBS crypto)\n",
    "src/base/README.md": "# base\n",
    "src/base/check.h": _HEADER,
    "src/disk/CMakeLists.txt": "holdfast_library(disk DEPS base)\n",
    "src/disk/README.md": "# disk: see [base](../base/README.md) and [the net](https://example.org/x)\n",
    "src/disk/disk.h": _HEADER + '#include "base/check.h"\n',
    "src/log/CMakeLists.txt": "holdfast_library(log DEPS disk LIBS lzf)\n",
    "src/log/README.md": "# log\n",
    "src/log/log.cc": '#include "base/check.h"\n#include "disk/disk.h"\n',
    "src/log/log_test.cc": "int long_tests_are_fine;\n" * 900,
    "tests/long.py": "pass\n" * 900,
}


@pytest.fixture
def tree(tmp_path):
    """A small tree that obeys every rule."""

    def write(files):
        for name, text in files.items():
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_text(text)
        return tmp_path

    return write(_GOOD), write


def test_the_tree_obeys():
    found = check_layout.violations(_ROOT)
    assert not found, "\n" + "\n".join(found)


def test_a_good_tree_is_accepted(tree):
    root, _ = tree
    assert check_layout.violations(root) == []


def test_transitive_dependencies_are_followed():
    declared = {"base": [], "disk": ["base"], "log": ["disk"]}
    assert check_layout.reachable("log", declared) == {"log", "disk", "base"}
    assert check_layout.reachable("base", declared) == {"base"}


@pytest.mark.parametrize(
    "name, text, symptom",
    [
        ("src/base/up.cc", '#include "log/log.cc"\n', "does not lead to log"),
        ("src/disk/side.cc", '  # include "log/log.cc"\n', "does not lead to log"),
        ("src/log/gone.cc", '#include "disk/gone.h"\n', "is no file below src/"),
        ("src/log/near.cc", '#include "log.h"\n', "is no file below src/"),
        ("src/base/CMakeLists.txt", "holdfast_library(base DEPS log)\n", "log does not stand above base"),
        ("src/log/CMakeLists.txt", "holdfast_library(log DEPS utils)\n", "utils does not stand above log"),
        ("src/utils/CMakeLists.txt", "holdfast_library(utils)\n", "src/utils: is not in HOLDFAST_LAYOUT"),
        ("src/utils/CMakeLists.txt", "holdfast_library(utils)\n", "src/utils: no README.md"),
        ("src/log/CMakeLists.txt", "add_library(log log.cc)\n", "no line holdfast_library(log ...)"),
        ("src/log/README.md", "line\n" * 41, "more than 40 lines"),
        ("src/log/log.h", "#include <string>\n", "no #pragma once"),
        ("src/log/log.h", "// #pragma once\n", "no #pragma once"),
        ("src/log/log.cc", "int x;\n" * 801, "more than 800 lines"),
        ("src/log/log.cc", "// TO" "DO: later\n", "log.cc:1: unfinished work"),
        ("docs/page.md", "Run\n/ho" "me/ann/bin/x\n", "page.md:2: a path of one machine"),
        ("src/log/log.cc", "using namespace std;\n", "using namespace std"),
        ("docs/page.md", "see [this](gone.md#part)\n", "the link gone.md leads nowhere"),
    ],
)
def test_a_bad_tree_is_found_out(tree, name, text, symptom):
    root, write = tree
    write({name: text})
    assert any(symptom in line for line in check_layout.violations(root)), check_layout.violations(root)


def test_the_command_says_so_with_its_exit_code(tree):
    root, write = tree
    command = [sys.executable, check_layout.__file__, str(root)]
    assert subprocess.run(command, capture_output=True, text=True).returncode == 0
    write({"src/log/log.h": ""})
    result = subprocess.run(command, capture_output=True, text=True)
    assert (result.returncode, result.stdout) == (1, "src/log/log.h: no #pragma once\n")
