"""The main job, told: a person is checked, a credential issued, presented, revoked on chain and refused.

Nothing here is scripted to succeed. Each chapter does what a user would do, through HTTP or the command line, and
stops the story if the service answers otherwise than it promises. The refusals are as much the story as the approval.
"""

from __future__ import annotations

import json
import shutil
import time
from pathlib import Path
from typing import Any

import httpx2
from rich.console import Console

from app.demo.applicant import Applicant, UnexpectedAnswer
from app.demo.chain_record import transactions
from app.demo.child import RunningService, run_command
from app.demo.chronicle import Chapter, Chronicle, Picture, Table
from app.demo.page import write_page
from app.demo.pictures import Attempt, Studio

__all__ = ["tell"]


def tell(out: Path, console: Console) -> Path:
    """Run the whole story below `out`, which is emptied first, and return the path of its page."""
    for part in ("data", "wallet", "pictures"):
        shutil.rmtree(out / part, ignore_errors=True)
    out.mkdir(parents=True, exist_ok=True)
    return _Story(out, console).run()


class _Story:
    def __init__(self, out: Path, console: Console) -> None:
        self._out = out
        self._chronicle = Chronicle(console)
        self._studio = Studio(out)
        self._service = RunningService(out / "data")
        self._wallet_dir = out / "wallet"
        self._api_key = ""
        self._applicant: Applicant | None = None
        self._live_applicant: Applicant | None = None

    def run(self) -> Path:
        try:
            self._open_the_office()
            session_id = self._check_the_person()
            self._turn_others_away()
            credentials = self._issue(session_id)
            self._present("Verify", "A verifier asks the wallet who its holder is; every check is listed.", accept=True)
            self._revoke(credentials)
            self._present("Refuse", "The same wallet presents the same credential again.", accept=False)
            self._show_the_chain()
            self._switch_off(credentials)
        finally:
            for applicant in (self._applicant, self._live_applicant):
                if applicant:
                    applicant.close()
            self._service.stop()
        return write_page(self._out, self._chronicle)

    # 1
    def _open_the_office(self) -> None:
        with self._chronicle.chapter(
            "Open the office", "assay serve: keys, database, a chain of its own, contracts, the issuer's DID on it."
        ) as chapter:
            self._service.start()
            key = run_command(["keys", "create", "--name", "demo", "--test"], self._service.environment)
            self._api_key = key["secret"]
            self._applicant = Applicant(self._service.url, self._api_key)
            live = run_command(["keys", "create", "--name", "demo-live", "--live"], self._service.environment)
            self._live_applicant = Applicant(self._service.url, live["secret"])
            metadata = httpx2.get(f"{self._service.url}/.well-known/did.json", timeout=10).json()
            chapter.say(f"The API answers at {self._service.url}", "good")
            for did in (metadata["id"], *metadata.get("alsoKnownAs", [])):
                chapter.say(f"The issuer is {did}")
            chapter.documents.append(("The issuer's did:web document", metadata))

    # 2
    def _check_the_person(self) -> str:
        assert self._applicant is not None
        with self._chronicle.chapter(
            "Check the person", "A passport photograph and a selfie sequence go through the gate; every check is real."
        ) as chapter:
            document = self._studio.document("passport")
            session = self._applicant.open_session()
            self._applicant.consent(session)
            self._applicant.send_document(session, document.photograph)
            challenge = self._applicant.challenge(session)
            frames = self._studio.selfie(challenge)
            chapter.say("The server asks: " + ", then ".join(step.direction for step in challenge.steps))
            self._applicant.send_selfie(session, challenge.nonce, frames)
            chapter.pictures += [
                document.picture("The specimen as photographed"),
                self._studio.strip(
                    "selfie", frames, challenge, "The simulated selfie sequence, following the challenge"
                ),
            ]
            state = self._applicant.submit(session)
            report = self._applicant.report(session)
            _show_report(chapter, report)
            if state["status"] != "approved":
                raise UnexpectedAnswer(f"the genuine applicant was not approved: {json.dumps(report)[:1500]}")
            chapter.say("Approved, in test mode: report and credential say that the capture was simulated", "good")
            chapter.documents.append(("The report", report))
            return session.id

    # 3
    def _turn_others_away(self) -> None:
        with self._chronicle.chapter(
            "Turn others away", "The same path, other evidence: nothing here may be approved."
        ) as chapter:
            rows: list[tuple[str, ...]] = []
            for number, attempt in enumerate(self._studio.attacks(), start=1):
                state, report, picture = self._try(number, attempt)
                if state["status"] == "approved":
                    raise UnexpectedAnswer(f"{attempt.title} was approved")
                reasons = _failed_reasons(report, livemode=attempt.livemode)
                chapter.say(f"{attempt.title}: {reasons[0] if reasons else state['status']}", "bad")
                rows.append((attempt.title, f"✗ {_outcome(state)}", " ".join(reasons)))
                chapter.pictures.append(picture)
            chapter.tables.append(Table("What was tried", ("attempt", "decision", "why"), rows))

    def _try(self, number: int, attempt: Attempt) -> tuple[dict[str, Any], dict[str, Any], Picture]:
        """Put one attempt through the same path; live mode takes no recording faster than it could have been filmed."""
        applicant = self._live_applicant if attempt.livemode else self._applicant
        assert applicant is not None
        session = applicant.open_session()
        applicant.consent(session)
        applicant.send_document(session, attempt.document.photograph)
        challenge = applicant.challenge(session)
        frames = attempt.selfie(challenge)
        if attempt.livemode:
            time.sleep(challenge.duration_ms / 1000)
        applicant.send_selfie(session, challenge.nonce, frames)
        state = applicant.submit(session)
        if attempt.show == "document":
            return state, applicant.report(session), attempt.document.picture(attempt.title)
        picture = self._studio.strip(f"attempt-{number}", frames, challenge, attempt.title)
        return state, applicant.report(session), picture

    # 4
    def _issue(self, session_id: str) -> list[dict[str, Any]]:
        with self._chronicle.chapter(
            "Issue", "The approved person's wallet fetches two credentials over OpenID4VCI, with a transaction code."
        ) as chapter:
            offer = self._post(
                "/v1/credential_offers",
                {
                    "verification_session": session_id,
                    "configurations": ["person_identity_ldp", "person_identity_sd_jwt"],
                },
            )
            chapter.say(
                f"Offer {offer['id']}, transaction code {offer['tx_code']} (told to the person, never in the QR code)"
            )
            wallet = self._wallet("accept", offer["credential_offer"], "--tx-code", offer["tx_code"])
            held = wallet["credentials"]
            for credential in held:
                chapter.say(f"{credential['configuration']}: stored, {credential['issuer_check']}", "good")
            listed = self._get("/v1/credentials")["data"]
            for credential in listed:
                status = credential["status"]
                chapter.say(f"{credential['id']} has index {status['index']} in list {status['list'][:10]}…")
            for item in held:
                shown = self._wallet("show", item["id"])
                chapter.documents.append(
                    (f"The credential as the wallet holds it ({item['format']})", shown["credential"])
                )
            return list(listed)

    # 5 and 7
    def _present(self, title: str, explanation: str, *, accept: bool) -> None:
        with self._chronicle.chapter(title, explanation) as chapter:
            request = self._post("/v1/presentation_requests", {"preset": "verified_identity"})
            self._wallet("present", request["presentation_request"], "--yes", expect=(0,) if accept else (0, 1))
            result = self._get(f"/v1/presentation_requests/{request['id']}")
            verdict = result["verdict"]
            rows = [(check["check"], _signed(check["result"]), check.get("detail", "")) for check in verdict["checks"]]
            chapter.tables.append(Table("The verdict's checks", ("check", "result", "detail"), rows))
            chapter.documents.append(("The result as the relying party reads it", result))
            valid = verdict["outcome"] == "valid"
            if valid is not accept or (not accept and "revoked" not in verdict["reasons"]):
                raise UnexpectedAnswer(f"the verdict was {json.dumps(verdict)[:1500]}")
            if valid:
                chapter.say(f"valid: {len(rows)} checks passed", "good")
            else:
                chapter.say(f"{verdict['outcome']}: {', '.join(verdict['reasons'])}", "bad")

    # 6
    def _revoke(self, credentials: list[dict[str, Any]]) -> None:
        with self._chronicle.chapter(
            "Revoke", "The operator revokes on the command line; the registry contract is written."
        ) as chapter:
            ids = [credential["id"] for credential in credentials]
            planned = run_command(["revoke", *ids, "--reason", "document_lost", "--dry-run"], self._service.environment)
            chapter.say(f"Dry run: {len(planned['changes'])} credentials would be revoked, nothing changed")
            done = run_command(["revoke", *ids, "--reason", "document_lost"], self._service.environment)
            for change in done["changes"]:
                chapter.say(
                    f"{change['credential']}: {change['state']}, transaction {change['transaction'][:18]}…", "good"
                )
            chapter.documents.append(("What `assay revoke --json` answered", done))

    # 8
    def _show_the_chain(self) -> None:
        with self._chronicle.chapter(
            "Look at the chain", "Everything the service ever sent to it; nothing personal."
        ) as chapter:
            rows = transactions(self._service.chain_rpc)
            chapter.tables.append(Table("Transactions", ("block", "hash", "what", "gas", "status"), rows))
            chapter.say(
                f"{len(rows)} transactions, each {rows[0][4].removeprefix('✓ ')}" if rows else "no transactions"
            )

    # 9
    def _switch_off(self, credentials: list[dict[str, Any]]) -> None:
        with self._chronicle.chapter(
            "Switch the issuer off", "The service is stopped; the credential is verified from the chain alone."
        ) as chapter:
            self._service.stop()
            held = self._wallet("list", online=False)["credentials"]
            for item in held:
                shown = self._wallet("show", item["id"], online=False)
                path = self._out / f"credential-{item['format'].replace('+', '-')}.json"
                credential = shown["credential"]
                path.write_text(credential if isinstance(credential, str) else json.dumps(credential, indent=2))
                verdict = run_command(
                    ["verify", str(path), "--accept-test-mode"], self._service.environment, expect=(1,)
                )["verdict"]
                if verdict["outcome"] != "invalid" or verdict["reasons"] != ["revoked"]:
                    raise UnexpectedAnswer(f"without the service the verdict was {json.dumps(verdict)[:1500]}")
                chapter.say(f"{item['format']}: invalid: revoked, read from the chain; no issuer was asked", "bad")

    def _post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        return self._read(httpx2.post(self._service.url + path, json=body, headers=self._operator(), timeout=30))

    def _get(self, path: str) -> dict[str, Any]:
        return self._read(httpx2.get(self._service.url + path, headers=self._operator(), timeout=30))

    def _operator(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self._api_key}"}

    @staticmethod
    def _read(response: httpx2.Response) -> dict[str, Any]:
        if response.status_code >= 400:
            raise UnexpectedAnswer(
                f"{response.request.url.path} answered {response.status_code}: {response.text[:400]}"
            )
        body: dict[str, Any] = response.json()
        return body

    def _wallet(
        self, verb: str, *arguments: str, expect: tuple[int, ...] = (0,), online: bool = True
    ) -> dict[str, Any]:
        options = ["--dir", str(self._wallet_dir)]
        if verb in {"accept", "present"} and online:
            options += ["--rpc", self._service.chain_rpc, "--allow-http-loopback"]
        return run_command(["wallet", verb, *arguments, *options], self._service.environment, expect=expect)


def _show_report(chapter: Chapter, report: dict[str, Any]) -> None:
    rows: list[tuple[str, ...]] = []
    for check in report["checks"]:
        score = "" if check.get("score") is None else f"{check['score']:.3f}"
        threshold = "" if check.get("threshold") is None else f"{check['threshold']:.3f}"
        reasons = "; ".join(reason["public"] for reason in check.get("reasons", []))
        rows.append((check["check"], _signed(check["result"]), score, threshold, reasons, f"{check['duration_ms']} ms"))
        chapter.say(f"{check['check']}: {check['result']}", "good" if check["result"] == "clear" else "plain")
    chapter.tables.append(Table("The gate's report", ("check", "result", "score", "threshold", "reason", "time"), rows))


def _signed(result: str) -> str:
    sign = {"clear": "✓ ", "passed": "✓ ", "failed": "✗ ", "error": "✗ ", "unidentified": "✗ "}
    return sign.get(result, "") + result


def _failed_reasons(report: dict[str, Any], *, livemode: bool) -> list[str]:
    """The sentences of the checks that failed; a check that others made pointless has none of its own."""
    found = [
        reason["public"]
        for check in report["checks"]
        if check["result"] != "clear" and (livemode or check["check"] != "liveness.injection")
        for reason in check.get("reasons", [])
        if reason["code"] != "not_examined"
    ]
    return list(dict.fromkeys(found))


def _outcome(state: dict[str, Any]) -> str:
    if state["status"] in {"declined", "in_review"}:
        return str(state["status"])
    return "declined, may be tried again"
