"""One key file from which the OpenID rooms derive what opens a door, and under which they keep what must be sent again.

The danger: a copy of the database. References, codes and transaction codes are HMACs of an object's id under this key
and are stored as hashes at most, so a database without the key file opens nothing; kept credentials and claims are
sealed with a key per object (PyNaCl's SecretBox), so that sealed bytes moved to another row do not open there.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
from pathlib import Path
from typing import Final

from nacl.exceptions import CryptoError
from nacl.secret import SecretBox

from app.errors import ServiceError
from did.multibase import b64url

__all__ = ["SealedDataUnreadable", "Vault", "sha256_hex"]

KEY_BYTES: Final = 32


class SealedDataUnreadable(ServiceError):
    """Stored bytes do not open with the key of this deployment."""

    code = "sealed_data_unreadable"


def sha256_hex(secret: str) -> str:
    """The form in which a high-entropy secret is stored and looked up."""
    return hashlib.sha256(secret.encode()).hexdigest()


class Vault:
    """Derives secrets and seals bytes; safe to share between threads and, by its file, between processes."""

    def __init__(self, path: Path) -> None:
        """Read the key file, or make it (mode 0600) if there is none."""
        self._key = _load_or_create(path)

    def derive(self, purpose: str, subject: str) -> str:
        """A secret of 256 bits that only this deployment can compute, as base64url."""
        return b64url(self._mac(f"derive\0{purpose}\0{subject}"))

    def digits(self, purpose: str, subject: str, length: int) -> str:
        """A secret of `length` decimal digits; keep it behind a limit on guesses."""
        number = int.from_bytes(self._mac(f"digits\0{purpose}\0{subject}"), "big")
        return f"{number % 10**length:0{length}}"

    def seal(self, subject: str, data: bytes) -> bytes:
        """Encrypt and authenticate bytes that belong to `subject`."""
        return bytes(SecretBox(self._mac(f"seal\0{subject}")).encrypt(data))

    def unseal(self, subject: str, sealed: bytes) -> bytes:
        """Inverse of `seal`. Raises SealedDataUnreadable."""
        try:
            return SecretBox(self._mac(f"seal\0{subject}")).decrypt(sealed)
        except CryptoError as error:
            raise SealedDataUnreadable("the key file is not the one that sealed this") from error

    def _mac(self, message: str) -> bytes:
        return hmac.new(self._key, message.encode(), hashlib.sha256).digest()


def _load_or_create(path: Path) -> bytes:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    if not path.exists():
        _create(path)
    key = path.read_bytes()
    if len(key) != KEY_BYTES:
        raise SealedDataUnreadable(f"{path.name} is not a key of {KEY_BYTES} bytes")
    return key


def _create(path: Path) -> None:
    """Write a key beside the path and link it into place: complete or not there; the first of two writers wins."""
    beside = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        os.write(descriptor, secrets.token_bytes(KEY_BYTES))
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    try:
        path.hardlink_to(beside)
    except FileExistsError:
        pass
    finally:
        beside.unlink()
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
