"""What a verifier demands, and what it gets back.

`Verified.claims` and `credential` are empty unless the signature held, so nobody reads what nobody signed.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from did.keys.public import PublicKey
from did.verdict import Verdict

__all__ = ["Policy", "Verified"]


@dataclass(frozen=True)
class Policy:
    """The demands. `now` is aware; seconds elsewhere.

    `audience` and `nonce` must be those of the presentation (a bare credential has none). `trusted_issuers` None means
    that trust is decided elsewhere. `proof_only` checks form and signatures alone, for published vectors: it skips
    issuer binding, holder binding, times, status and trust. `accept_test_mode` lets rehearsal credentials pass.
    """

    now: datetime
    audience: str | None = None
    nonce: str | None = None
    require_holder_binding: bool = False
    trusted_issuers: frozenset[str] | None = None
    require_status: bool = True
    leeway_s: int = 60
    proof_only: bool = False
    accept_test_mode: bool = False
    max_kb_age_s: int = 300

    def __post_init__(self) -> None:
        if self.now.tzinfo is None:
            raise ValueError("Policy.now needs a time zone")


@dataclass(frozen=True)
class Verified:
    """A verdict and what was verified.

    `format` is "ldp_vc", "dc+sd-jwt", "ldp_vp", or "" for something that is none of them. `claims` is the processed
    payload of an SD-JWT VC, the credentialSubject of a VC (`{"credentialSubject": [...]}` if there are several), and
    empty for a presentation. `credential` is the whole verified credential without its proof. `types` are the vct, or
    the short names and the expanded IRIs. `holder` is the key that made the presentation.
    """

    verdict: Verdict
    format: str
    issuer: str | None = None
    holder: PublicKey | None = None
    holder_did: str | None = None
    types: tuple[str, ...] = ()
    claims: dict[str, Any] = field(default_factory=dict)
    credential: dict[str, Any] | None = None
    credentials: tuple[Verified, ...] = ()
