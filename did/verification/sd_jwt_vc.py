"""Verifying an SD-JWT VC whose issuer is a DID (RFC 9901 section 7, SD-JWT VC).

The key is the one that `kid` names, and only if it is a DID URL of `iss` (threats 15, 18, 33). Whether a key binding
JWT is required is the policy's decision; one that is present must hold either way (threat 30).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from did.errors import InvalidSignature, KernelError, MalformedSdJwt, WrongTokenType
from did.keys.identifiers import did_jwk
from did.securing.sd_jwt import KeyBinding, UnverifiedSdJwt, parse, process, verify_key_binding
from did.securing.sd_jwt.issue import TYP
from did.status.entry import RegistryStatusEntry, entry_from_sd_jwt
from did.timestamps import parse_numeric_date
from did.verdict import Check, Verdict
from did.verification.checks import (
    check_test_mode,
    failure,
    has_failed,
    issuer_trust,
    match_check,
    skipped,
    status_check,
    validity_check,
)
from did.verification.policy import Policy, Verified
from did.verification.vc import Kernel

__all__ = ["verify_sd_jwt_vc"]

FORMAT = "dc+sd-jwt"


def verify_sd_jwt_vc(text: str, policy: Policy, kernel: Kernel) -> Verified:
    """Verify an SD-JWT VC, with or without a key binding JWT."""
    checks: list[Check] = []
    try:
        token = parse(text)
        issuer, kid, vct = _header(token)
    except KernelError as error:
        return Verified(Verdict.of([failure("data_model", error)]), FORMAT)
    checks.append(_issuer_binding(issuer, kid, policy))
    if has_failed(checks):
        return Verified(Verdict.of(checks), FORMAT)
    try:
        key = kernel.resolver.key_for(kid, "assertionMethod")
        if not token.jws.verified_by(key):
            raise InvalidSignature("the issuer's signature does not verify")
    except KernelError as error:
        checks.append(failure("signature", error))
        return Verified(Verdict.of(checks), FORMAT)
    checks.append(Check("signature", "passed"))
    try:
        claims = process(token.payload, token.disclosures).claims
    except KernelError as error:
        checks.append(failure("data_model", error))
        return Verified(Verdict.of(checks), FORMAT)
    checks.append(Check("data_model", "passed"))
    checks.append(issuer_trust(issuer, policy))
    checks.append(_validity(claims, policy))
    checks.append(check_test_mode(policy, [claims["test_mode"]] if "test_mode" in claims else []))
    binding, binding_checks = _key_binding(token, policy)
    checks.extend(binding_checks)
    checks.append(_status(claims, policy, kernel, has_failed(checks)))
    return Verified(
        verdict=Verdict.of(checks),
        format=FORMAT,
        issuer=issuer,
        holder=binding.key if binding else None,
        holder_did=did_jwk(binding.key) if binding else None,
        types=(vct,),
        claims=claims,
        credential=claims,
    )


def _header(token: UnverifiedSdJwt) -> tuple[str, str, str]:
    if token.jws.header.get("typ") != TYP:
        raise WrongTokenType(f"typ is not {TYP}")
    values = (token.payload.get("iss"), token.jws.header.get("kid"), token.payload.get("vct"))
    for value, name in zip(values, ("iss", "kid", "vct"), strict=True):
        if not isinstance(value, str) or not value:
            raise MalformedSdJwt(f"{name} is required and a string", pointer=f"/{name}")
    issuer, kid, vct = values
    assert isinstance(issuer, str)
    assert isinstance(kid, str)
    assert isinstance(vct, str)
    return issuer, kid, vct


def _issuer_binding(issuer: str, kid: str, policy: Policy) -> Check:
    if policy.proof_only:
        return skipped("issuer_binding", "proof only")
    if kid.partition("#")[0] == issuer:
        return Check("issuer_binding", "passed")
    return Check("issuer_binding", "failed", "kid is not a DID URL of iss", "issuer_mismatch", "/kid")


def _validity(claims: Mapping[str, Any], policy: Policy) -> Check:
    times: dict[str, datetime] = {}
    try:
        for name in ("nbf", "iat", "exp"):
            if name in claims:
                seconds = parse_numeric_date(claims[name], pointer=f"/{name}")
                times[name] = datetime.fromtimestamp(seconds, UTC)
    except KernelError as error:
        return failure("validity_period", error)
    starts = [times[name] for name in ("nbf", "iat") if name in times]
    return validity_check(policy, max(starts, default=None), times.get("exp"))


def _key_binding(token: UnverifiedSdJwt, policy: Policy) -> tuple[KeyBinding | None, list[Check]]:
    if policy.proof_only:
        return None, [skipped("holder_binding", "proof only")]
    if token.key_binding_jwt is None:
        if policy.require_holder_binding:
            detail = "no key binding JWT"
            return None, [Check("holder_binding", "failed", detail, "holder_binding_missing")]
        return None, [skipped("holder_binding", "not asked for")]
    try:
        binding = verify_key_binding(
            token, now=int(policy.now.timestamp()), max_age_s=policy.max_kb_age_s, leeway_s=policy.leeway_s
        )
    except KernelError as error:
        return None, [failure("holder_binding", error)]
    return binding, [
        Check("holder_binding", "passed"),
        match_check("nonce", policy.nonce, [binding.nonce], "wrong_nonce"),
        match_check("audience", policy.audience, [binding.audience], "wrong_audience"),
    ]


def _status(claims: Mapping[str, Any], policy: Policy, kernel: Kernel, failed: bool) -> Check:
    if failed:
        return skipped("status", "not read, since another check did not pass")

    def read() -> list[RegistryStatusEntry]:
        status = claims["status"]
        if not isinstance(status, dict):
            raise MalformedSdJwt("status is not an object", pointer="/status")
        if "evm_registry" not in status:
            return []
        entry = status["evm_registry"]
        return [entry_from_sd_jwt(entry if isinstance(entry, dict) else {}, pointer="/status/evm_registry")]

    return status_check(kernel.status, policy, "status" in claims, read)
