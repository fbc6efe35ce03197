"""`assay revoke`, `suspend`, `reinstate`: one credential, several, or a file of any length.

The danger: a file with a mistake in the middle that is applied by half. Every line is looked at before the first change
is made, and unless told to skip them, one wrong line means that nothing is changed. Changes are durable when a chunk is
committed; `--wait` then waits for the chain, with a running service or by sending itself.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, TypeVar

import typer

from app.cli.credential_files import IdFile, InvalidIdFile, InvalidLine
from app.cli.session import EXIT_UNREACHABLE, AsJson, answer, open_service
from app.credentials.states import REASONS, Change, State, check_reason
from app.errors import ServiceError

if TYPE_CHECKING:
    from app.ledger.service import JobState
    from app.wiring import Wiring

__all__ = ["reinstate", "revoke", "suspend"]

T = TypeVar("T")

CHUNK: Final = 200
MAX_REPORTED: Final = 1000
"""Changes and invalid lines that are listed; all are counted."""

Ids = Annotated[list[str] | None, typer.Argument(metavar="ID...", help="cred_..., one or more", show_default=False)]
Reason = Annotated[str, typer.Option("--reason", help="One of: " + ", ".join(REASONS))]
Note = Annotated[str | None, typer.Option("--note", help="For operators, at most 200 characters; nothing personal.")]
FileOfIds = Annotated[
    Path | None,
    typer.Option("--file", exists=True, dir_okay=False, help="One id a line, or CSV with a column credential or id."),
]
SkipInvalid = Annotated[bool, typer.Option("--skip-invalid", help="Apply the good lines although there are bad ones.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Say what would change and change nothing.")]
Wait = Annotated[bool, typer.Option("--wait/--no-wait", help="Wait until a block holds the change.")]
Timeout = Annotated[float, typer.Option("--timeout", min=0.0, help="Seconds to wait for the chain.")]


@dataclass
class _Plan:
    """What a run would do: ids that would change or already are as wanted, and what is wrong."""

    good: list[str] = field(default_factory=list)
    changes: list[Change] = field(default_factory=list)
    would_change: int = 0
    invalid: list[dict[str, Any]] = field(default_factory=list)
    invalid_count: int = 0

    def reject(self, entry: dict[str, Any]) -> None:
        self.invalid_count += 1
        if len(self.invalid) < MAX_REPORTED:
            self.invalid.append(entry)


def revoke(
    ids: Ids = None,
    reason: Reason = "",
    note: Note = None,
    file: FileOfIds = None,
    skip_invalid: SkipInvalid = False,
    dry_run: DryRun = False,
    wait: Wait = True,
    timeout: Timeout = 60.0,
    as_json: AsJson = False,
) -> None:
    """Revoke credentials for good, in the database and in the registry on chain.

    Examples: assay revoke cred_01... --reason document_lost   |   assay revoke --file lost.csv --reason fraud --dry-run
    """
    _run("revoked", ids, reason, note, file, skip_invalid, dry_run, wait, timeout, as_json)


def suspend(
    ids: Ids = None,
    reason: Reason = "",
    note: Note = None,
    file: FileOfIds = None,
    skip_invalid: SkipInvalid = False,
    dry_run: DryRun = False,
    wait: Wait = True,
    timeout: Timeout = 60.0,
    as_json: AsJson = False,
) -> None:
    """Suspend credentials until they are reinstated."""
    _run("suspended", ids, reason, note, file, skip_invalid, dry_run, wait, timeout, as_json)


def reinstate(
    ids: Ids = None,
    reason: Reason = "",
    note: Note = None,
    file: FileOfIds = None,
    skip_invalid: SkipInvalid = False,
    dry_run: DryRun = False,
    wait: Wait = True,
    timeout: Timeout = 60.0,
    as_json: AsJson = False,
) -> None:
    """End the suspension of credentials. A revoked one stays revoked."""
    _run("active", ids, reason, note, file, skip_invalid, dry_run, wait, timeout, as_json)


def _run(
    to_state: State,
    ids: list[str] | None,
    reason: str,
    note: str | None,
    file: Path | None,
    skip_invalid: bool,
    dry_run: bool,
    wait: bool,
    timeout: float,
    as_json: bool,
) -> None:
    if not ids and file is None:
        raise typer.BadParameter("name at least one credential, or --file")
    if not reason:
        raise typer.BadParameter("--reason is needed: " + ", ".join(REASONS))
    if note is not None and len(note) > 200:
        raise typer.BadParameter("--note has more than 200 characters")
    check_reason(reason)
    with open_service() as wiring:
        plan = _plan(wiring, to_state, itertools.chain(_arguments(ids or []), _lines(file)), keep=dry_run)
        if plan.invalid_count and not skip_invalid:
            _refuse(plan, as_json)
        if dry_run:
            _tell_plan(plan, as_json)
            return
        changes: list[Change] = []
        for chunk in _chunks(plan.good):
            changes += wiring.credentials.change_many(chunk, to_state, reason=reason, note=note, actor="cli")
        jobs = [change.job_id for change in changes if change.job_id is not None]
        states = _wait(wiring, jobs, timeout) if wait else _states(wiring, jobs)
    _tell(plan, changes, states, waited=wait, as_json=as_json)


def _arguments(ids: Iterable[str]) -> Iterator[tuple[int | None, str]]:
    return ((None, credential_id) for credential_id in ids)


def _lines(file: Path | None) -> Iterator[tuple[int | None, str] | InvalidLine]:
    return iter(()) if file is None else iter(IdFile(file))


def _plan(
    wiring: Wiring, to_state: State, entries: Iterable[tuple[int | None, str] | InvalidLine], *, keep: bool
) -> _Plan:
    plan = _Plan()
    seen: set[str] = set()
    for group in _chunks(entries):
        pairs: list[tuple[int | None, str]] = []
        for entry in group:
            if isinstance(entry, InvalidLine):
                plan.reject({"line": entry.line, "reason": entry.reason})
            elif entry[1] not in seen:
                seen.add(entry[1])
                pairs.append(entry)
        found = wiring.credentials.plan_many([credential_id for _, credential_id in pairs], to_state)
        for (line, credential_id), outcome in zip(pairs, found, strict=True):
            if isinstance(outcome, ServiceError):
                place: dict[str, Any] = {"credential": credential_id} if line is None else {"line": line}
                plan.reject({**place, "reason": outcome.detail, "code": outcome.code})
                continue
            plan.good.append(credential_id)
            plan.would_change += outcome.changed
            if keep and len(plan.changes) < MAX_REPORTED:
                plan.changes.append(outcome)
    return plan


def _chunks(items: Iterable[T]) -> Iterator[list[T]]:
    iterator = iter(items)
    while chunk := list(itertools.islice(iterator, CHUNK)):
        yield chunk


def _states(wiring: Wiring, jobs: list[int]) -> dict[int, JobState]:
    with wiring.database.reading() as session:
        return wiring.ledger.states(session, jobs)


def _wait(wiring: Wiring, jobs: list[int], timeout_s: float) -> dict[int, JobState]:
    """Send, or let the running service send, until blocks hold all jobs or the time is over."""
    from app.bootstrap.storage import LockBusy
    from contracts.errors import ChainError

    deadline = time.monotonic() + timeout_s
    while True:
        # The changes are durable already: trouble with the chain only means that they wait.
        with suppress(LockBusy, ChainError):
            wiring.sender.flush(wait_s=0.2)
        states = _states(wiring, jobs)
        if all(state.written or state.state == "failed" for state in states.values()) or time.monotonic() >= deadline:
            return states
        time.sleep(0.1)


def _refuse(plan: _Plan, as_json: bool) -> None:
    body = {
        "error": {
            "code": InvalidIdFile.code,
            "detail": f"{plan.invalid_count} entries are invalid; nothing was changed",
        },
        "invalid": plan.invalid,
        "invalid_count": plan.invalid_count,
    }
    lines = [f"{_place(entry)}: {entry['reason']}" for entry in plan.invalid]
    answer(as_json, body, [*lines, f"{plan.invalid_count} entries are invalid; nothing was changed."])
    raise typer.Exit(1)


def _place(entry: dict[str, Any]) -> str:
    return f"line {entry['line']}" if "line" in entry else str(entry["credential"])


def _skipped(plan: _Plan) -> list[str]:
    if not plan.invalid_count:
        return []
    return [*(f"{_place(entry)}: {entry['reason']}" for entry in plan.invalid), f"{plan.invalid_count} were skipped."]


def _tell_plan(plan: _Plan, as_json: bool) -> None:
    changes = [
        {
            "credential": change.credential_id,
            "from": change.from_state,
            "to": change.to_state,
            "changed": change.changed,
        }
        for change in plan.changes
    ]
    body = {
        "dry_run": True,
        "would_change": plan.would_change,
        "unchanged": len(plan.good) - plan.would_change,
        "changes": changes,
        "invalid": plan.invalid,
        "invalid_count": plan.invalid_count,
    }
    lines = [f"{change['credential']}: {change['from']} -> {change['to']}" for change in changes]
    lines += _skipped(plan)
    answer(as_json, body, [*lines, f"{plan.would_change} would change. Nothing was changed."])


def _tell(plan: _Plan, changes: list[Change], states: dict[int, JobState], *, waited: bool, as_json: bool) -> None:
    shown = [_change_json(change, states) for change in changes[:MAX_REPORTED]]
    failed = sum(state.state == "failed" for state in states.values())
    waiting = sum(not state.written and state.state != "failed" for state in states.values())
    body = {
        "dry_run": False,
        "changed": sum(change.changed for change in changes),
        "unchanged": sum(not change.changed for change in changes),
        "written": sum(state.written for state in states.values()),
        "waiting": waiting,
        "failed": failed,
        "changes": shown,
        "invalid": plan.invalid,
        "invalid_count": plan.invalid_count,
    }
    lines = [
        f"{item['credential']}: {item['to']}, {item['state'] or 'as before'} {item['transaction'] or ''}"
        for item in shown
    ]
    lines += _skipped(plan)
    lines.append(
        f"{body['changed']} changed, {body['unchanged']} were so already; {body['written']} on chain, {waiting} wait."
    )
    if failed:
        reason = next(state.reason for state in states.values() if state.state == "failed")
        lines.append(f"The chain refused {failed} ({reason}): mend the cause, then assay chain retry.")
    answer(as_json, body, lines)
    if failed:
        raise typer.Exit(1)
    if waited and waiting:
        raise typer.Exit(EXIT_UNREACHABLE)


def _change_json(change: Change, states: dict[int, JobState]) -> dict[str, Any]:
    state = states.get(change.job_id) if change.job_id is not None else None
    return {
        "credential": change.credential_id,
        "from": change.from_state,
        "to": change.to_state,
        "changed": change.changed,
        "state": state.state if state else None,
        "transaction": state.transaction_hash if state else None,
        "block": state.block_number if state else None,
        "reason": state.reason if state else None,
    }
