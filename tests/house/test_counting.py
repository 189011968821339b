"""What ./check and .ci/run say at the end is what happened."""

import pathlib
import subprocess
import sys

_ROOT = pathlib.Path(__file__).resolve().parents[2]
_CASES = """<testsuites><testsuite>
<testcase classname="S" name="good"/>
<testcase classname="S" name="bad"><failure message="m"/></testcase>
<testcase classname="S" name="broken"><error message="m"/></testcase>
<testcase classname="S" name="left out"><skipped message="m"/></testcase>
<testcase classname="S" name="switched off" status="notrun"/>
</testsuite></testsuites>"""
_GOOD = '<testsuites><testsuite><testcase classname="S" name="good"/></testsuite></testsuites>'


def _count(folder: pathlib.Path) -> tuple[int, list[str]]:
    command = [sys.executable, str(_ROOT / ".ci/count_results.py"), str(folder)]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    return result.returncode, result.stdout.splitlines()


def _step(folder: pathlib.Path, name: str, report: str = "", failed: str = "") -> None:
    (folder / f"{name}.started").touch()
    if report:
        (folder / f"{name}.xml").write_text(report)
    if failed:
        (folder / f"{name}.failed").write_text(failed)


def test_cases_are_added_up_over_steps(tmp_path):
    _step(tmp_path, "000-a", _GOOD)
    _step(tmp_path, "001-b", _GOOD)
    _step(tmp_path, "002-build")
    assert _count(tmp_path) == (0, ["2 passed, 0 failed"])


def test_a_step_may_have_several_reports(tmp_path):
    _step(tmp_path, "000-a", _GOOD)
    _step(tmp_path, "001-b")
    for half in (0, 1):
        (tmp_path / f"001-b-{half}.xml").write_text(_GOOD)
    assert _count(tmp_path) == (0, ["3 passed, 0 failed"])


def test_every_outcome_is_told_apart(tmp_path):
    _step(tmp_path, "000-a", _CASES, "a: exit code 1")
    code, lines = _count(tmp_path)
    assert (code, lines[-1]) == (1, "1 passed, 2 failed")
    assert {"failed: S bad", "failed: S broken", "skipped: S left out"} < set(lines)


def test_a_step_that_broke_counts_though_no_case_failed(tmp_path):
    _step(tmp_path, "000-a", _GOOD, "a: exit code 134")
    _step(tmp_path, "001-b", failed="b: not done after 60 s")
    code, lines = _count(tmp_path)
    assert (code, lines[-1]) == (1, "1 passed, 2 failed")
    assert "failed: b: not done after 60 s" in lines


def test_a_report_that_cannot_be_read_counts_as_a_failure(tmp_path):
    _step(tmp_path, "000-a", _GOOD[:40])
    code, lines = _count(tmp_path)
    assert (code, lines[-1]) == (1, "0 passed, 1 failed")


def test_no_test_at_all_is_no_success(tmp_path):
    assert _count(tmp_path) == (1, ["0 passed, 0 failed"])


def _steps(tmp_path: pathlib.Path, script: str) -> subprocess.CompletedProcess:
    """Runs `script` with the functions of steps.sh and a folder of results of its own."""
    head = f'set -euo pipefail; root={tmp_path}; HOLDFAST_RESULTS={tmp_path}/results; source {_ROOT}/.ci/steps.sh; start_results\n'
    return subprocess.run(
        ["bash", "-c", head + script], capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL
    )


def test_a_step_reports_how_it_ended_and_the_script_goes_on(tmp_path):
    result = _steps(tmp_path, 'step good 20 true; step bad 20 false || true; step "too slow" 1 sleep 20 || echo on')
    assert result.returncode == 0
    results = tmp_path / "results"
    assert not (results / "000-good.failed").exists()
    assert (results / "001-bad.failed").read_text() == "bad: exit code 1\n"
    assert (results / "002-too-slow.failed").read_text() == "too slow: not done after 1 s\n"
    assert result.stdout.splitlines()[-1] == "on"


def test_a_step_that_is_too_slow_takes_its_children_with_it(tmp_path):
    script = "step slow 1 bash -c 'sleep 300 & echo $! >child; wait' || true"
    _steps(tmp_path, f"cd {tmp_path}; " + script)
    child = (tmp_path / "child").read_text().strip()
    state = pathlib.Path(f"/proc/{child}/stat")
    assert not state.exists() or state.read_text().rsplit(")", 1)[1].split()[0] == "Z"
