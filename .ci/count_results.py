#!/usr/bin/env python3
"""Adds up the results of all steps: count_results.py <folder>. The last line is `N passed, N failed`.

A step that failed without a failed case (it crashed, ran out of time, did not build) counts as one failed case.
"""

import pathlib
import sys
import xml.etree.ElementTree as ElementTree


def outcomes(path: pathlib.Path):
    """Yields (name, "passed" | "failed" | "skipped") of each test case of a JUnit file of gtest or pytest."""
    for case in ElementTree.parse(path).getroot().iter("testcase"):
        name = f"{case.get('classname', '')} {case.get('name', '')}"
        if case.get("status") == "notrun" or case.find("skipped") is not None:
            yield name, "skipped"
        elif case.find("failure") is not None or case.find("error") is not None:
            yield name, "failed"
        else:
            yield name, "passed"


def main() -> int:
    folder = pathlib.Path(sys.argv[1])
    count = {"passed": 0, "failed": 0, "skipped": 0}
    failures = []
    for started in sorted(folder.glob("*.started")):
        broken = started.with_suffix(".failed")
        failed_before = count["failed"]
        for report in sorted(folder.glob(started.stem + "*.xml")):
            if report.stat().st_size == 0:
                continue
            try:
                for name, outcome in list(outcomes(report)):
                    count[outcome] += 1
                    if outcome != "passed":
                        failures.append(f"{outcome}: {name}")
            except ElementTree.ParseError as error:
                count["failed"] += 1
                failures.append(f"failed: {report.name} cannot be read: {error}")
        if broken.exists() and count["failed"] == failed_before:
            count["failed"] += 1
            failures.append(f"failed: {broken.read_text().strip()}")
    for line in failures:
        print(line)
    print(f"{count['passed']} passed, {count['failed']} failed")
    return 1 if count["failed"] or not count["passed"] else 0


if __name__ == "__main__":
    sys.exit(main())
