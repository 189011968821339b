"""Crews tell what fails, and a checked server how it ends: shown with the reference server and made-up logs."""

import pytest

from harness import CheckedServer, Server, UnsoundServer, reference_binary
from harness.checked_server import sanitizer_report
from harness.crew import Crew, CrewFailed


def _tell_number(shift):
    return shift.number


def _fail(shift):
    raise ValueError("on purpose")


def _set_until_the_end(shift):
    with shift.client() as client:
        for turn in shift.turns(at_least=3):
            client.must("INCR", "turns")
    return turn + 1


@pytest.fixture(scope="module")
def server():
    with Server(reference_binary(), ["--save", ""]) as running:
        yield running


def test_results_come_in_order(server):
    crew = Crew(server.port, seed=1, seconds=5)
    crew.add(_tell_number, times=5)
    assert crew.run() == [0, 1, 2, 3, 4]


def test_a_failure_ends_the_shift_and_is_told(server):
    crew = Crew(server.port, seed=1, seconds=600)
    crew.add(_fail)
    crew.add(_set_until_the_end)
    with pytest.raises(CrewFailed, match="_fail.*on purpose"):
        try:
            crew.run()
        except CrewFailed as error:
            raise CrewFailed(str(error).replace("\n", " ")) from None


def test_a_shift_has_its_least_number_of_turns(server):
    crew = Crew(server.port, seed=1, seconds=0)
    crew.add(_set_until_the_end, times=2)
    assert crew.run() == [3, 3]


@pytest.mark.parametrize(
    "line",
    [
        "WARNING: ThreadSanitizer: data race (pid=1)",
        "==1==ERROR: AddressSanitizer: heap-use-after-free on address 0x1",
        "==1==ERROR: LeakSanitizer: detected memory leaks",
        "src/x.cc:3:4: runtime error: signed integer overflow",
        "=== ASSERTION FAILED ===",
    ],
)
def test_a_report_is_found(line):
    assert sanitizer_report(f"1:M * Ready\n{line}\n  #0 main\n") == f"{line}\n  #0 main"


def test_a_usual_log_holds_no_report():
    assert sanitizer_report("1:M # WARNING: persistence is off\n1:M * Ready to accept connections\n") == ""


def _checked(monkeypatch, tmp_path):
    monkeypatch.setenv("HOLDFAST_SERVER", reference_binary())
    return CheckedServer(["--save", "", "--enable-debug-command", "yes"], directory=tmp_path)


def test_a_good_end_and_a_kill_are_accepted(monkeypatch, tmp_path):
    with _checked(monkeypatch, tmp_path):
        pass
    with _checked(monkeypatch, tmp_path) as server:
        server.kill()
        server.check_alive()


def test_a_crash_is_not(monkeypatch, tmp_path):
    server = _checked(monkeypatch, tmp_path).start()
    with server.client() as client:
        client.send("DEBUG", "SEGFAULT")
    server._process.wait(20)
    with pytest.raises(UnsoundServer, match="ended with"):
        server.close()


def test_a_report_in_the_log_is_not(monkeypatch, tmp_path):
    server = _checked(monkeypatch, tmp_path).start()
    with open(server.log_path, "a") as log:
        log.write("WARNING: ThreadSanitizer: data race (pid=1)\n")
    with pytest.raises(UnsoundServer, match="data race"):
        server.close()
