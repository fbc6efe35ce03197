"""Questions that are asked often, as DCQL queries (OpenID4VP 1.0 section 6).

Each takes either format and prefers the SD-JWT VC, from which a holder can show one claim without the others. A claim
that a document may not carry (a person without given names) is optional through `claim_sets`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, Literal

from app.credentials.configurations import CONFIGURATIONS

__all__ = ["PRESETS", "Preset"]

Preset = Literal["verified_identity", "over_18"]
_TYPE_IRIS: Final = (
    "https://www.w3.org/2018/credentials#VerifiableCredential",
    "https://assay.example/ns/identity#PersonIdentityCredential",
)
_VCTS: Final = sorted({entry.vct for entry in CONFIGURATIONS.values() if entry.vct is not None})


def _either_format(
    claims: Sequence[tuple[str, list[Any] | None]], claim_sets: Sequence[Sequence[str]] | None
) -> dict[str, Any]:
    def described(prefix: list[str]) -> dict[str, Any]:
        listed = [
            {"id": name, "path": [*prefix, name], **({} if values is None else {"values": values})}
            for name, values in claims
        ]
        sets = {} if claim_sets is None else {"claim_sets": [list(names) for names in claim_sets]}
        return {"claims": listed, **sets}

    return {
        "credentials": [
            {"id": "identity_sd_jwt", "format": "dc+sd-jwt", "meta": {"vct_values": _VCTS}, **described([])},
            {
                "id": "identity_ldp",
                "format": "ldp_vc",
                "meta": {"type_values": [list(_TYPE_IRIS)]},
                **described(["credentialSubject"]),
            },
        ],
        "credential_sets": [{"options": [["identity_sd_jwt"], ["identity_ldp"]]}],
    }


def _verified_identity() -> dict[str, Any]:
    names = ["givenName", "familyName", "birthDate", "nationality"]
    return _either_format([(name, None) for name in names], [names, names[1:]])


def _over_18() -> dict[str, Any]:
    return _either_format([("ageOver18", [True])], None)


PRESETS: Final[Mapping[str, Callable[[], dict[str, Any]]]] = {
    "verified_identity": _verified_identity,
    "over_18": _over_18,
}
