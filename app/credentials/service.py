"""Issue credentials and read what was issued; `status.py` has the verbs that change their status.

The danger: a credential that exists without its place in a status list, or the other way round. Drawing the index,
signing, the row and the audit row are one transaction, and the caller hands the credential out only after it has
committed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.audit.service import Audit
from app.clock import Clock
from app.credentials.configurations import CredentialConfiguration
from app.credentials.documents import Draft, validity, write_sd_jwt, write_vc
from app.credentials.lists import StatusLists
from app.credentials.states import CredentialNotFound, IssuedCredential
from app.credentials.status import StatusVerbs
from app.credentials.tables import CredentialRow, StatusChangeRow
from app.database import Database
from app.errors import ServiceError
from app.identifiers import new_id
from app.issuers.service import Issuers
from app.ledger.service import JobState, Ledger
from app.settings import Settings
from app.verifications.approved import ApprovedVerification
from did.keys import PublicKey

__all__ = ["CredentialView", "Credentials", "HolderRequired"]


class HolderRequired(ServiceError):
    """An SD-JWT VC is bound to the holder's key; there was none."""

    code = "holder_key_required"


@dataclass(frozen=True)
class CredentialView:
    """An issued credential as an operator sees it: no claims. `anchor` is where its last change of status stands."""

    id: str
    configuration: str
    format: str
    issuer: str
    verification_session: str
    livemode: bool
    simulated: bool
    state: str
    state_reason: str | None
    list_id: str
    list_index: int
    issued_at: datetime
    valid_from: datetime
    valid_until: datetime
    changed_at: datetime | None
    anchor: JobState | None


class Credentials(StatusVerbs):
    """The verbs on credentials."""

    def __init__(
        self,
        *,
        database: Database,
        audit: Audit,
        clock: Clock,
        settings: Settings,
        issuers: Issuers,
        lists: StatusLists,
        ledger: Ledger,
    ) -> None:
        super().__init__(database=database, audit=audit, clock=clock, ledger=ledger)
        self._settings = settings
        self._issuers = issuers
        self._lists = lists

    def issue(
        self,
        session: Session,
        *,
        verification: ApprovedVerification,
        configuration: CredentialConfiguration,
        holder: PublicKey | None,
        holder_did: str | None,
        actor: str,
        offer_id: str | None = None,
    ) -> IssuedCredential:
        """Issue in the caller's transaction, which must be a writing one; nothing is issued unless it commits.

        Raises HolderRequired, DocumentExpired, StatusListFull, IssuerNotAnchored, and KernelError leaves.
        """
        if configuration.format == "dc+sd-jwt" and holder is None:
            raise HolderRequired("name the holder's key: holder_did", pointer="/holder_did")
        place = self._lists.allocate(session)
        now = self._clock()
        valid_from, valid_until = validity(verification, now, self._settings.credential_validity_days)
        draft = Draft(
            verification=verification,
            configuration=configuration,
            holder=holder,
            holder_did=holder_did,
            place=place,
            list_uri=self._lists.uri(place.list_id),
            valid_from=valid_from,
            valid_until=valid_until,
        )
        write = write_vc if configuration.format == "ldp_vc" else write_sd_jwt
        uri, credential, digest = write(draft, self._issuers)
        row = CredentialRow(
            id=new_id("cred"),
            credential_uri=uri,
            session_id=verification.session_id,
            offer_id=offer_id,
            configuration=configuration.id,
            format=configuration.format,
            issuer=self._issuers.did(),
            sha256=digest,
            list_id=place.list_id,
            list_index=place.index,
            state="active",
            livemode=verification.livemode,
            simulated=verification.simulated,
            issued_at=now,
            valid_from=valid_from,
            valid_until=valid_until,
        )
        session.add(row)
        session.flush()
        self._audit.record(
            session,
            actor=actor,
            action="credential.issued",
            subject=row.id,
            detail={"configuration": configuration.id, "session": verification.session_id, "livemode": row.livemode},
        )
        return IssuedCredential(row.id, configuration.format, credential)

    def get(self, credential_id: str, *, livemode: bool | None) -> CredentialView:
        """One credential. `livemode` None is an operator's view of both modes. Raises CredentialNotFound."""
        with self._database.reading() as session:
            row = session.get(CredentialRow, credential_id)
            if row is None or livemode not in (None, row.livemode):
                raise CredentialNotFound(f"no credential {credential_id[:60]}")
            return self._views(session, [row])[0]

    def list(
        self,
        *,
        livemode: bool | None,
        limit: int = 20,
        cursor: str | None = None,
        verification_session: str | None = None,
        state: str | None = None,
    ) -> tuple[Sequence[CredentialView], bool]:
        """The newest credentials first, those before `cursor` (an id); and whether there are more."""
        query = select(CredentialRow).order_by(CredentialRow.id.desc()).limit(limit + 1)
        if livemode is not None:
            query = query.where(CredentialRow.livemode.is_(livemode))
        if cursor:
            query = query.where(CredentialRow.id < cursor)
        if verification_session:
            query = query.where(CredentialRow.session_id == verification_session)
        if state:
            query = query.where(CredentialRow.state == state)
        with self._database.reading() as session:
            rows = session.scalars(query).all()
            return self._views(session, rows[:limit]), len(rows) > limit

    def counts(self) -> Sequence[tuple[str, str, int]]:
        """How many credentials there are by (configuration, state), for metrics."""
        with self._database.reading() as session:
            found = session.execute(
                select(CredentialRow.configuration, CredentialRow.state, func.count()).group_by(
                    CredentialRow.configuration, CredentialRow.state
                )
            )
            return [(configuration, state, count) for configuration, state, count in found]

    def _views(self, session: Session, rows: Sequence[CredentialRow]) -> Sequence[CredentialView]:
        found = session.execute(
            select(StatusChangeRow.credential_id, func.max(StatusChangeRow.job_id))
            .where(StatusChangeRow.credential_id.in_([row.id for row in rows]))
            .group_by(StatusChangeRow.credential_id)
        )
        latest: dict[str, int] = {credential_id: int(job_id) for credential_id, job_id in found}
        anchors = self._ledger.states(session, latest.values())
        return [_view(row, anchors.get(latest.get(row.id, -1))) for row in rows]


def _view(row: CredentialRow, anchor: JobState | None) -> CredentialView:
    return CredentialView(
        id=row.id,
        configuration=row.configuration,
        format=row.format,
        issuer=row.issuer,
        verification_session=row.session_id,
        livemode=row.livemode,
        simulated=row.simulated,
        state=row.state,
        state_reason=row.state_reason,
        list_id=row.list_id,
        list_index=row.list_index,
        issued_at=row.issued_at,
        valid_from=row.valid_from,
        valid_until=row.valid_until,
        changed_at=row.changed_at,
        anchor=anchor,
    )
