"""The judge finds what it is there to find."""

import pytest

from crash.ledger import Ledger, Plan, Shortfall, check, steps_held
from crash.writers import ACCOUNTS, ACCOUNT_START, account, check_transfers

SEED = 5


def _state_after(steps):
    plan = Plan("w", SEED)
    state = {}
    for _ in range(steps):
        for key, value in plan.next_step().after.items():
            if value is None:
                state.pop(key, None)
            else:
                state[key] = value
    return state


@pytest.mark.parametrize("steps", [0, 1, 7, 100, 500])
def test_a_prefix_is_recognized(steps):
    assert steps_held(Ledger("w", 500, 400, ()), SEED, _state_after(steps) | {b"other": b"x"}) == steps


def test_what_is_no_prefix_is_refused():
    ledger = Ledger("w", 500, 500, ())
    whole = _state_after(300)
    for key in whole:
        for wrong in ({key: whole[key] + b"0"}, {key: None}):
            held = {name: value for name, value in (whole | wrong).items() if value is not None}
            with pytest.raises(Shortfall):
                steps_held(ledger, SEED, held)
    with pytest.raises(Shortfall):
        steps_held(ledger, SEED, _state_after(501))
    with pytest.raises(Shortfall):
        steps_held(ledger, SEED, whole | {b"w:never": b"x"})


def test_a_lost_acknowledged_step_is_found():
    ledger = Ledger("w", 500, 301, ((1.0, 100), (2.0, 301)))
    assert (ledger.acknowledged_by(0.5), ledger.acknowledged_by(1.5), ledger.acknowledged_by(2.0)) == (0, 100, 301)
    assert check(ledger, SEED, _state_after(301), ledger.acknowledged_by(2.0)) == 301
    with pytest.raises(Shortfall, match="300 steps are held, 301 were promised"):
        check(ledger, SEED, _state_after(300), ledger.acknowledged_by(2.0))


@pytest.mark.parametrize(
    "wrong",
    [{account(3).encode(): b"1001"}, {b"transfer:all": b"3"}, {b"transfer:by:a": b"0"}],
    ids=["sum", "all", "one"],
)
def test_a_torn_transfer_is_found(wrong):
    whole = {account(number).encode(): b"%d" % ACCOUNT_START for number in range(ACCOUNTS)}
    whole |= {b"transfer:all": b"2", b"transfer:by:a": b"1", b"transfer:by:b": b"1"}
    assert check_transfers(whole) == 2
    with pytest.raises(AssertionError, match="torn"):
        check_transfers(whole | wrong)
