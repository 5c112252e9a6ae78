"""How often a sign-in may be tried."""

from __future__ import annotations

from streams.console.auth.login_throttle import FREE_OF_ADDRESS, FREE_OF_NAME, MOST_KEYS, WINDOW_SECONDS, Attempts


def test_an_address_waits_after_some_failures_and_longer_after_each() -> None:
    """And no other address waits with it."""
    attempts, waits = Attempts(), []
    for number in range(FREE_OF_ADDRESS + 3):
        waits.append(attempts.wait_seconds("10.0.0.1", f"name {number}", 100.0))
        attempts.failed("10.0.0.1", f"name {number}", 100.0)
    assert waits[:FREE_OF_ADDRESS] == [0.0] * FREE_OF_ADDRESS
    assert 0.0 < waits[-3] < waits[-2] < waits[-1]
    assert attempts.wait_seconds("10.0.0.2", "ann", 100.0) == 0.0


def test_a_name_waits_whoever_tries_it() -> None:
    """Many addresses do not help."""
    attempts = Attempts()
    for number in range(FREE_OF_NAME):
        attempts.failed(f"10.0.0.{number}", "ann", 100.0)
    assert attempts.wait_seconds("10.9.9.9", "ann", 100.0) > 0.0
    assert attempts.wait_seconds("10.9.9.9", "bea", 100.0) == 0.0


def test_it_is_forgotten_after_a_while() -> None:
    """A quarter of an hour at most."""
    attempts = Attempts()
    for _ in range(200):
        attempts.failed("10.0.0.1", "ann", 100.0)
    assert 0.0 < attempts.wait_seconds("10.0.0.1", "ann", 100.0) <= WINDOW_SECONDS
    assert attempts.wait_seconds("10.0.0.1", "ann", 101.0 + WINDOW_SECONDS) == 0.0


def test_a_good_sign_in_clears_the_name_only() -> None:
    """Who guesses one account may not go on with the next."""
    attempts = Attempts()
    for _ in range(FREE_OF_NAME):
        attempts.failed("10.0.0.1", "ann", 100.0)
    attempts.succeeded("10.0.0.1", "ann")
    assert attempts.wait_seconds("10.0.0.2", "ann", 100.0) == 0.0
    assert attempts.wait_seconds("10.0.0.1", "ann", 100.0) > 0.0


def test_memory_is_bounded() -> None:
    """A flood of invented names is forgotten from its oldest end."""
    attempts = Attempts()
    for number in range(MOST_KEYS + 100):
        attempts.failed(f"a{number}", f"n{number}", 100.0)
    assert len(attempts._failures) <= MOST_KEYS
