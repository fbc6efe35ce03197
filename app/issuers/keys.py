"""The service's own private keys, one file each with mode 0600 under `keys/`.

Four keys with one purpose each: the controller owns the did:ethr identity and signs chain transactions, Ed25519 and
P-256 sign credentials, the request key signs what the verifier asks of wallets. A key that had two purposes could be
made to sign one thing as the other.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from app.bootstrap.storage import KeyFileDamaged, private_folder, secret_file
from app.errors import ServiceError
from did.errors import InvalidKey
from did.keys import KeyKind, LocalKey

__all__ = ["KEY_FILES", "KeyFileMissing", "KeyRing", "missing_keys"]

KEY_FILES: dict[str, KeyKind] = {
    "controller": "secp256k1",
    "assertion-ed25519": "Ed25519",
    "assertion-p256": "P-256",
    "request-p256": "P-256",
}


class KeyFileMissing(ServiceError):
    """A private key is gone that the database was made with; a new one in its place would be another issuer."""

    code = "key_file_missing"


@dataclass(frozen=True)
class KeyRing:
    """The four keys of a deployment."""

    controller: LocalKey
    assertion_ed25519: LocalKey
    assertion_p256: LocalKey
    request: LocalKey

    @classmethod
    def open(cls, folder: Path, *, create: bool) -> KeyRing:
        """Read the keys, and make those that are not there if `create` allows it, as on a first start.

        Raises KeyFileMissing, KeyFileExposed, KeyFileDamaged.
        """
        if not create and (missing := missing_keys(folder)):
            names = ", ".join(f"{name}.key" for name in missing)
            raise KeyFileMissing(f"{folder} has no {names}, but the database does: restore the folder from your backup")
        private_folder(folder)
        return cls(*(_load(folder / f"{name}.key", kind) for name, kind in KEY_FILES.items()))


def missing_keys(folder: Path) -> list[str]:
    """Names of the keys that have no file."""
    return [name for name in KEY_FILES if not (folder / f"{name}.key").exists()]


def _load(path: Path, kind: KeyKind) -> LocalKey:
    content = secret_file(path, lambda: LocalKey.generate(kind).private_bytes())
    try:
        return LocalKey.from_private_bytes(kind, content)
    except InvalidKey as error:
        raise KeyFileDamaged(f"{path} does not hold a {kind} private key of 32 bytes") from error
