"""The issuer's identities: one issuer, two DIDs with the same keys (docs/decisions/0005).

`did:ethr` resolves from the chain alone and signs by default. `did:web` is what a wallet can resolve with HTTPS alone
and names the verifier in requests. Which fragment a key has in the did:ethr document follows from the registry's
events, so it is looked up by the key and never assumed.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any, Final, Literal
from urllib.parse import quote, urlsplit

from app.errors import ServiceError
from app.issuers.keys import KeyRing
from app.settings import Settings
from did.credentials.contexts import DID_CONTEXT, MULTIKEY_CONTEXT
from did.keys import KeyKind, LocalKey, PublicKey, Signer
from did.methods import EthrMethod
from did.methods.ethr import did_ethr
from did.resolver import DidMethod, Resolution, Resolver

__all__ = ["IssuerNotAnchored", "Issuers", "KeptMethod", "OwnWebMethod", "web_did"]

Method = Literal["ethr", "web"]
_FRAGMENTS: Final = {"Ed25519": "key-ed25519", "P-256": "key-p256"}
_REQUEST_FRAGMENT: Final = "key-request"
JWK_CONTEXT: Final = "https://w3id.org/security/jwk/v1"


class IssuerNotAnchored(ServiceError):
    """The registry does not name the key that is to sign."""

    code = "issuer_not_anchored"


class Issuers:
    """Names and signers of this deployment."""

    def __init__(self, *, settings: Settings, keys: KeyRing, chain_id: int, identity: str, ethr: EthrMethod) -> None:
        self._settings = settings
        self._keys = keys
        self._ethr = ethr
        self._dids: dict[Method, str] = {"ethr": did_ethr(chain_id, identity), "web": web_did(settings.base_url)}
        self._methods: dict[str, str] = {}
        self._lock = threading.Lock()

    @property
    def all_dids(self) -> frozenset[str]:
        """Both names of this issuer."""
        return frozenset(self._dids.values())

    def did(self, method: Method | None = None) -> str:
        """The issuer's DID of a method; without one, the method that the settings name."""
        return self._dids[method or self._settings.issuer_method]

    def signer(self, kind: KeyKind, method: Method | None = None) -> tuple[Signer, str]:
        """The key that signs credentials, and the DID URL of its verification method. Raises IssuerNotAnchored."""
        key = self._assertion_key(kind)
        chosen = method or self._settings.issuer_method
        if chosen == "web":
            return key, f"{self._dids['web']}#{_FRAGMENTS[kind]}"
        return key, self._ethr_url(key.public)

    def request_signer(self) -> tuple[Signer, str, str]:
        """The key that signs presentation requests, its DID URL, and the verifier's client_id."""
        did = self._dids["web"]
        return self._keys.request, f"{did}#{_REQUEST_FRAGMENT}", f"decentralized_identifier:{did}"

    def web_document(self) -> dict[str, Any]:
        """The did:web document."""
        did = self._dids["web"]
        assertion = [f"{did}#{fragment}" for fragment in _FRAGMENTS.values()]
        request = f"{did}#{_REQUEST_FRAGMENT}"
        methods: list[dict[str, Any]] = [
            {
                "id": assertion[0],
                "type": "Multikey",
                "controller": did,
                "publicKeyMultibase": self._keys.assertion_ed25519.public.to_multikey(),
            },
            _jwk_method(assertion[1], did, self._keys.assertion_p256.public),
            _jwk_method(request, did, self._keys.request.public),
        ]
        return {
            "@context": [DID_CONTEXT, MULTIKEY_CONTEXT, JWK_CONTEXT],
            "id": did,
            "alsoKnownAs": [self._dids["ethr"]],
            "verificationMethod": methods,
            "assertionMethod": assertion,
            "authentication": [request],
        }

    def jwks(self) -> dict[str, Any]:
        """The keys that sign credentials, as a JWK set."""
        did = self._dids["web"]
        keys = ((self._keys.assertion_ed25519, "key-ed25519"), (self._keys.assertion_p256, "key-p256"))
        return {
            "keys": [
                {**key.public.to_jwk(), "kid": f"{did}#{fragment}", "use": "sig", "alg": key.alg}
                for key, fragment in keys
            ]
        }

    def _assertion_key(self, kind: KeyKind) -> LocalKey:
        if kind == "Ed25519":
            return self._keys.assertion_ed25519
        if kind == "P-256":
            return self._keys.assertion_p256
        raise IssuerNotAnchored(f"the issuer has no {kind} key for credentials")

    def _ethr_url(self, public: PublicKey) -> str:
        multikey = public.to_multikey()
        with self._lock:
            found = self._methods.get(multikey)
            if found is None:
                found = self._methods[multikey] = self._look_up(multikey)
        return found

    def _look_up(self, multikey: str) -> str:
        document = self._ethr.resolve(self._dids["ethr"]).document or {}
        for method in document.get("verificationMethod", []):
            if method.get("publicKeyMultibase") == multikey and method["id"] in document.get("assertionMethod", []):
                return str(method["id"])
        raise IssuerNotAnchored(f"{self._dids['ethr']} does not name the key {multikey}")


class KeptMethod:
    """A method whose documents are fetched from others' servers: kept longer than what a chain answers, to spare
    them."""

    def __init__(self, method: DidMethod, *, clock: Callable[[], float]) -> None:
        self.name = method.name
        self._resolver = Resolver([method], clock=clock)

    def resolve(self, did: str) -> Resolution:
        """Resolve; a failure is an error code in the answer."""
        return self._resolver.resolve(did)


class OwnWebMethod:
    """did:web that answers for the service itself without asking it over HTTP, and leaves every other to `others`."""

    name = "web"

    def __init__(self, issuers: Issuers, others: DidMethod) -> None:
        self._issuers = issuers
        self._others = others

    def resolve(self, did: str) -> Resolution:
        """Resolve; raises what the other method raises."""
        if did == self._issuers.did("web"):
            return Resolution(did, self._issuers.web_document())
        return self._others.resolve(did)


def web_did(base_url: str) -> str:
    """The did:web of a base URL (did:web method section 3.2): a port's colon is percent-encoded, slashes become
    colons."""
    parts = urlsplit(base_url)
    segments = [quote(segment, safe="") for segment in parts.path.split("/") if segment]
    return ":".join(["did", "web", quote(parts.netloc.lower(), safe=""), *segments])


def _jwk_method(url: str, did: str, public: PublicKey) -> dict[str, Any]:
    return {"id": url, "type": "JsonWebKey", "controller": did, "publicKeyJwk": public.to_jwk()}
