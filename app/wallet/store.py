"""The wallet on disk: keys, credentials and unfinished issuances, one JSON file each.

Dangers: files that other users of the machine can read (0700 and 0600, and a directory that is wider is refused), a
file half written when the power goes (written beside and renamed), a key lost after a credential was bound to it (the
key is on disk before its proof leaves the machine).
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import secrets
import stat
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final, cast

import orjson

from app.wallet.errors import CredentialNotFound, DamagedFile, UnsafeDirectory
from did.keys import KeyKind, LocalKey

__all__ = ["Pending", "Store", "StoredCredential"]

_ID: Final = re.compile(r"[a-z]+_[0-9a-f]{16}\Z")


@dataclass(frozen=True)
class StoredCredential:
    """A credential and how it came here. `verified` says whether its signature was checked against the issuer's DID
    before it was stored; `issuer_check` says it in words."""

    id: str
    configuration: str
    format: str
    issuer: str
    credential_issuer: str
    types: tuple[str, ...]
    key_id: str
    received_at: str
    verified: bool
    issuer_check: str
    test_mode: bool
    credential: str | dict[str, Any]


@dataclass(frozen=True)
class Pending:
    """An issuance that was begun: enough to go on after a crash, with the same token and the same keys."""

    credential_issuer: str
    access_token: str
    expires_at: float
    keys: dict[str, str] = field(default_factory=dict)


class Store:
    """One wallet directory; made on first use."""

    def __init__(self, root: Path) -> None:
        self._root = root
        if root.exists() and (not root.is_dir() or stat.S_IMODE(root.stat().st_mode) & 0o077):
            raise UnsafeDirectory(f"{root} must be a directory that only you can enter: chmod 700 {root}")
        for folder in (root, *(root / name for name in ("keys", "credentials", "pending"))):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)

    def new_key(self, kind: KeyKind) -> str:
        """Make and keep a key; returns its id."""
        key_id = f"key_{secrets.token_hex(8)}"
        key = LocalKey.generate(kind)
        self._write("keys", key_id, {"kind": kind, "private": key.private_bytes().hex()})
        return key_id

    def key(self, key_id: str) -> LocalKey:
        """A key by its id."""
        found = self._read("keys", key_id)
        return LocalKey.from_private_bytes(cast(KeyKind, found["kind"]), bytes.fromhex(found["private"]))

    @staticmethod
    def credential_id(key_id: str) -> str:
        """The id of the credential that is bound to a key: each key is made for one."""
        return f"cred_{key_id.removeprefix('key_')}"

    def find(self, key_id: str) -> StoredCredential | None:
        """The credential bound to a key, if it is stored already."""
        try:
            return self.credential(self.credential_id(key_id))
        except CredentialNotFound:
            return None

    def add(self, credential: StoredCredential) -> None:
        """Keep a credential."""
        self._write("credentials", credential.id, asdict(credential))

    def credential(self, identifier: str) -> StoredCredential:
        """A credential by its id. Raises CredentialNotFound."""
        return _stored(identifier, self._read("credentials", identifier))

    def credentials(self) -> list[StoredCredential]:
        """Every credential, newest first."""
        names = [path.stem for path in (self._root / "credentials").glob("*.json") if _ID.match(path.stem)]
        found = [self.credential(name) for name in names]
        return sorted(found, key=lambda item: (item.received_at, item.id), reverse=True)

    def pending(self, offer_uri: str) -> Pending | None:
        """The unfinished issuance that began with this offer."""
        try:
            found = self._read("pending", _pending_id(offer_uri))
        except CredentialNotFound:
            return None
        return Pending(**found)

    def keep_pending(self, offer_uri: str, pending: Pending) -> None:
        """Note how far an issuance has come."""
        self._write("pending", _pending_id(offer_uri), asdict(pending))

    def drop_pending(self, offer_uri: str) -> None:
        """Forget an issuance that has ended."""
        with contextlib.suppress(FileNotFoundError):
            (self._root / "pending" / f"{_pending_id(offer_uri)}.json").unlink()

    def _read(self, folder: str, identifier: str) -> dict[str, Any]:
        if not _ID.match(identifier):
            raise CredentialNotFound(f"{identifier[:40]} is no id of this wallet")
        try:
            found: dict[str, Any] = orjson.loads((self._root / folder / f"{identifier}.json").read_bytes())
        except FileNotFoundError as error:
            raise CredentialNotFound(f"this wallet has no {identifier}") from error
        except ValueError as error:
            raise _damaged(folder, identifier) from error
        return found

    def _write(self, folder: str, identifier: str, content: dict[str, Any]) -> None:
        path = self._root / folder / f"{identifier}.json"
        beside = path.with_name(f".{identifier}.{secrets.token_hex(4)}")
        descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(orjson.dumps(content, option=orjson.OPT_INDENT_2))
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
        directory = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(directory)
        finally:
            os.close(directory)


def _stored(identifier: str, found: dict[str, Any]) -> StoredCredential:
    try:
        return StoredCredential(**{**found, "types": tuple(found["types"])})
    except (KeyError, TypeError) as error:
        raise _damaged("credentials", identifier) from error


def _damaged(folder: str, identifier: str) -> DamagedFile:
    return DamagedFile(f"{folder}/{identifier}.json in the wallet's directory cannot be read: restore it or remove it")


def _pending_id(offer_uri: str) -> str:
    return f"pend_{hashlib.sha256(offer_uri.encode()).hexdigest()[:16]}"
