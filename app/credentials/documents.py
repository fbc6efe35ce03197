"""Write and sign a credential: the same claims and evidence as a VC 2.0 or as an SD-JWT VC.

A credential ends when the document it rests on does, if that is sooner. Evidence and status are never disclosable: a
holder who could withhold them could pass a rehearsal off as a check, or a revoked credential off as one that has no
status.
"""

from __future__ import annotations

import hashlib
import uuid
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Final

import rfc8785

from app.credentials.configurations import CredentialConfiguration
from app.credentials.lists import Allocation
from app.errors import Conflict
from app.issuers.service import Issuers
from app.verifications.approved import ApprovedVerification
from did.credentials.contexts import ASSAY_CONTEXT, VC2_CONTEXT
from did.keys import PublicKey
from did.securing import sd_jwt
from did.securing.data_integrity import add_proof
from did.timestamps import format_time

__all__ = ["DocumentExpired", "Draft", "validity", "write_sd_jwt", "write_vc"]

ISSUER_NAME: Final = "Assay"


class DocumentExpired(Conflict):
    """The identity document has expired since it was checked: nothing can be issued about it any more."""

    code = "document_expired"


@dataclass(frozen=True)
class Draft:
    """What both formats are written from."""

    verification: ApprovedVerification
    configuration: CredentialConfiguration
    holder: PublicKey | None
    holder_did: str | None
    place: Allocation
    list_uri: str
    valid_from: datetime
    valid_until: datetime


def validity(verification: ApprovedVerification, now: datetime, days: int) -> tuple[datetime, datetime]:
    """From now, whole seconds, until `days` later or the end of the document's last day. Raises DocumentExpired."""
    start = now.astimezone(UTC).replace(microsecond=0)
    end = start + timedelta(days=days)
    expiry = verification.claims.get("expiryDate")
    if isinstance(expiry, str):
        end = min(end, datetime.combine(date.fromisoformat(expiry), time(23, 59, 59), UTC))
    if end <= start:
        raise DocumentExpired("the identity document has expired")
    return start, end


def write_vc(draft: Draft, issuers: Issuers) -> tuple[str, dict[str, Any], str]:
    """Return (credential URI, signed VC 2.0, SHA-256 of its canonical JSON)."""
    signer, method = issuers.signer("Ed25519")
    uri = uuid.uuid4().urn
    subject: dict[str, Any] = {"id": draft.holder_did} if draft.holder_did else {}
    unsigned = {
        "@context": [VC2_CONTEXT, ASSAY_CONTEXT],
        "id": uri,
        "type": list(draft.configuration.types),
        "issuer": {"id": method.partition("#")[0], "name": ISSUER_NAME},
        "validFrom": format_time(draft.valid_from),
        "validUntil": format_time(draft.valid_until),
        "credentialSubject": {**subject, "type": "PersonIdentity", **draft.verification.claims},
        "credentialStatus": _status_entries(draft),
        "evidence": [dict(draft.verification.evidence)],
    }
    assert draft.configuration.suite is not None
    signed = add_proof(
        unsigned,
        suite=draft.configuration.suite,
        signer=signer,
        verification_method=method,
        purpose="assertionMethod",
        created=draft.valid_from,
    )
    return uri, signed, hashlib.sha256(rfc8785.dumps(signed)).hexdigest()


def _status_entries(draft: Draft) -> list[dict[str, Any]]:
    """The registry's entry, which our verifier decides by, and the standard ones for verifiers without a chain."""
    place, index = draft.place, str(draft.place.index)
    registry = {
        "type": "EvmStatusRegistryEntry",
        "chain": f"eip155:{place.chain_id}",
        "registry": place.registry,
        "statusList": place.list_id,
        "statusListIndex": index,
    }
    standard = [
        {
            "id": f"{draft.list_uri}/{purpose}#{index}",
            "type": "BitstringStatusListEntry",
            "statusPurpose": purpose,
            "statusListIndex": index,
            "statusListCredential": f"{draft.list_uri}/{purpose}",
        }
        for purpose in ("revocation", "suspension")
    ]
    return [registry, *standard]


def write_sd_jwt(draft: Draft, issuers: Issuers) -> tuple[str, str, str]:
    """Return (credential URI, compact SD-JWT VC, its SHA-256); the URI is ours alone and not part of the token."""
    signer, method = issuers.signer("P-256")
    claims: dict[str, Any] = {**draft.verification.claims, "evidence": [dict(draft.verification.evidence)]}
    if not draft.verification.livemode:
        claims["test_mode"] = True
    place = draft.place
    status = {
        "status_list": {"idx": place.index, "uri": draft.list_uri},
        "evm_registry": {
            "chain": f"eip155:{place.chain_id}",
            "registry": place.registry,
            "list": place.list_id,
            "idx": place.index,
        },
    }
    assert draft.configuration.vct is not None
    withheld = {claim.name for claim in draft.configuration.claims if claim.disclosable}
    token = sd_jwt.issue(
        claims,
        disclosable=withheld & set(draft.verification.claims),
        signer=signer,
        kid=method,
        vct=draft.configuration.vct,
        issuer=method.partition("#")[0],
        holder=draft.holder,
        issued_at=int(draft.valid_from.timestamp()),
        expires_at=int(draft.valid_until.timestamp()),
        status=status,
    )
    return uuid.uuid4().urn, token, hashlib.sha256(token.encode()).hexdigest()
