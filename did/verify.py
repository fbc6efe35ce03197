"""The door for verification: one object in, one `Verified` out, and no exception for anything an attacker can send."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from did.credentials.canonical import LinkedDataProcessor
from did.credentials.contexts import CONTEXTS
from did.credentials.vcdm import members
from did.errors import KernelError
from did.limits import MAX_DOCUMENT_BYTES
from did.resolver import Resolver
from did.status.entry import StatusSource
from did.strict_json import parse
from did.verdict import Check, Verdict
from did.verification.checks import failure
from did.verification.policy import Policy, Verified
from did.verification.sd_jwt_vc import verify_sd_jwt_vc
from did.verification.vc import Kernel, verify_credential
from did.verification.vp import verify_presentation

__all__ = ["Policy", "Verified", "Verifier"]


class Verifier:
    """Verifies credentials and presentations of every supported format; safe to share between threads.

    `contexts` other than the pinned ones, and `allow_inline_contexts`, are for published vectors only.
    """

    def __init__(
        self,
        resolver: Resolver,
        status: StatusSource | None,
        *,
        contexts: Mapping[str, dict[str, Any]] = CONTEXTS,
        allow_inline_contexts: bool = False,
    ) -> None:
        processor = LinkedDataProcessor(contexts, allow_inline=allow_inline_contexts)
        self._kernel = Kernel(resolver, status, processor)

    def verify(self, thing: str | dict[str, Any], policy: Policy) -> Verified:
        """Verify an SD-JWT VC (text), or a VC or VP with Data Integrity proofs (JSON text or object).

        Never raises for what is in `thing`: whatever is wrong with it is a check in the verdict.
        """
        try:
            return self._dispatch(thing, policy)
        except KernelError as error:
            return Verified(Verdict.of([failure("data_model", error)]), "")
        except Exception as error:  # noqa: BLE001 - a fault of ours must close the door, not open it or crash the caller
            detail = f"the verifier failed: {type(error).__name__}"
            return Verified(Verdict.of([Check("data_model", "unknown", detail, "internal_error")]), "")

    def _dispatch(self, thing: str | dict[str, Any], policy: Policy) -> Verified:
        if isinstance(thing, str):
            if thing.lstrip()[:1] != "{":
                return verify_sd_jwt_vc(thing, policy, self._kernel)
            thing = parse(thing, max_bytes=MAX_DOCUMENT_BYTES)
        if not isinstance(thing, dict):
            unsupported = Check("data_model", "failed", "neither text nor an object", "unsupported_format")
            return Verified(Verdict.of([unsupported]), "")
        if "VerifiablePresentation" in members(thing.get("type")):
            return verify_presentation(thing, policy, self._kernel)
        return verify_credential(thing, policy, self._kernel)
