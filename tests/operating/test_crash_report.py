"""What a server leaves in its log when it crashes, and what it dies of."""

import signal

import pytest

from harness.client import ConnectionClosed
from harness.server import Server, holdfast_binary, reference_binary
from harness.waiting import until


@pytest.fixture(params=[False, True], ids=["stdout", "logfile"])
def log_of(request, tmp_path):
    """Directives, and how the log is read: on standard output or in a file."""
    path = tmp_path / "own.log"
    return (["--logfile", str(path)], path.read_text) if request.param else ([], None)


def _crash(binary, directives, *command):
    """The exit status and the log of a server that was sent this command."""
    with Server(binary, ["--enable-debug-command", "yes", "--save", "", *directives]) as server:
        with server.client() as client:
            client.must("SET", "k", "v")
            with pytest.raises((ConnectionClosed, ConnectionResetError)):
                client.command(*command)
        status = server._process.wait(30)
        return status, server.log()


def _headings(log: str) -> list[str]:
    """The titles of a report in their order."""
    start = log.index("=== REDIS BUG REPORT START")
    return [line for line in log[start:].splitlines() if line.startswith(("===", "------ "))]


def test_a_segmentation_fault_is_reported(log_of):
    directives, read = log_of
    status, log = _crash(holdfast_binary(), ["--threads", "2", *directives], "DEBUG", "SEGFAULT")
    log = read() if read else log
    assert status == -signal.SIGSEGV
    assert "# Redis 7.2.4 crashed by signal: 11, si_code: 2\n" in log
    assert "# Accessing address: 0x" in log
    assert "debug_segfault" in log and "holdfast::Connection::process" in log
    assert "cmd=debug argc=2\nargv[0]: '\"debug\"'\n" in log
    assert "\nredis_version:7.2.4" in log and "cmdstat_set:calls=1" in log
    assert log.rstrip().endswith("values are not.")


@pytest.mark.parametrize("what", ["SEGFAULT", "ASSERT", "PANIC"])
def test_headings_and_end_are_those_of_the_reference(what):
    theirs, their_log = _crash(reference_binary(), ["--crash-memcheck-enabled", "no"], "DEBUG", what)
    ours, our_log = _crash(holdfast_binary(), [], "DEBUG", what)
    assert ours == theirs
    # Not ours: the object of the assertion, the configuration for developers, the test of the memory, the code. Not theirs:
    # the thread, the readable names.
    absent = {"=== ASSERTION FAILED CLIENT", "=== ASSERTION FAILED OBJECT", "------ CONFIG DEBUG OUTPUT ------",
              "------ DUMPING CODE AROUND EIP ------"}
    added = {"------ CURRENT THREAD ------", "------ READABLE STACK TRACE ------"}
    expected = [line for line in _headings(their_log) if line not in absent]
    assert sorted(line for line in _headings(our_log) if line not in added) == sorted(expected)
    if what == "ASSERT":
        assert "'1 == 2' is not true" in our_log
    if what == "PANIC":
        assert "Guru Meditation: DEBUG PANIC called at Unix time " in our_log


def test_without_crash_log_a_signal_leaves_nothing_and_an_assertion_its_lines():
    status, log = _crash(holdfast_binary(), ["--crash-log-enabled", "no"], "DEBUG", "SEGFAULT")
    assert status == -signal.SIGSEGV and "BUG REPORT" not in log
    status, log = _crash(holdfast_binary(), ["--crash-log-enabled", "no"], "DEBUG", "ASSERT")
    assert status == -signal.SIGABRT and "'1 == 2' is not true" in log and "STACK TRACE" not in log


def test_the_report_is_switched_while_running():
    with Server(holdfast_binary(), ["--save", ""]) as server:
        with server.client() as client:
            client.must("CONFIG", "SET", "crash-log-enabled", "no")
            client.must("CONFIG", "SET", "crash-log-enabled", "yes")
            client.must("CONFIG", "SET", "crash-memcheck-enabled", "no")
        server._process.send_signal(signal.SIGFPE)
        assert server._process.wait(30) == -signal.SIGFPE
        log = server.log()
        assert "crashed by signal: 8" in log and "# Killed by PID: " in log
        assert "=== REDIS BUG REPORT END" in log


def test_the_command_is_named_and_its_values_are_not():
    with Server(holdfast_binary(), ["--save", "", "--threads", "1", "--busy-reply-threshold", "10"]) as server:
        with server.client() as client, server.client() as other:
            client.send("EVAL", "while true do end", 1, "the-key")
            # The one worker is in the middle of the script, so that is what the signal meets.
            until(lambda: other.command("PING").value.startswith(b"BUSY"))
            server._process.send_signal(signal.SIGSEGV)
            assert server._process.wait(30) == -signal.SIGSEGV
        log = server.log()
        assert "cmd=eval argc=4\n" in log
        assert "while true" not in log
