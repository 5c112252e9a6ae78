"""Webhook signatures: vectors made outside of this project, and everything that must be refused."""

from __future__ import annotations

import base64
import random

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st

from connectors.ghl.signature import GHL_PUBLIC_KEY, BadSignature, Keys, NotAKey, verify

# RFC 8032, section 7.1: public key, message, signature.
VECTORS = (
    (
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        "",
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
    ),
    (
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
        "72",
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
    ),
    (
        "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
        "af82",
        "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a",
    ),
)
KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
KEYS = Keys((KEY.public_key(),))
BODY = b'{"type":"NoteCreate","locationId":"loc","id":"n"}'


def signed(body: bytes = BODY) -> dict[str, str]:
    return {"x-ghl-signature": base64.b64encode(KEY.sign(body)).decode()}


def passes(raw: bytes, headers: dict[str, str], keys: Keys = KEYS) -> bool:
    try:
        verify(raw, headers, keys)
    except BadSignature:
        return False
    return True


def flipped(content: bytes, bit: int) -> bytes:
    changed = bytearray(content)
    changed[bit // 8] ^= 1 << (bit % 8)
    return bytes(changed)


@pytest.mark.parametrize(("public", "message", "signature"), VECTORS)
def test_vectors_of_rfc_8032(public: str, message: str, signature: str) -> None:
    keys = Keys((Ed25519PublicKey.from_public_bytes(bytes.fromhex(public)),))
    headers = {"X-GHL-Signature": base64.b64encode(bytes.fromhex(signature)).decode()}
    assert passes(bytes.fromhex(message), headers, keys)
    assert not passes(bytes.fromhex(message) + b"x", headers, keys)


@given(st.integers(0, len(BODY) * 8 - 1), st.integers(0, 511), st.integers(0, 255))
def test_one_changed_bit_is_refused(in_body: int, in_signature: int, in_key: int) -> None:
    assert passes(BODY, signed())
    assert not passes(flipped(BODY, in_body), signed())
    bad = base64.b64encode(flipped(KEY.sign(BODY), in_signature)).decode()
    assert not passes(BODY, {"X-GHL-Signature": bad})
    raw_key = KEY.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    assert not passes(BODY, signed(), Keys((Ed25519PublicKey.from_public_bytes(flipped(raw_key, in_key)),)))


def test_ten_thousand_forgeries_pass_no_time() -> None:
    dice = random.Random(8032)
    headers = ({"X-GHL-Signature": base64.b64encode(dice.randbytes(64)).decode()} for _ in range(10_000))
    assert sum(passes(BODY, one) for one in headers) == 0


@pytest.mark.parametrize("value", ["", "N/A", "null", "====", "é", base64.b64encode(b"x" * 63).decode(), "A" * 100_000])
def test_it_fails_closed(value: str) -> None:
    assert not passes(BODY, {"X-GHL-Signature": value})
    assert not passes(BODY, {})
    assert not passes(BODY, signed(), Keys(()))


def test_any_of_several_keys_will_do() -> None:
    other = Ed25519PrivateKey.generate().public_key()
    assert passes(BODY, signed(), Keys((other, KEY.public_key())))


def test_the_older_signature_counts_only_where_it_is_switched_on_and_alone() -> None:
    private = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    older = {"X-WH-Signature": base64.b64encode(private.sign(BODY, PKCS1v15(), SHA256())).decode()}
    both = Keys(KEYS.ed25519, (private.public_key(),))
    assert passes(BODY, older, both)
    assert not passes(BODY, older)
    assert not passes(BODY + b" ", older, both)
    assert not passes(BODY, older | {"X-GHL-Signature": "N/A"}, both)


def test_keys_are_read_from_pem() -> None:
    assert len(Keys.of([GHL_PUBLIC_KEY]).ed25519) == 1
    with pytest.raises(NotAKey, match="Ed25519"):
        Keys.of(["not a key"])
    with pytest.raises(NotAKey, match="RSA"):
        Keys.of([], [GHL_PUBLIC_KEY])
