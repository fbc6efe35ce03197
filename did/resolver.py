"""DID resolution (W3C DID Resolution) over injected methods, with a bounded cache that also remembers failures.

Dangers: 10,000 random key ids or DIDs that each cost a lookup (threat 19: failures are cached and share the bound, but
never push out good entries), a deactivated DID still used, a key taken from anywhere but the DID's own document.
"""

from __future__ import annotations

import copy
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, Final, Literal, Protocol

from did.document import check_document, key_in_document, split_did_url
from did.errors import DidDeactivated, DidNotFound, DidUnavailable, InvalidDid, KernelError, UnsupportedDidMethod
from did.keys.public import PublicKey
from did.limits import MAX_DID_CHARS

__all__ = ["DidMethod", "Purpose", "Resolution", "Resolver"]

Purpose = Literal["assertionMethod", "authentication", "keyAgreement", "capabilityInvocation", "capabilityDelegation"]
# Failures that say nothing about the DID itself: the network or a chain could not be read now.
_TRANSIENT: Final = frozenset({DidUnavailable.code, "fetch_failed"})


@dataclass(frozen=True)
class Resolution:
    """A document, or the stable code of why there is none. `metadata` has `deactivated`, `versionId` and the like."""

    did: str
    document: dict[str, Any] | None
    error: str | None = None
    metadata: dict[str, Any] = field(default_factory=dict)


class DidMethod(Protocol):
    """One DID method. `resolve` may raise KernelError leaves; the resolver turns them into `Resolution.error`."""

    @property
    def name(self) -> str: ...

    def resolve(self, did: str) -> Resolution: ...


class Resolver:
    """Resolves DIDs and finds keys; safe to share between threads."""

    def __init__(
        self,
        methods: Iterable[DidMethod],
        *,
        clock: Callable[[], float] = time.time,
        ttl_s: float = 60.0,
        negative_ttl_s: float = 5.0,
        max_entries: int = 1024,
    ) -> None:
        """`clock` gives seconds; answers are kept for `ttl_s`, failures for `negative_ttl_s`, each up to
        `max_entries`.
        """
        self._methods = {method.name: method for method in methods}
        self._clock = clock
        self._good = _Cache(ttl_s, max_entries)
        self._bad = _Cache(negative_ttl_s, max_entries)
        self._lock = threading.Lock()

    @property
    def method_names(self) -> tuple[str, ...]:
        """Names of the DID methods that can be resolved."""
        return tuple(self._methods)

    def resolve(self, did: str, *, fresh: bool = False) -> Resolution:
        """Resolve a DID (no URL). Never raises for a bad DID; `fresh` goes past the cache."""
        if not isinstance(did, str) or len(did) > MAX_DID_CHARS:
            return Resolution("", None, InvalidDid.code)
        with self._lock:
            known = None if fresh else self._good.get(did, self._clock()) or self._bad.get(did, self._clock())
        if known is None:
            known = self._resolve(did)
            with self._lock:
                cache, other = (self._bad, self._good) if known.error else (self._good, self._bad)
                # A passing outage must not erase what is known; a definite "no" must.
                if known.error not in _TRANSIENT:
                    other.drop(did)
                cache.put(did, known, self._clock())
        return Resolution(known.did, copy.deepcopy(known.document), known.error, dict(known.metadata))

    def _resolve(self, did: str) -> Resolution:
        try:
            method = self._methods.get(_method_name(did))
            if method is None:
                raise UnsupportedDidMethod("the DID method is not supported")
            found = method.resolve(did)
            if found.document is not None:
                check_document(did, found.document)
            elif found.error is None:
                raise DidNotFound("no document")
            return found
        except KernelError as error:
            return Resolution(did, None, error.code, {"detail": error.detail})

    def key_for(self, did_url: str, purpose: Purpose | str) -> PublicKey:
        """The key that a DID URL names, if its own DID's document lists it under `purpose`.

        Raises InvalidDid, UnsupportedDidMethod, DidNotFound, DidUnavailable, DidDeactivated,
        VerificationMethodNotFound, PurposeNotAllowed, InvalidDidDocument, InvalidKey. DidUnavailable alone means
        "ask again later".
        """
        did, _ = split_did_url(did_url)
        found = self.resolve(did)
        if found.metadata.get("deactivated"):
            raise DidDeactivated("the DID is deactivated")
        if found.document is None:
            raise _failure(found)
        return key_in_document(found.document, did_url, purpose)


def _failure(found: Resolution) -> KernelError:
    detail = f"{found.error}: {found.metadata.get('detail', '')}".rstrip(": ")
    if found.error in _TRANSIENT:
        return DidUnavailable(detail)
    for leaf in (InvalidDid, UnsupportedDidMethod):
        if found.error == leaf.code:
            return leaf(detail)
    return DidNotFound(detail)


def _method_name(did: str) -> str:
    parts = did.split(":", 2)
    if len(parts) != 3 or parts[0] != "did" or not parts[2] or not did.isascii() or any(c in did for c in "#?/ \\"):
        raise InvalidDid("not a DID")
    return parts[1]


class _Cache:
    """Least recently used, with an expiry; not locked."""

    def __init__(self, ttl_s: float, max_entries: int) -> None:
        self._ttl_s = ttl_s
        self._max = max_entries
        self._entries: OrderedDict[str, tuple[float, Resolution]] = OrderedDict()

    def get(self, did: str, now: float) -> Resolution | None:
        entry = self._entries.get(did)
        if entry is None:
            return None
        if not entry[0] <= now < entry[0] + self._ttl_s:
            del self._entries[did]
            return None
        self._entries.move_to_end(did)
        return entry[1]

    def put(self, did: str, resolution: Resolution, now: float) -> None:
        self._entries[did] = (now, resolution)
        self._entries.move_to_end(did)
        while len(self._entries) > self._max:
            self._entries.popitem(last=False)

    def drop(self, did: str) -> None:
        self._entries.pop(did, None)
