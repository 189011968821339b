#!/usr/bin/env python3
"""Every header compiles alone: check_headers.py [<compiler>]. Used by ./check full."""

import concurrent.futures
import os
import pathlib
import subprocess
import sys
import tempfile

_ROOT = pathlib.Path(__file__).resolve().parents[2]


def compile_alone(compiler: str, header: pathlib.Path) -> str:
    """What the compiler says, empty when it is content."""
    with tempfile.NamedTemporaryFile("w", suffix=".cc") as source:
        source.write(f'#include "{header.relative_to(_ROOT / "src")}"\n')
        source.flush()
        command = [compiler, "-std=c++23", "-fsyntax-only", "-Wall", "-Wextra", "-I", str(_ROOT / "src"), source.name]
        result = subprocess.run(command, capture_output=True, text=True, check=False)
    return result.stderr if result.returncode else ""


def main() -> int:
    compiler = sys.argv[1] if len(sys.argv) > 1 else "g++"
    headers = sorted((_ROOT / "src").rglob("*.h"))
    failed = 0
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for header, complaint in zip(headers, pool.map(lambda each: compile_alone(compiler, each), headers)):
            if complaint:
                failed += 1
                print(f"{header.relative_to(_ROOT)} does not compile alone:\n{complaint}")
    print(f"{len(headers) - failed} of {len(headers)} headers compile alone")
    return 1 if failed or not headers else 0


if __name__ == "__main__":
    sys.exit(main())
