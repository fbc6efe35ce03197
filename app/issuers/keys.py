"""The service's own private keys, one file each with mode 0600 under `keys/`.

Four keys with one purpose each: the controller owns the did:ethr identity and signs chain transactions, Ed25519 and
P-256 sign credentials, the request key signs what the verifier asks of wallets. A key that had two purposes could be
made to sign one thing as the other.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from app.bootstrap.storage import KeyFileDamaged, private_folder, secret_file
from did.errors import InvalidKey
from did.keys import KeyKind, LocalKey

__all__ = ["KEY_FILES", "KeyRing"]

KEY_FILES: dict[str, KeyKind] = {
    "controller": "secp256k1",
    "assertion-ed25519": "Ed25519",
    "assertion-p256": "P-256",
    "request-p256": "P-256",
}


@dataclass(frozen=True)
class KeyRing:
    """The four keys of a deployment."""

    controller: LocalKey
    assertion_ed25519: LocalKey
    assertion_p256: LocalKey
    request: LocalKey

    @classmethod
    def open(cls, folder: Path) -> KeyRing:
        """Read the keys, and make those that are not there. Raises KeyFileExposed or KeyFileDamaged."""
        private_folder(folder)
        return cls(*(_load(folder / f"{name}.key", kind) for name, kind in KEY_FILES.items()))


def _load(path: Path, kind: KeyKind) -> LocalKey:
    content = secret_file(path, lambda: LocalKey.generate(kind).private_bytes())
    try:
        return LocalKey.from_private_bytes(kind, content)
    except InvalidKey as error:
        raise KeyFileDamaged(f"{path} does not hold a {kind} private key of 32 bytes") from error
