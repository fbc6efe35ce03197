"""Issue directly to the caller, for systems that deliver credentials themselves: one transaction, one answer."""

from __future__ import annotations

from app.credentials.configurations import CONFIGURATIONS
from app.credentials.service import Credentials, CredentialView
from app.credentials.states import IssuedCredential
from app.database import Database
from app.issuance.errors import UnknownConfiguration
from app.verifications.service import Verifications
from did.keys import PublicKey

__all__ = ["DirectIssuance"]


class DirectIssuance:
    """POST /v1/credentials."""

    def __init__(self, *, database: Database, credentials: Credentials, verifications: Verifications) -> None:
        self._database = database
        self._credentials = credentials
        self._verifications = verifications

    def issue(
        self,
        *,
        verification_session: str,
        configuration: str,
        holder: PublicKey | None,
        holder_did: str | None,
        livemode: bool,
        actor: str,
    ) -> tuple[CredentialView, IssuedCredential]:
        """Issue and commit. Raises UnknownConfiguration, what the session raises, and what `Credentials.issue`
        raises."""
        chosen = CONFIGURATIONS.get(configuration)
        if chosen is None:
            raise UnknownConfiguration(f"choose one of {', '.join(CONFIGURATIONS)}", pointer="/configuration")
        approved = self._verifications.approved(verification_session, livemode=livemode)
        with self._database.transaction() as session:
            issued = self._credentials.issue(
                session,
                verification=approved,
                configuration=chosen,
                holder=holder,
                holder_did=holder_did,
                actor=actor,
            )
        return self._credentials.get(issued.credential_id, livemode=livemode), issued
