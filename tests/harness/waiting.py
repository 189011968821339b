"""Waiting for what happens by itself."""

import time

WAIT_LIMIT_S = 30.0
_PAUSE_S = 0.02


def until(condition):
    """The first true value of `condition()`. Raises AssertionError when there is none for WAIT_LIMIT_S."""
    end = time.monotonic() + WAIT_LIMIT_S
    while time.monotonic() < end:
        found = condition()
        if found:
            return found
        time.sleep(_PAUSE_S)
    raise AssertionError("it did not happen")
