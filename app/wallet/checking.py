"""Checking what an issuer sent before it is kept, and finding the keys of those who sign.

"The signature does not hold" and "nobody could be asked whether it holds" are kept apart: the first is refused, the
second is stored and said plainly. Status is the verifier's business and not asked here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from urllib.parse import quote, urlsplit

from app.registry_reader import RegistryReader
from app.wallet.chain import connect, registry_named_by
from app.wallet.errors import CredentialRefused
from contracts.did_registry import DIDRegistry
from contracts.errors import ChainError
from did.credentials.vcdm import identifier_of, members
from did.errors import KernelError
from did.fetch import SafeFetch
from did.keys import PublicKey, did_jwk
from did.methods import EthrMethod, JwkMethod, KeyMethod, WebMethod
from did.methods.ethr import EthrRegistryReader
from did.resolver import Resolver
from did.securing.sd_jwt import parse, process
from did.verify import Policy, Verified, Verifier

__all__ = ["Checked", "Checker", "readable_claims", "web_did_of"]

# Findings without which a credential is not what it says it is.
_DECISIVE: Final = ("data_model", "signature", "issuer_binding", "validity_period", "holder_binding")


@dataclass(frozen=True)
class Checked:
    """What was found out: `verified` only if the issuer's signature was checked and held."""

    verified: bool
    statement: str
    issuer: str
    types: tuple[str, ...]
    test_mode: bool


@dataclass(frozen=True)
class Checker:
    """What the holder allows and knows: a chain to read, the registry on it, plain http to loopback."""

    rpc_url: str | None = None
    did_registry: str | None = None
    allow_http_loopback: bool = False

    def resolver(self, status_registry: str | None = None) -> Resolver:
        """A resolver for did:key, did:jwk, did:web and, with a chain, did:ethr."""
        fetch = SafeFetch(allow_http_loopback=self.allow_http_loopback)
        return Resolver([KeyMethod(), JwkMethod(), WebMethod(fetch), EthrMethod(self._registries(status_registry))])

    def check(
        self, credential: str | dict[str, Any], *, key: PublicKey, credential_issuer: str, now: datetime
    ) -> Checked:
        """Verify a credential that was just received. Raises CredentialRefused if it does not hold."""
        claims = readable_claims(credential)
        if bound_to(claims, sd_jwt=isinstance(credential, str)) not in (key.thumbprint(), did_jwk(key)):
            raise CredentialRefused("the credential is bound to another key than this wallet's")
        named = _status_registry(claims)
        resolver = self.resolver(named)
        policy = Policy(now=now, require_status=False, accept_test_mode=True)
        verified = Verifier(resolver, None).verify(credential, policy)
        decisive = [check for check in verified.verdict.checks if check.name in _DECISIVE]
        failed = [check for check in decisive if check.result == "failed"]
        if failed:
            raise CredentialRefused(f"the credential does not hold: {failed[0].code}: {failed[0].detail}")
        issuer = _issuer_of(claims)
        unknown = [check for check in decisive if check.result == "unknown"]
        if unknown or not any(check.name == "signature" and check.result == "passed" for check in decisive):
            why = unknown[0].detail if unknown else "nothing was checked"
            statement = f"signature NOT verified: {why}"
            return Checked(False, statement, issuer, _types(verified, claims), _test_mode(claims))
        statement = f"signature verified with a key of {issuer}{self._source(issuer, named)}"
        statement += _link(resolver, issuer, credential_issuer)
        return Checked(True, statement, issuer, _types(verified, claims), _test_mode(claims))

    def _registries(self, status_registry: str | None) -> Mapping[int, EthrRegistryReader]:
        if self.rpc_url is None:
            return {}
        try:
            chain = connect(self.rpc_url)
            address = self.did_registry
            if address is None and status_registry is not None:
                address = registry_named_by(chain, status_registry)
            return {} if address is None else {chain.chain_id: RegistryReader(DIDRegistry(chain, address))}
        except ChainError:
            return {}

    def _source(self, issuer: str, status_registry: str | None) -> str:
        if not issuer.startswith("did:ethr:"):
            return ""
        named = " (the registry is the one the credential names)" if self.did_registry is None else ""
        return f" as the chain's DID registry has it{named if status_registry else ''}"


def web_did_of(url: str) -> str:
    """The did:web of the service at a URL."""
    parts = urlsplit(url)
    segments = [quote(segment, safe="") for segment in parts.path.split("/") if segment]
    return ":".join(["did", "web", quote(parts.netloc.lower(), safe=""), *segments])


def readable_claims(credential: str | dict[str, Any]) -> dict[str, Any]:
    """The whole VC, or the processed payload of an SD-JWT VC; nothing is verified. Raises CredentialRefused."""
    if isinstance(credential, dict):
        return credential
    try:
        token = parse(credential)
        return process(token.payload, token.disclosures).claims
    except KernelError as error:
        raise CredentialRefused(f"not a credential: {error.code}") from error


def bound_to(claims: Mapping[str, Any], *, sd_jwt: bool) -> str | None:
    """What a credential is bound to: the thumbprint of `cnf.jwk`, or the subject's DID."""
    try:
        if sd_jwt:
            return PublicKey.from_jwk(claims["cnf"]["jwk"]).thumbprint()
        subjects = members(claims.get("credentialSubject"))
        return identifier_of(subjects[0]) if len(subjects) == 1 else None
    except (KernelError, KeyError, TypeError):
        return None


def _link(resolver: Resolver, issuer: str, credential_issuer: str) -> str:
    """Whether the web server that handed the credential out says that the issuer's DID is its own."""
    host = urlsplit(credential_issuer).netloc
    own = web_did_of(credential_issuer)
    if issuer == own:
        return f"; {host} is that issuer"
    document = resolver.resolve(own).document or {}
    if issuer in members(document.get("alsoKnownAs")):
        return f"; {host} names it as its own"
    return f"; {host} does not say that this issuer is its own"


def _status_registry(claims: Mapping[str, Any]) -> str | None:
    status = claims.get("status")
    entries = [status["evm_registry"]] if isinstance(status, dict) and "evm_registry" in status else []
    entries += members(claims.get("credentialStatus"))
    found = [entry.get("registry") for entry in entries if isinstance(entry, dict)]
    return next((address for address in found if isinstance(address, str)), None)


def _issuer_of(claims: Mapping[str, Any]) -> str:
    return str(identifier_of(claims.get("issuer")) or claims.get("iss") or "")


def _types(verified: Verified, claims: Mapping[str, Any]) -> tuple[str, ...]:
    return verified.types or tuple(str(name) for name in members(claims.get("vct") or claims.get("type")))


def _test_mode(claims: Mapping[str, Any]) -> bool:
    marks = [entry.get("testMode", False) for entry in members(claims.get("evidence")) if isinstance(entry, dict)]
    return any(mark is not False for mark in [*marks, claims.get("test_mode", False)])
