"""holdfast-server --check-config: says what a start would refuse, without one."""

import subprocess

import pytest

from harness import holdfast_binary

LIMIT_S = 20


def check(directory, text: str) -> subprocess.CompletedProcess:
    file = directory / "redis.conf"
    file.write_text(f"dir {directory}\n{text}\n")
    return subprocess.run([holdfast_binary(), "--check-config", str(file)], capture_output=True, text=True, timeout=LIMIT_S, cwd=directory)


def test_a_good_configuration(tmp_path):
    (tmp_path / "users.acl").write_text("user default on nopass ~* &* +@all\nuser guest on >secret ~a* +get\n")
    done = check(tmp_path, "port 0\naclfile users.acl\nrename-command KEYS none-of-your-business")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Configuration is valid, " in done.stdout
    assert sorted(file.name for file in tmp_path.iterdir()) == ["redis.conf", "users.acl"]  # nothing was opened


def test_what_has_hurt_people_is_a_warning(tmp_path):
    done = check(tmp_path, "maxmemory 1024gb")
    assert done.returncode == 0
    assert "WARNING: " in done.stdout


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("no-such-directive 1", "Bad directive or wrong number of arguments"),
        ("port 70000", "argument must be between 0 and 65535 inclusive"),
        ("user guest on +nosuchcommand", "Unknown command or category name in ACL"),
        ("user guest on nonsense", "Syntax error"),
        ("aclfile missing.acl", "missing.acl"),
        ("rename-command NOSUCH x", "No such command in rename-command"),
        ("tls-port 6380\ntls-cert-file none.crt\ntls-key-file none.key\ntls-ca-cert-file none.crt", "none.crt"),
    ],
)
def test_what_a_start_would_refuse(tmp_path, line, said):
    done = check(tmp_path, line)
    assert done.returncode == 1
    assert said in done.stdout + done.stderr
    assert "Configuration is valid" not in done.stdout
