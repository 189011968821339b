"""Processes that write until the server dies, and tell what they know."""

from crash.ledger import Ledger, Plan, now
from harness import Client, ConnectionClosed, ReplyTimeout, encode_command

ACCOUNTS = 20
ACCOUNT_START = 1000
TRANSFERS = "transfer:"


def account(number: int) -> str:
    return f"{TRANSFERS}account:{number}"


def write_by_plan(shift, name, seed):
    """The steps of `Plan(name, seed)` in pipelines of random length. Returns its Ledger."""
    plan = Plan(name, seed)
    sent = acknowledged = 0
    times = []
    try:
        with shift.client() as client:
            while shift.goes_on():
                steps = [plan.next_step() for _ in range(shift.random.choice((1, 2, 10, 40)))]
                sent += len(steps)
                client.send_raw(b"".join(encode_command(command) for step in steps for command in step.commands))
                for step in steps:
                    for _ in step.commands:
                        reply = client.read_reply()
                        assert not reply.is_error(), reply
                    acknowledged += 1
                times.append((now(), acknowledged))
    except (ConnectionClosed, ConnectionRefusedError, ConnectionResetError, ReplyTimeout):
        pass
    return Ledger(name, sent, acknowledged, tuple(times))


def open_accounts(client: Client) -> None:
    """What `transfer` needs, once for a data directory."""
    client.must("MSETNX", *(word for number in range(ACCOUNTS) for word in (account(number), ACCOUNT_START)))


def transfer(shift, name):
    """Moves amounts between accounts that all members share, and counts in the same transaction. Returns nothing."""
    try:
        with shift.client() as client:
            while shift.goes_on():
                batch = []
                for _ in range(8):
                    source, target = shift.random.sample(range(ACCOUNTS), 2)
                    amount = shift.random.randrange(1, 100)
                    batch += [
                        ("MULTI",),
                        ("DECRBY", account(source), amount),
                        ("INCR", f"{TRANSFERS}by:{name}"),
                        ("INCRBY", account(target), amount),
                        ("INCR", f"{TRANSFERS}all"),
                        ("EXEC",),
                    ]
                for reply in client.pipeline(batch):
                    assert not reply.is_error(), reply
    except (ConnectionClosed, ConnectionRefusedError, ConnectionResetError, ReplyTimeout):
        pass


def check_transfers(held: dict[bytes, bytes]) -> int:
    """The state is one between whole transactions. Returns how many transfers it holds."""
    accounts = [int(held[account(number).encode()]) for number in range(ACCOUNTS)]
    assert sum(accounts) == ACCOUNTS * ACCOUNT_START, f"the accounts hold {sum(accounts)}: a torn transaction"
    counts = [int(value) for key, value in held.items() if key.startswith(f"{TRANSFERS}by:".encode())]
    total = int(held.get(f"{TRANSFERS}all".encode(), b"0"))
    assert total == sum(counts), f"{total} transfers in all, {sum(counts)} of the members: a torn transaction"
    return total


def everything(client: Client, pattern: str = "*") -> dict[bytes, bytes]:
    """All keys of database 0 that match, which are strings."""
    keys = [key.value for key in client.must("KEYS", pattern).value]
    values = [value.value for value in client.must("MGET", *keys).value] if keys else []
    held = dict(zip(keys, values))
    assert len(held) == len(keys) and None not in values
    return held
