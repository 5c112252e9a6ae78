"""What our own certificate for Kafka is: for the sentence that says why a broker refused it, or why its files cannot be used."""

from __future__ import annotations

import datetime
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_pem_private_key


def own_certificate(file: str | None) -> x509.Certificate | None:
    """The first certificate in a file; None where there is none."""
    try:
        return x509.load_pem_x509_certificate(Path(file or "").read_bytes())
    except (OSError, ValueError):
        return None


def subject_of(file: str | None) -> str | None:
    """Whom our certificate names, as Kafka writes it: `CN=lofty-ghl,O=Example`."""
    certificate = own_certificate(file)
    return certificate.subject.rfc4514_string() if certificate is not None else None


def describe_certificate(file: str) -> str:
    """Whose it is, who signed it, and whether its time is over."""
    certificate = own_certificate(file)
    if certificate is None:
        return "holds no certificate now"
    said = f"is of {certificate.subject.rfc4514_string()}, signed by {certificate.issuer.rfc4514_string()}"
    now = datetime.datetime.now(datetime.UTC)
    if certificate.not_valid_after_utc < now:
        return f"{said}, and expired on {certificate.not_valid_after_utc:%Y-%m-%d %H:%M} UTC: renew it"
    if certificate.not_valid_before_utc > now:
        return f"{said}, and is not valid before {certificate.not_valid_before_utc:%Y-%m-%d %H:%M} UTC"
    return said


def why_unusable(certificate: str, key: str, password: str | None) -> tuple[str, str]:
    """Why OpenSSL does not take a certificate with its key: the setting that is wrong, and what is."""
    for setting, file in (("ssl_certfile", certificate), ("ssl_keyfile", key)):
        try:
            Path(file).read_bytes()
        except OSError as error:
            return setting, error.strerror or type(error).__name__
    if own_certificate(certificate) is None:
        return "ssl_certfile", "it holds no certificate in PEM"
    try:
        load_pem_private_key(Path(key).read_bytes(), password.encode() if password is not None else None)
    except TypeError:
        if password is None:
            return "ssl_keyfile", "the key has a password. Set LOFTY_GHL_KAFKA_KEY_PASSWORD"
        return "ssl_keyfile", "the key has no password, but LOFTY_GHL_KAFKA_KEY_PASSWORD is set. Remove it"
    except Exception as error:  # ValueError, and what OpenSSL and the formats add to it
        if password is not None and "BEGIN" in Path(key).read_text(errors="replace"):
            return "ssl_keyfile", "LOFTY_GHL_KAFKA_KEY_PASSWORD does not open it, or it holds no private key in PEM"
        return "ssl_keyfile", f"it holds no private key in PEM ({type(error).__name__})"
    return "ssl_keyfile", f"it is not the key of the certificate in {certificate!r}"
