"""Keep captures encrypted, durable before anybody is told, and erasable by forgetting a key.

The dangers: a stolen disk or backup with faces on it, and an acknowledged picture lost in a crash. Every session has
keys of its own, wrapped by the master key in `keys/blob.key`; each sealed value names the place it belongs to, so a
file moved to another session does not open. A file is flushed and renamed before its row is committed.
"""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import os
import re
import secrets
import shutil
from pathlib import Path
from typing import Final

from nacl.exceptions import CryptoError
from nacl.secret import SecretBox

from app.identifiers import new_id
from app.verifications.errors import BlobCorrupt

__all__ = ["BlobStore"]

_NAME: Final = re.compile(r"[a-z]{1,6}_[0-9a-f]{32}")


class BlobStore:
    """Sealed files under `root/<session>/<blob>`, and the wrapping of the keys they are sealed with.

    A wrapped key is bound to its session; a sealed value is bound to its place. Raises BlobCorrupt whenever something
    does not open, is missing or is bound to another place.
    """

    def __init__(self, root: Path, *, master_key: bytes) -> None:
        self._root = root
        self._master = SecretBox(master_key)

    @classmethod
    def open(cls, root: Path, *, key_file: Path) -> BlobStore:
        """Open the store; the first time, make the folder (mode 0700) and the master key (mode 0600)."""
        root.mkdir(parents=True, exist_ok=True, mode=0o700)
        key_file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        if not key_file.exists():
            _create_key(key_file)
        key = key_file.read_bytes()
        if len(key) != SecretBox.KEY_SIZE:
            raise BlobCorrupt(f"{key_file.name} is not a key of {SecretBox.KEY_SIZE} bytes")
        return cls(root, master_key=key)

    def new_key(self, session_id: str) -> bytes:
        """A fresh random key for a session, wrapped; deleting what this returns erases all that is sealed with it."""
        return self._master.encrypt(_bound(session_id, secrets.token_bytes(SecretBox.KEY_SIZE)))

    def seal(self, wrapped: bytes, session_id: str, place: str, plain: bytes) -> bytes:
        """Encrypt and authenticate a value for one place of one session."""
        return SecretBox(self._unwrap(wrapped, session_id)).encrypt(_bound(f"{session_id}/{place}", plain))

    def unseal(self, wrapped: bytes, session_id: str, place: str, sealed: bytes) -> bytes:
        """Open what `seal` made for the same place."""
        return _opened(SecretBox(self._unwrap(wrapped, session_id)), f"{session_id}/{place}", sealed)

    def mac(self, wrapped: bytes, session_id: str, content: bytes) -> str:
        """A keyed digest (hex) by which a repeated upload is recognised; meaningless once the key is gone."""
        return hmac.new(self._unwrap(wrapped, session_id), b"capture\x00" + content, hashlib.sha256).hexdigest()

    def write(self, wrapped: bytes, session_id: str, content: bytes) -> str:
        """Store content durably under a new blob id, and return the id once it is on the disk."""
        blob_id = new_id("blob")
        sealed = self.seal(wrapped, session_id, blob_id, content)
        folder = self._folder(session_id)
        if not folder.exists():
            folder.mkdir(mode=0o700, exist_ok=True)
            _flush_folder(self._root)
        target = folder / blob_id
        partial = target.with_suffix(".partial")
        descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(sealed)
            file.flush()
            os.fsync(file.fileno())
        partial.rename(target)
        _flush_folder(folder)
        return blob_id

    def read(self, wrapped: bytes, session_id: str, blob_id: str) -> bytes:
        """The content of a blob."""
        try:
            sealed = (self._folder(session_id) / _checked(blob_id)).read_bytes()
        except OSError as error:
            raise BlobCorrupt(f"blob {blob_id} cannot be read") from error
        return self.unseal(wrapped, session_id, blob_id, sealed)

    def delete(self, session_id: str, blob_id: str) -> None:
        """Remove one blob; removing it again changes nothing."""
        with contextlib.suppress(FileNotFoundError):
            (self._folder(session_id) / _checked(blob_id)).unlink()

    def delete_all(self, session_id: str) -> None:
        """Remove every file of a session, also those that a crash left behind."""
        shutil.rmtree(self._folder(session_id), ignore_errors=True)

    def _folder(self, session_id: str) -> Path:
        return self._root / _checked(session_id)

    def _unwrap(self, wrapped: bytes, session_id: str) -> bytes:
        return _opened(self._master, session_id, wrapped)


def _bound(place: str, plain: bytes) -> bytes:
    name = place.encode()
    return len(name).to_bytes(2) + name + plain


def _opened(box: SecretBox, place: str, sealed: bytes) -> bytes:
    try:
        content = box.decrypt(sealed)
    except (CryptoError, ValueError) as error:
        raise BlobCorrupt("a sealed value does not open") from error
    prefix = _bound(place, b"")
    if not content.startswith(prefix):
        raise BlobCorrupt("a sealed value belongs to another place")
    return content[len(prefix) :]


def _checked(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise BlobCorrupt("not the name of a session or blob")
    return name


def _create_key(key_file: Path) -> None:
    """Write the key whole or not at all; of two processes that start at once, the first one's key stays."""
    partial = key_file.with_suffix(f".{secrets.token_hex(6)}.partial")
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(secrets.token_bytes(SecretBox.KEY_SIZE))
        file.flush()
        os.fsync(file.fileno())
    with contextlib.suppress(FileExistsError):
        os.link(partial, key_file)
    partial.unlink()
    _flush_folder(key_file.parent)


def _flush_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
