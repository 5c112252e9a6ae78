"""Sealing tokens: what was sealed opens for its own budget only, under a key of the ring, and as it was."""

from __future__ import annotations

from base64 import b64encode, urlsafe_b64encode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.auth.keyring import NONCE_BYTES, KeyRing
from connectors.errors import BrokenKeys, CannotOpen, Tampered, UnknownKey

OLD, NEW = bytes(range(32)), bytes(range(200, 232))
NONCE = b"n" * NONCE_BYTES
ABOUT = "ghl:location-1"
ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_."


def entry(name: str, key: bytes) -> str:
    """One entry of a key text."""
    return f"{name}:{b64encode(key).decode()}"


RING = KeyRing.of(f"{entry('new', NEW)},{entry('old', OLD)}")


@given(plain=st.binary(max_size=300), about=st.text(max_size=40), nonce=st.binary(min_size=12, max_size=12))
def test_what_is_sealed_opens(plain: bytes, about: str, nonce: bytes) -> None:
    """Any bytes, about anything, and the plain text is not in it."""
    sealed = RING.seal(plain, about=about, nonce=nonce)
    assert RING.open(sealed, about=about) == plain
    assert sealed.startswith("v1.new.")
    assert sealed.isascii()
    assert sealed.count(".") == 3


def test_the_text_is_aes_256_gcm_as_others_make_it() -> None:
    """Against the parts put together by hand: nothing of ours is in the cipher."""
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    ciphertext = AESGCM(NEW).encrypt(NONCE, b"plain", b"v1.new.ghl:location-1")
    parts = [urlsafe_b64encode(one).decode().rstrip("=") for one in (NONCE, ciphertext)]
    assert RING.seal(b"plain", about=ABOUT, nonce=NONCE) == ".".join(("v1", "new", *parts))


@given(st.data())
def test_one_changed_bit_anywhere_is_refused(data: st.DataObject) -> None:
    """In the version, the key's id, the nonce or the ciphertext; also where base64 has bits that decode to nothing."""
    plain = data.draw(st.binary(max_size=40))
    sealed = RING.seal(plain, about=ABOUT, nonce=NONCE).encode()
    place = data.draw(st.integers(0, len(sealed) * 8 - 1))
    changed = bytearray(sealed)
    changed[place // 8] ^= 1 << place % 8
    with pytest.raises(CannotOpen):
        RING.open(changed.decode("latin-1"), about=ABOUT)


@given(st.data())
def test_one_changed_character_anywhere_is_refused(data: st.DataObject) -> None:
    """One exchanged, one more or one less."""
    plain = data.draw(st.binary(max_size=40))
    sealed = RING.seal(plain, about=ABOUT, nonce=NONCE)
    place = data.draw(st.integers(0, len(sealed) - 1))
    other = data.draw(st.sampled_from(["", *ALPHABET]))
    more = data.draw(st.booleans())
    changed = sealed[:place] + other + sealed[place + (0 if more else 1) :]
    if changed == sealed:
        return
    with pytest.raises(CannotOpen):
        RING.open(changed, about=ABOUT)


@given(st.text(max_size=60))
def test_what_was_never_sealed_is_refused(text: str) -> None:
    """Any text, by the one error."""
    with pytest.raises(CannotOpen):
        RING.open(text, about=ABOUT)


def test_the_tokens_of_one_budget_do_not_open_for_another() -> None:
    """Whoever can write to the topic cannot hand one location's access to another."""
    sealed = RING.seal(b"tokens", about=ABOUT, nonce=NONCE)
    with pytest.raises(Tampered, match=r"'ghl:location-2'.*sealed about something else") as caught:
        RING.open(sealed, about="ghl:location-2")
    assert caught.value.about == "ghl:location-2"


def test_an_older_key_opens_and_is_not_current() -> None:
    """Rotation: the new key seals, the old one still opens."""
    before = KeyRing.of(entry("old", OLD)).seal(b"tokens", about=ABOUT, nonce=NONCE)
    after = RING.seal(RING.open(before, about=ABOUT), about=ABOUT, nonce=NONCE)
    assert (RING.is_current(before), RING.is_current(after)) == (False, True)
    assert KeyRing.of(entry("new", NEW)).open(after, about=ABOUT) == b"tokens"


def test_a_key_that_is_gone_is_named() -> None:
    """With what the ring has, and what to do."""
    sealed = RING.seal(b"tokens", about=ABOUT, nonce=NONCE)
    with pytest.raises(UnknownKey, match=r"key 'new' is not in the ring \(old\); put it behind") as caught:
        KeyRing.of(entry("old", OLD)).open(sealed, about=ABOUT)
    assert (caught.value.key_id, caught.value.known) == ("new", ("old",))


def test_another_key_under_the_same_id_opens_nothing() -> None:
    """And the error says that this may be it."""
    sealed = RING.seal(b"tokens", about=ABOUT, nonce=NONCE)
    with pytest.raises(Tampered, match="the key 'new' is not the one that sealed it"):
        KeyRing.of(entry("new", OLD)).open(sealed, about=ABOUT)


@pytest.mark.parametrize("between", [",", " ", "\n", ", ", "\r\n", ",,", "\n\n\t"])
def test_entries_are_separated_by_commas_or_white_space(between: str) -> None:
    """A file with one key a line, or one variable; the URL alphabet of base64 too."""
    ring = KeyRing.of(f"\n{entry('new', NEW)}{between}old:{urlsafe_b64encode(OLD).decode()}{between}")
    assert repr(ring) == "KeyRing(new, old)"
    assert ring.current_id == "new"


SHORT = b64encode(b"S" * 16).decode()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "expected at least one key ID:BASE64, got none; make one with: .*openssl rand -base64 32"),
        (" \n,", "expected at least one key"),
        (b64encode(NEW).decode(), r"key 1: expected ID:BASE64.*got 44 characters without; make one"),
        (f"{entry('a', NEW)},{b64encode(OLD).decode()}", "key 2: expected ID:BASE64"),
        (entry("a.b", NEW), "key 1: expected ID:BASE64, the id of 1 to 32 letters"),
        (entry("", NEW), "key 1: expected ID:BASE64"),
        (entry("x" * 33, NEW), "key 1: expected ID:BASE64"),
        (f"a:{SHORT}", r"key 1 \(a\): expected base64 of 32 bytes, got 16 bytes; make one"),
        ("a:", r"key 1 \(a\): expected base64 of 32 bytes, got 0 bytes"),
        ("a:%%%%", r"key 1 \(a\): expected base64 of 32 bytes, got another text"),
        ("a:ä", r"key 1 \(a\): expected base64 of 32 bytes, got another text"),
        (f"{entry('a', NEW)} {entry('a', OLD)}", "key 2: expected an id of its own, got 'a' a second time"),
    ],
)
def test_a_broken_key_text_is_explained(text: str, words: str) -> None:
    """Which entry, what was expected, how to make one; and nothing of any key."""
    with pytest.raises(BrokenKeys, match=words) as caught:
        KeyRing.of(text)
    assert not any(key[:8] in str(caught.value) for key in (b64encode(NEW).decode(), b64encode(OLD).decode(), SHORT))
    assert caught.value.__cause__ is None


def test_a_nonce_of_another_length_is_refused() -> None:
    """A caller's mistake."""
    with pytest.raises(ValueError, match="a nonce of 12 bytes, got 16"):
        RING.seal(b"x", about=ABOUT, nonce=b"n" * 16)


def test_no_key_is_in_a_repr() -> None:
    """Only ids are."""
    assert repr(RING) == str(RING) == "KeyRing(new, old)"
