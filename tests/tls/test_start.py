"""What stops a server with wrong `tls-*` directives, compared with the reference line by line."""

import subprocess

import pytest

from harness import holdfast_binary, reference_binary
from harness.server import free_port
from tls.actors import base_directives
from tls.certificates import PASSPHRASE

# Name, what is changed in the directives (None: taken away). {} is the folder of the certificates.
REFUSED = {
    "nothing": {"tls-cert-file": None, "tls-key-file": None, "tls-ca-cert-file": None},
    "no-certificate": {"tls-cert-file": None},
    "no-key": {"tls-key-file": None},
    "no-authority": {"tls-ca-cert-file": None},
    "no-authority-optional": {"tls-ca-cert-file": None, "tls-auth-clients": "optional"},
    "no-authority-replication": {"tls-ca-cert-file": None, "tls-auth-clients": "no", "tls-replication": "yes"},
    "no-authority-cluster": {"tls-ca-cert-file": None, "tls-auth-clients": "no", "tls-cluster": "yes"},
    "replication-only": {"tls-port": "0", "tls-cert-file": None, "tls-replication": "yes"},
    "cluster-only": {"tls-port": "0", "tls-cert-file": None, "tls-cluster": "yes"},
    "absent-certificate": {"tls-cert-file": "{}/absent"},
    "absent-key": {"tls-key-file": "{}/absent"},
    "absent-authority": {"tls-ca-cert-file": "{}/absent"},
    "empty-certificate": {"tls-cert-file": "{}/ca.srl"},
    "certificate-as-key": {"tls-key-file": "{}/server.crt"},
    "key-as-certificate": {"tls-cert-file": "{}/server.key"},
    "key-of-another": {"tls-key-file": "{}/client.key"},
    "no-passphrase": {"tls-key-file": "{}/server-encrypted.key"},
    "wrong-passphrase": {"tls-key-file": "{}/server-encrypted.key", "tls-key-file-pass": "open"},
    "protocol": {"tls-protocols": "TLSv1.2 TLSv1.9"},
    "two-blanks": {"tls-protocols": "TLSv1.2  TLSv1.3"},
    "blank-at-end": {"tls-protocols": "TLSv1.2 TLSv1.3 "},
    "blank-at-begin": {"tls-protocols": " TLSv1.2 TLSv1.3"},
    "ciphers": {"tls-ciphers": "NONSENSE"},
    "ciphersuites": {"tls-ciphersuites": "NONSENSE"},
    "absent-dh": {"tls-dh-params-file": "{}/absent"},
    "wrong-dh": {"tls-dh-params-file": "{}/server.crt"},
    "absent-client-certificate": {"tls-client-cert-file": "{}/absent", "tls-client-key-file": "{}/client.key"},
    "absent-client-key": {"tls-client-cert-file": "{}/client.crt", "tls-client-key-file": "{}/absent"},
    "client-key-of-another": {"tls-client-cert-file": "{}/client.crt", "tls-client-key-file": "{}/server.key"},
    # Several things at once: which one is found first.
    "certificate-and-protocol": {"tls-cert-file": "{}/absent", "tls-protocols": "x"},
    "key-and-authority": {"tls-key-file": "{}/absent", "tls-ca-cert-file": "{}/absent"},
    "certificate-and-key": {"tls-cert-file": "{}/absent", "tls-key-file": "{}/absent"},
    "ciphers-and-dh": {"tls-ciphers": "x", "tls-dh-params-file": "{}/absent"},
    "ciphers-and-suites": {"tls-ciphers": "x", "tls-ciphersuites": "x"},
    "authority-and-ciphers": {"tls-ca-cert-file": "{}/absent", "tls-ciphers": "x"},
    "client-and-dh": {"tls-client-cert-file": "{}/absent", "tls-client-key-file": "{}/x", "tls-dh-params-file": "{}/absent"},
    "client-and-ciphers": {"tls-client-cert-file": "{}/absent", "tls-client-key-file": "{}/x", "tls-ciphers": "x"},
    "empty-and-no-authority": {"tls-cert-file": None, "tls-ca-cert-file": None},
}
ACCEPTED = {
    "usual": {},
    "no-authority-needed": {"tls-ca-cert-file": None, "tls-auth-clients": "no"},
    "directory-of-authorities": {"tls-ca-cert-file": None, "tls-ca-cert-dir": "{}"},
    "absent-directory": {"tls-ca-cert-file": None, "tls-ca-cert-dir": "{}/absent"},
    "passphrase": {"tls-key-file": "{}/server-encrypted.key", "tls-key-file-pass": PASSPHRASE},
    "client-certificate-alone": {"tls-client-cert-file": "{}/absent"},
    "client-key-alone": {"tls-client-key-file": "{}/absent"},
    "client-certificate": {"tls-client-cert-file": "{}/client.crt", "tls-client-key-file": "{}/client.key"},
    "dh": {"tls-dh-params-file": "{}/dh.pem"},
    "not-used": {"tls-port": "0", "tls-cert-file": "{}/absent", "tls-protocols": "x", "port": "{port}"},
    "lower-case": {"tls-protocols": "tlsv1.3"},
    "two": {"tls-protocols": "TLSv1.2 TLSv1.3"},
    "cluster": {"tls-cluster": "yes"},
}


def start(binary, certificates, changes, directory):
    """Exit code (None: it runs) and the messages of its log that come before the loading."""
    directives = {"port": "0", "bind": "127.0.0.1", "save": "", "dir": str(directory), "logfile": str(directory / "log")}
    directives |= base_directives(certificates, free_port())
    for name, value in changes.items():
        directives.pop(name, None)
        if value is not None:
            directives[name] = value.replace("{port}", str(free_port())).replace("{}", str(certificates.folder))
    words = [word for name, value in directives.items() for word in (f"--{name}", value)]
    process = subprocess.Popen([binary, *words], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    log = directory / "log"
    try:
        while process.poll() is None and not (log.exists() and "Ready to accept" in log.read_text()):
            try:
                process.wait(0.02)
            except subprocess.TimeoutExpired:
                pass
        code = process.poll()
    finally:
        process.kill()
        process.wait()
    messages = [line.split(" ", 5)[-1] for line in log.read_text().splitlines() if line[:1].isdigit()]
    return code, messages


@pytest.fixture
def both(certificates, tmp_path):
    def run(changes):
        found = []
        for binary in (holdfast_binary(), reference_binary()):
            directory = tmp_path / ("reference" if found else "holdfast")
            directory.mkdir()
            found.append(start(binary, certificates, changes, directory))
        return found

    return run


@pytest.mark.parametrize("name", REFUSED)
def test_refused_with_the_same_words(both, name):
    (code, messages), (reference_code, reference_messages) = both(REFUSED[name])
    assert code == reference_code == 1
    assert messages[-2:] == reference_messages[-2:]
    assert messages[-1] == "# Failed to configure TLS. Check logs for more info."


@pytest.mark.parametrize("name", ACCEPTED)
def test_accepted(both, name):
    (code, messages), (reference_code, _) = both(ACCEPTED[name])
    assert code is None and reference_code is None, messages


def test_a_port_in_use(certificates, both):
    taken = str(free_port())
    (_, messages), (_, reference_messages) = both({"port": taken, "tls-port": taken})
    assert messages[-2:] == reference_messages[-2:]
    assert messages[-1] == f"# Failed listening on port {taken} (TLS), aborting."


def test_the_port_that_is_named(certificates, both):
    port = str(free_port())
    for _, messages in both({"tls-port": port}):
        assert f"* Running mode=standalone, port={port}." in messages
