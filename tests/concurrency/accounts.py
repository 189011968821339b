"""Accounts whose sum must never change: what transfers between them leave, and what others see meanwhile."""

from collections import Counter

from concurrency.asking import ask

ACCOUNTS = [f"account:{number}" for number in range(24)]
START = 1000
SUM_KEPT = START * len(ACCOUNTS)


def open_accounts(client):
    ask(client, "MSET", *(word for account in ACCOUNTS for word in (account, START)))


def draw_transfer(shift):
    """From, to, how much."""
    source, target = shift.random.sample(ACCOUNTS, 2)
    return source, target, shift.random.randrange(1, 50)


def sum_now(client):
    return sum(map(int, ask(client, "MGET", *ACCOUNTS)))


def check_balances(client, added_by_each):
    """Each account has what all members together have added to it."""
    expected = Counter({account: START for account in ACCOUNTS})
    for added in added_by_each:
        expected.update(added or {})
    assert dict(zip(ACCOUNTS, map(int, ask(client, "MGET", *ACCOUNTS)))) == dict(expected)
