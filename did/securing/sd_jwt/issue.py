"""Issuing an SD-JWT VC (RFC 9901 section 6.1, SD-JWT VC section 2) whose issuer is a DID."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, Final

from did.errors import MalformedSdJwt, NotDisclosable
from did.keys.local import Signer
from did.keys.public import PublicKey
from did.securing.jose import sign_compact
from did.securing.sd_jwt.disclosure import Disclosure, hash_for
from did.strict_json import check_value, escape_pointer

__all__ = ["NEVER_DISCLOSABLE", "TYP", "issue"]

TYP: Final = "dc+sd-jwt"
# SD-JWT VC section 2.2.2.2, and what this function sets itself.
_SET_HERE: Final = frozenset(
    {"iss", "iat", "nbf", "exp", "cnf", "vct", "vct#integrity", "aka_vcts", "status", "_sd", "_sd_alg", "..."}
)
# A holder who may withhold `test_mode` could pass a rehearsal off as a real check.
NEVER_DISCLOSABLE: Final = _SET_HERE | {"test_mode"}


def issue(
    claims: dict[str, Any],
    *,
    disclosable: Collection[str],
    signer: Signer,
    kid: str,
    vct: str,
    issuer: str,
    holder: PublicKey | None,
    issued_at: int,
    expires_at: int | None,
    status: dict[str, Any] | None,
    extra_header: dict[str, Any] | None = None,
) -> str:
    """The compact SD-JWT, ending in `~`; times are seconds since 1970.

    `disclosable` names top-level claims, each of which gets a salted disclosure; the others are in the clear.
    `holder` is bound by `cnf.jwk`. Raises NotDisclosable for a claim that must be in the clear or does not exist,
    MalformedSdJwt when `claims` says something that this function sets, and the errors of strict JSON for values
    that have no safe form.
    """
    check_value(claims)
    for name in claims:
        if name in _SET_HERE:
            raise MalformedSdJwt("the issuer sets this member itself", pointer=f"/{escape_pointer(name)}")
    for name in disclosable:
        if name in NEVER_DISCLOSABLE or name not in claims:
            raise NotDisclosable("not a claim that can be disclosed", pointer=f"/{escape_pointer(name)}")
    _refuse_reserved(claims)
    if kid.partition("#")[0] != issuer:
        raise MalformedSdJwt("kid is not a DID URL of the issuer")
    hidden = [Disclosure.create(name, claims[name]) for name in claims if name in disclosable]
    payload: dict[str, Any] = {"iss": issuer, "iat": issued_at, "vct": vct}
    if expires_at is not None:
        payload["exp"] = expires_at
    if holder is not None:
        payload["cnf"] = {"jwk": holder.to_jwk()}
    if status is not None:
        payload["status"] = status
    payload |= {name: value for name, value in claims.items() if name not in disclosable}
    if hidden:
        digest = hash_for("sha-256")
        # Sorted, so that the order of the claims is not given away (section 4.2.4.1).
        payload |= {"_sd_alg": "sha-256", "_sd": sorted(digest(item.encoded) for item in hidden)}
    token = sign_compact({**(extra_header or {}), "typ": TYP, "kid": kid}, payload, signer)
    return "~".join([token, *(item.encoded for item in hidden), ""])


def _refuse_reserved(claims: dict[str, Any]) -> None:
    stack: list[Any] = [claims]
    while stack:
        item = stack.pop()
        if isinstance(item, dict):
            if "_sd" in item or "..." in item:
                raise MalformedSdJwt("_sd and ... are reserved names")
            stack.extend(item.values())
        elif isinstance(item, list):
            stack.extend(item)
