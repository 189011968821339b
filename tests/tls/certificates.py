"""Keys and certificates for a run of the tests, made by the openssl program."""

import pathlib
import subprocess

PASSPHRASE = "sesame"


def _openssl(folder: pathlib.Path, *words: str) -> None:
    subprocess.run(["openssl", *words], cwd=folder, check=True, capture_output=True, timeout=60)


class Certificates:
    """Files in `folder`: `ca`, which has signed `server`, `client` and `expired`; `other-ca`, which has signed `stranger`.

    `server-encrypted.key` is server.key under PASSPHRASE; `dh.pem` has parameters for Diffie-Hellman.
    """

    def __init__(self, folder: pathlib.Path) -> None:
        self.folder = folder
        self._make_authority("ca")
        self._make_authority("other-ca")
        self.sign("server", "ca")
        self.sign("client", "ca")
        self.sign("stranger", "other-ca")
        # Valid for a second long ago.
        self.sign("expired", "ca", "-not_before", "20200101000000Z", "-not_after", "20200101000001Z")
        _openssl(folder, "ec", "-in", "server.key", "-aes256", "-passout", f"pass:{PASSPHRASE}", "-out", "server-encrypted.key")
        _openssl(folder, "genpkey", "-genparam", "-algorithm", "DH", "-pkeyopt", "group:ffdhe2048", "-out", "dh.pem")

    def path(self, name: str) -> str:
        return str(self.folder / name)

    def sign(self, name: str, authority: str, *validity: str) -> None:
        """Makes `name`.key and `name`.crt, in place of those there are."""
        self._make_key(name)
        _openssl(self.folder, "req", "-new", "-key", f"{name}.key", "-subj", f"/CN={name}", "-out", f"{name}.csr")
        if not validity:
            _openssl(
                self.folder, "x509", "-req", "-in", f"{name}.csr", "-CA", f"{authority}.crt", "-CAkey", f"{authority}.key",
                "-CAcreateserial", "-days", "2", "-out", f"{name}.crt",
            )  # fmt: skip
            return
        self._sign_in_the_past(name, authority, *validity)

    def _make_key(self, name: str) -> None:
        _openssl(self.folder, "genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", f"{name}.key")

    def _make_authority(self, name: str) -> None:
        self._make_key(name)
        _openssl(self.folder, "req", "-x509", "-new", "-key", f"{name}.key", "-subj", f"/CN={name}", "-days", "2", "-out", f"{name}.crt")

    def _sign_in_the_past(self, name: str, authority: str, *validity: str) -> None:
        """Only `openssl ca` takes dates, and it wants files to note them in."""
        notes = self.folder / f"{name}-notes"
        notes.mkdir()
        (notes / "index.txt").touch()
        (notes / "serial").write_text("01\n")
        (notes / "ca.cnf").write_text(
            f"[ca]\ndefault_ca=it\n[it]\ndatabase={notes}/index.txt\nserial={notes}/serial\nnew_certs_dir={notes}\n"
            "default_md=sha256\npolicy=any\n[any]\ncommonName=supplied\n"
        )
        start, end = (word for word in validity if word.endswith("Z"))
        _openssl(
            self.folder, "ca", "-batch", "-config", str(notes / "ca.cnf"), "-cert", f"{authority}.crt", "-keyfile",
            f"{authority}.key", "-in", f"{name}.csr", "-startdate", start, "-enddate", end, "-out", f"{name}.crt", "-notext",
        )  # fmt: skip
