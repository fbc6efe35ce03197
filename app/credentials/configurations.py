"""Which credentials can be issued: one frozen description each, read by issuance, metadata and the wallet's display.

The claim names are terms of the pinned identity context (`did.credentials.contexts.ASSAY_CONTEXT`); a name without a
term there would be dropped by JSON-LD and so never be signed, which the kernel refuses.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

__all__ = ["CONFIGURATIONS", "ClaimDescription", "CredentialConfiguration"]


@dataclass(frozen=True)
class ClaimDescription:
    """One claim: its term, what people call it, and whether the holder may withhold it (SD-JWT VC only)."""

    name: str
    display: str
    disclosable: bool


@dataclass(frozen=True)
class CredentialConfiguration:
    """One kind of credential in one format. `suite` is set for ldp_vc, `vct` for dc+sd-jwt."""

    id: str
    format: Literal["ldp_vc", "dc+sd-jwt"]
    suite: str | None
    vct: str | None
    types: tuple[str, ...]
    display_name: str
    claims: tuple[ClaimDescription, ...]
    key_kinds: tuple[str, ...] = ("EdDSA", "ES256")


_NAMES: Final = {
    "givenName": "Given name",
    "familyName": "Family name",
    "birthDate": "Date of birth",
    "ageOver18": "Over 18",
    "nationality": "Nationality",
    "documentNumber": "Document number",
    "documentType": "Document type",
    "issuingState": "Issuing state",
    "expiryDate": "Document expiry date",
    "sex": "Sex",
}
_TYPES: Final = ("VerifiableCredential", "PersonIdentityCredential")


def _claims(*, disclosable: bool) -> tuple[ClaimDescription, ...]:
    return tuple(ClaimDescription(name, display, disclosable) for name, display in _NAMES.items())


CONFIGURATIONS: Final[Mapping[str, CredentialConfiguration]] = {
    entry.id: entry
    for entry in (
        CredentialConfiguration(
            id="person_identity_ldp",
            format="ldp_vc",
            suite="eddsa-rdfc-2022",
            vct=None,
            types=_TYPES,
            display_name="Person identity",
            claims=_claims(disclosable=False),
        ),
        CredentialConfiguration(
            id="person_identity_ldp_jcs",
            format="ldp_vc",
            suite="eddsa-jcs-2022",
            vct=None,
            types=_TYPES,
            display_name="Person identity (JCS)",
            claims=_claims(disclosable=False),
        ),
        CredentialConfiguration(
            id="person_identity_sd_jwt",
            format="dc+sd-jwt",
            suite=None,
            vct="urn:assay:vct:person-identity:1",
            types=(),
            display_name="Person identity (selective disclosure)",
            claims=_claims(disclosable=True),
        ),
    )
}
