"""Publish the registry's words as the two standard list formats, for verifiers without a chain.

Both are derived from one snapshot of the list, never from the database: what we publish is what the chain says. The
danger is the other bit order (threat 49): Token Status List counts from the lowest bit, Bitstring Status List from the
highest. Building and signing a list costs far more than asking for its version, so a document is kept until the version
changes or it grows old.
"""

from __future__ import annotations

import hashlib
import threading
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import numpy as np
import orjson

from app.clock import Clock
from app.credentials.lists import StatusLists
from app.errors import NotFound, ServiceError
from app.issuers.service import Issuers
from contracts.status_registry import CredentialStatusRegistry, ListSnapshot
from did.credentials.contexts import VC2_CONTEXT
from did.securing.data_integrity import add_proof
from did.securing.jose import sign_compact
from did.status import TokenStatus, encode, encode_list
from did.timestamps import format_time

__all__ = ["PURPOSES", "PublishedList", "StatusListPaused", "StatusPublication", "UnknownPurpose"]

PURPOSES: Final = {"revocation": TokenStatus.INVALID, "suspension": TokenStatus.SUSPENDED}
TTL_S: Final = 60
"""How long a verifier may keep a list before it asks again."""
LIFETIME_S: Final = 3600
REBUILD_S: Final = 900
"""A document is signed anew after this, so that what is served is always valid for much longer than its ttl."""


class StatusListPaused(ServiceError):
    """The list is paused in the registry: its statuses are not known now, so nothing is published."""

    code = "status_list_paused"


class UnknownPurpose(NotFound):
    """A list has the purposes revocation and suspension."""

    code = "unknown_status_purpose"


@dataclass(frozen=True)
class PublishedList:
    """A signed list and its entity tag."""

    body: bytes
    media_type: str
    etag: str


@dataclass(frozen=True)
class _Kept:
    version: int
    signed_at: datetime
    published: PublishedList


class StatusPublication:
    """Signs lists on demand."""

    def __init__(
        self, *, lists: StatusLists, registry: CredentialStatusRegistry, issuers: Issuers, clock: Clock
    ) -> None:
        self._lists = lists
        self._registry = registry
        self._issuers = issuers
        self._clock = clock
        self._kept: dict[tuple[str, str], _Kept] = {}
        self._lock = threading.Lock()

    def token(self, list_id: str) -> PublishedList:
        """The Token Status List JWT. Raises StatusListNotFound, StatusListPaused, ChainError leaves."""
        return self._published(list_id, "token")

    def bitstring(self, list_id: str, purpose: str) -> PublishedList:
        """The BitstringStatusListCredential of a purpose. Raises UnknownPurpose and what `token` raises."""
        if purpose not in PURPOSES:
            raise UnknownPurpose(f"choose one of {', '.join(PURPOSES)}")
        return self._published(list_id, purpose)

    def _published(self, list_id: str, kind: str) -> PublishedList:
        row = self._lists.known(list_id)
        with self._lock:
            header = self._registry.get_list(bytes.fromhex(row.id[2:]))
            if header is None:
                raise StatusListPaused("the list is not in the registry yet")
            if not header.decided:
                raise StatusListPaused("the list is paused in the registry")
            now = self._clock().astimezone(UTC).replace(microsecond=0)
            kept = self._kept.get((row.id, kind))
            fresh = kept is not None and now - timedelta(seconds=REBUILD_S) < kept.signed_at <= now
            if kept is None or not fresh or kept.version != header.version:
                snapshot = self._registry.snapshot(bytes.fromhex(row.id[2:]))
                kept = _Kept(snapshot.header.version, now, self._sign(row.id, kind, snapshot, now))
                self._kept[row.id, kind] = kept
            return kept.published

    def _sign(self, list_id: str, kind: str, snapshot: ListSnapshot, now: datetime) -> PublishedList:
        if kind == "token":
            return _published(self._sign_token(list_id, snapshot, now), "application/statuslist+jwt")
        body = orjson.dumps(self._sign_bitstring(list_id, kind, snapshot, now))
        return _published(body, "application/vc")

    def _sign_token(self, list_id: str, snapshot: ListSnapshot, now: datetime) -> bytes:
        signer, method = self._issuers.signer("P-256")
        issued = int(now.timestamp())
        payload: dict[str, Any] = {
            "iss": method.partition("#")[0],
            "sub": self._lists.uri(list_id),
            "iat": issued,
            "exp": issued + LIFETIME_S,
            "ttl": TTL_S,
            "status_list": encode(snapshot.words, snapshot.header.bits),
        }
        return sign_compact({"typ": "statuslist+jwt", "kid": method}, payload, signer).encode()

    def _sign_bitstring(self, list_id: str, purpose: str, snapshot: ListSnapshot, now: datetime) -> dict[str, Any]:
        signer, method = self._issuers.signer("Ed25519")
        url = f"{self._lists.uri(list_id)}/{purpose}"
        unsigned = {
            "@context": [VC2_CONTEXT],
            "id": url,
            "type": ["VerifiableCredential", "BitstringStatusListCredential"],
            "issuer": method.partition("#")[0],
            "validFrom": format_time(now),
            "validUntil": format_time(now + timedelta(seconds=LIFETIME_S)),
            "credentialSubject": {
                "id": f"{url}#list",
                "type": "BitstringStatusList",
                "statusPurpose": purpose,
                "encodedList": encode_list(_bits_of(snapshot, PURPOSES[purpose])),
            },
        }
        return add_proof(
            unsigned,
            suite="eddsa-rdfc-2022",
            signer=signer,
            verification_method=method,
            purpose="assertionMethod",
            created=now,
        )


def _bits_of(snapshot: ListSnapshot, code: int) -> bytes:
    """One bit per entry, highest bit first, set where the entry has this code."""
    bits = snapshot.header.bits
    low_first = np.unpackbits(np.frombuffer(snapshot.words, np.uint8), bitorder="little").reshape(-1, bits)
    values = low_first @ (1 << np.arange(bits, dtype=np.uint16))
    return np.packbits(values == code, bitorder="big").tobytes()


def _published(body: bytes, media_type: str) -> PublishedList:
    return PublishedList(body, media_type, f'"{hashlib.sha256(body).hexdigest()[:32]}"')
