"""`assay verification`: look at sessions, decide those in review, erase one.

A decision made here is a person's: it needs a reason, it is audited under the name of the operating-system user, and
it can only be made where the gate asked for one. The commands work on the database itself, next to a running service.
"""

from __future__ import annotations

import getpass
import json
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, NoReturn

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from app.errors import ServiceError

if TYPE_CHECKING:
    from app.verifications.service import Verifications

__all__ = ["verification"]

verification = typer.Typer(help="Look at verification sessions and decide those in review.", no_args_is_help=True)

_Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
_DryRun = Annotated[bool, typer.Option("--dry-run", help="Say what would happen and change nothing.")]
_SessionId = Annotated[str, typer.Argument(help="The session, vs_...", show_default=False)]


class Choice(StrEnum):
    """What a reviewer may decide."""

    APPROVE = "approve"
    DECLINE = "decline"


class StatusFilter(StrEnum):
    """States by which sessions can be listed."""

    REQUIRES_INPUT = "requires_input"
    PROCESSING = "processing"
    APPROVED = "approved"
    DECLINED = "declined"
    IN_REVIEW = "in_review"
    EXPIRED = "expired"
    CANCELED = "canceled"


@verification.command("list")
def list_sessions(
    status: Annotated[StatusFilter | None, typer.Option(help="Only sessions in this state.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=100)] = 20,
    as_json: _Json = False,
) -> None:
    """List sessions, newest first."""
    from app.verifications.schemas import SessionAnswer

    with _opened(as_json) as room:
        rows, has_more = room.list(livemode=None, status=status, limit=limit)
        answers = [SessionAnswer.of(row, now=room.clock()) for row in rows]
    if as_json:
        _print_json(
            {"object": "list", "data": [answer.model_dump(mode="json") for answer in answers], "has_more": has_more}
        )
        return
    table = Table("session", "mode", "state", "attempts", "created", "reason", box=None)
    for answer in answers:
        reason = answer.last_error.code if answer.last_error else ""
        mode = "live" if answer.livemode else "test"
        table.add_row(
            answer.id,
            mode,
            answer.status,
            f"{answer.attempts}/{answer.max_attempts}",
            f"{answer.created_at:%F %T}",
            reason,
        )
    Console().print(table if answers else "no sessions")


@verification.command()
def show(session_id: _SessionId, as_json: _Json = False) -> None:
    """Show one session with its full report: personal data, reasons and scores."""
    from app.verifications.errors import ReportNotFound
    from app.verifications.schemas import ReportAnswer, SessionAnswer

    with _opened(as_json) as room:
        answer = SessionAnswer.of(room.get(session_id, livemode=None), now=room.clock())
        try:
            report = ReportAnswer.of(room.report(session_id, livemode=None)).model_dump(mode="json")
        except ReportNotFound:
            report = None
    if as_json:
        _print_json({"session": answer.model_dump(mode="json"), "report": report})
        return
    _print_session(answer.model_dump(mode="json"), report)


@verification.command()
def decide(
    session_id: _SessionId,
    choice: Annotated[Choice, typer.Argument(help="approve or decline", show_default=False)],
    reason: Annotated[str, typer.Option(help="Why; kept with the report and in the audit log. No personal data.")],
    dry_run: _DryRun = False,
    as_json: _Json = False,
) -> None:
    """Decide a session in review."""
    if not 3 <= len(reason.strip()) <= 200:
        raise typer.BadParameter("give a reason of 3 to 200 characters", param_hint="--reason")
    outcome: Literal["approved", "declined"] = "approved" if choice is Choice.APPROVE else "declined"
    with _opened(as_json) as room:
        row = room.decide(session_id, outcome, reason=reason.strip(), actor=_actor(), dry_run=dry_run)
    _tell(as_json, f"{'would be' if dry_run else 'is now'} {outcome}", session=row.id, outcome=outcome, dry_run=dry_run)


@verification.command()
def erase(session_id: _SessionId, dry_run: _DryRun = False, as_json: _Json = False) -> None:
    """Erase pictures, report and claims of a session for good, by deleting its keys."""
    with _opened(as_json) as room:
        row = room.get(session_id, livemode=None)
        room.retention.erase(session_id, livemode=None, actor=_actor(), dry_run=dry_run)
    _tell(as_json, f"{'would be' if dry_run else 'is now'} erased", session=row.id, erased=not dry_run, dry_run=dry_run)


@contextmanager
def _opened(as_json: bool) -> Iterator[Verifications]:
    """The room over the configured database; a refusal ends the command with 1, an unreachable database with 3."""
    from sqlalchemy.exc import OperationalError

    from app.audit.service import Audit
    from app.clock import utc_now
    from app.database import Database
    from app.settings import Settings
    from app.verifications.blobs import BlobStore
    from app.verifications.service import Verifications
    from ml.gate import Gate
    from ml.models import ModelStore

    settings = Settings()
    key_file = settings.keys_dir / "blob.key"
    url = settings.resolved_database_url
    if not key_file.exists() or (url.startswith("sqlite:///") and not Path(url.removeprefix("sqlite:///")).exists()):
        _refuse(
            as_json, 3, "not_set_up", f"nothing in {settings.data_dir}: start `assay serve` once, or set ASSAY_DATA_DIR"
        )
    database = Database(url)
    try:
        blobs = BlobStore.open(settings.data_dir / "blobs", key_file=key_file)
        yield Verifications(
            database=database,
            audit=Audit(utc_now),
            clock=utc_now,
            settings=settings,
            blobs=blobs,
            gate=lambda: Gate(ModelStore.default()),
        )
    except ServiceError as error:
        _refuse(as_json, 1, error.code, error.detail or error.code)
    except OperationalError:
        _refuse(as_json, 3, "database_unavailable", "the database cannot be used: see `assay doctor`")
    finally:
        database.close()


def _actor() -> str:
    return f"operator:{getpass.getuser()}"[:80]


def _refuse(as_json: bool, code: int, name: str, detail: str) -> NoReturn:
    if as_json:
        _print_json({"error": {"code": name, "detail": detail}})
    else:
        Console(stderr=True).print(f"[red]{name}[/red]: {escape(detail)}", highlight=False)
    raise typer.Exit(code)


def _tell(as_json: bool, sentence: str, **answer: Any) -> None:
    if as_json:
        _print_json(answer)
    else:
        Console().print(f"{answer['session']} {sentence}", highlight=False)


def _print_json(value: dict[str, Any]) -> None:
    print(json.dumps(value, indent=2, ensure_ascii=False))


def _print_session(session: dict[str, Any], report: dict[str, Any] | None) -> None:
    console = Console()
    shown = ("status", "livemode", "reference", "attempts", "created_at", "submitted_at", "decided_at", "erased")
    for name in shown:
        console.print(f"{name:>14}  {session[name]}", highlight=False)
    if report is None:
        console.print("no report")
        return
    for name, value in (report["fields"] or {}).items():
        console.print(f"{name:>20}  {value}", highlight=False, markup=False)
    table = Table("check", "result", "score", "threshold", "reasons", box=None)
    for check in report["checks"]:
        score, threshold = (_number(check[name]) for name in ("score", "threshold"))
        reasons = "; ".join(f"{reason['code']}: {reason.get('operator', '')}" for reason in check["reasons"])
        table.add_row(check["check"], check["result"], score, threshold, escape(reasons))
    console.print(table)


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.3g}"
