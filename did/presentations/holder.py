"""The holder's half: proving a key to an issuer, presenting to a verifier. The demo wallet and the tests use it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from did.credentials.contexts import VC2_CONTEXT
from did.errors import InvalidDid, NotDisclosable
from did.keys.local import Signer
from did.presentations.claims_path import ClaimsPath, select_path
from did.presentations.openid4vci_proof import PROOF_TYP
from did.securing.data_integrity import add_proof
from did.securing.jose import sign_compact
from did.securing.sd_jwt import Processed, hash_for, parse, process
from did.securing.sd_jwt.key_binding import KB_TYP
from did.strict_json import escape_pointer

__all__ = ["key_proof", "present_ldp", "present_sd_jwt", "verification_method_of"]


def key_proof(signer: Signer, *, audience: str, nonce: str, issued_at: int, client_id: str | None = None) -> str:
    """An OpenID4VCI key proof JWT with the public JWK in its header; `issued_at` in seconds since 1970."""
    payload: dict[str, Any] = {"aud": audience, "iat": issued_at, "nonce": nonce}
    if client_id is not None:
        payload["iss"] = client_id
    return sign_compact({"typ": PROOF_TYP, "jwk": signer.public.to_jwk()}, payload, signer)


def present_sd_jwt(
    credential: str, *, disclose: Collection[ClaimsPath], signer: Signer, audience: str, nonce: str, issued_at: int
) -> str:
    """The SD-JWT with the disclosures that the paths need, and a key binding JWT for this verifier.

    A path to an object or array discloses everything in it. Raises NotDisclosable for a path that leads nowhere.
    """
    token = parse(credential)
    processed = process(token.payload, token.disclosures)
    keep: set[str] = set()
    for path in disclose:
        keep |= _needed(processed, path)
    kept = [item.encoded for item in token.disclosures if item.encoded in keep]
    presented = "~".join([token.issuer_jwt, *kept, ""])
    digest = hash_for(token.payload.get("_sd_alg", "sha-256"))
    body = {"iat": issued_at, "aud": audience, "nonce": nonce, "sd_hash": digest(presented)}
    return presented + sign_compact({"typ": KB_TYP}, body, signer)


def _needed(processed: Processed, path: ClaimsPath) -> set[str]:
    concrete = [found for found, _ in select_path(processed.claims, path)]
    if not concrete:
        pointer = "".join(f"/{escape_pointer('*' if part is None else part)}" for part in path)
        raise NotDisclosable("the credential has no such claim", pointer=pointer)
    needed: set[str] = set()
    for disclosure, place in processed.paths.items():
        for target in concrete:
            length = min(len(place), len(target))
            if place[:length] == target[:length]:
                needed.add(disclosure)
    for disclosure in list(needed):
        parent = processed.parents[disclosure]
        while parent is not None:
            needed.add(parent)
            parent = processed.parents[parent]
    return needed


def verification_method_of(did: str) -> str:
    """The DID URL of the one signing key of a did:key or did:jwk. Raises InvalidDid for other methods."""
    if did.startswith("did:key:"):
        return f"{did}#{did.removeprefix('did:key:')}"
    if did.startswith("did:jwk:"):
        return f"{did}#0"
    raise InvalidDid("a holder's DID is a did:key or did:jwk")


def present_ldp(
    credentials: Sequence[dict[str, Any]],
    *,
    signer: Signer,
    holder_did: str,
    audience: str,
    nonce: str,
    created: datetime,
) -> dict[str, Any]:
    """A VP 2.0 over the credentials, with an eddsa-rdfc-2022 proof for authentication. The key must be Ed25519."""
    presentation = {
        "@context": [VC2_CONTEXT],
        "type": ["VerifiablePresentation"],
        "holder": holder_did,
        "verifiableCredential": list(credentials),
    }
    return add_proof(
        presentation,
        suite="eddsa-rdfc-2022",
        signer=signer,
        verification_method=verification_method_of(holder_did),
        purpose="authentication",
        created=created,
        challenge=nonce,
        domain=audience,
    )
