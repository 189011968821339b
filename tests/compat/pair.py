"""The reference and the candidate, started alike."""

from typing import Callable, Sequence, TypeVar

from harness import Client, Server, holdfast_binary, reference_binary

Result = TypeVar("Result")

DIRECTIVES = ["--save", "", "--appendonly", "no", "--enable-debug-command", "yes"]
DATABASES = 16


class Pair:
    """Two servers that are always told the same. `candidate_directives` exist to inject faults in self checks."""

    def __init__(self, candidate: str | None = None, candidate_directives: Sequence[str] = ()) -> None:
        self.reference = Server(reference_binary(), DIRECTIVES)
        self.candidate = Server(candidate or holdfast_binary(), DIRECTIVES + list(candidate_directives))

    def __enter__(self) -> "Pair":
        try:
            self.ensure_running()
        except BaseException:
            # Whatever did start must not outlive a failure, e.g. when the other binary does not exist.
            self.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def servers(self) -> tuple[Server, Server]:
        return self.reference, self.candidate

    def ensure_running(self) -> None:
        """Starts whichever does not run (also after a crash)."""
        for server in self.servers:
            if not server.running():
                server.start()

    def both(self, ask: Callable[[Server], Result]) -> tuple[Result, Result]:
        return ask(self.reference), ask(self.candidate)

    def clients(self, timeout_s: float) -> tuple[Client, Client]:
        return self.reference.client(timeout_s=timeout_s), self.candidate.client(timeout_s=timeout_s)

    def crashed(self) -> str:
        """Text about the servers that have ended, empty when both run."""
        return "".join(
            f"{server.binary} has ended:\n{server.log_tail()}\n" for server in self.servers if not server.running()
        )

    def close(self) -> None:
        for server in self.servers:
            server.close()
