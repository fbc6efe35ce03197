"""The wallet's command before hostile links, a damaged directory, and a holder who must know what to agree to."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from typer.testing import CliRunner

from app.cli.wallet import wallet as command
from app.wallet.presenting import plan
from app.wallet.requests import PresentationRequest
from app.wallet.store import Pending, Store, StoredCredential
from did.credentials.contexts import ASSAY_CONTEXT, VC2_CONTEXT
from did.keys import LocalKey
from did.presentations.dcql import parse
from did.securing.sd_jwt import issue

GRANT = "urn:ietf:params:oauth:grant-type:pre-authorized_code"
BROKEN = "https://[x"
OFFER = {
    "credential_issuer": BROKEN,
    "credential_configuration_ids": ["a"],
    "grants": {GRANT: {"pre-authorized_code": "c"}},
}


@pytest.mark.parametrize(
    ("verb", "link"),
    [
        ("accept", BROKEN),
        ("accept", "openid-credential-offer://[x"),
        ("accept", "openid-credential-offer://?" + "&".join(["a=1"] * 100)),
        ("accept", "openid-credential-offer://?credential_offer=" + quote(json.dumps(OFFER))),
        ("present", "openid4vp://[x"),
        ("present", f"openid4vp://?client_id=decentralized_identifier:did:web:a.example&request_uri={quote(BROKEN)}"),
    ],
)
def test_links_that_python_cannot_split_are_wrong_usage(wallet: Any, verb: str, link: str) -> None:
    assert wallet(verb, link, expect=2)["error"] == "invalid_link"


def test_a_damaged_or_forbidden_directory_is_named_and_no_traceback(wallet: Any) -> None:
    assert wallet("list")["credentials"] == []
    (wallet.directory / "credentials" / "cred_0123456789abcdef.json").write_text('{"id": ')
    problem = wallet("list", expect=1)
    assert problem["error"] == "damaged_file"
    assert "cred_0123456789abcdef.json" in problem["detail"]
    (wallet.directory / "credentials" / "cred_0123456789abcdef.json").write_text('{"types": []}')
    assert wallet("list", expect=1)["error"] == "damaged_file"
    done = CliRunner().invoke(command, ["list", "--dir", "/proc/nowhere/wallet", "--json"])
    assert (done.exit_code, json.loads(done.stdout)["error"]) == (1, "system_error")


def test_an_offer_that_names_another_issuer_on_its_second_reading_gets_no_token(service: Any, wallet: Any) -> None:
    offer = service.offer(tx_code=False)
    link = offer["credential_offer"]
    store = Store(wallet.directory)
    store.keep_pending(link, Pending("https://first.example", "token-of-the-first-issuer", 9e12))
    assert len(wallet("accept", link)["credentials"]) == 1, "with a token of its own"


def _request(query: dict[str, Any]) -> PresentationRequest:
    return PresentationRequest("c", "h", "https://h/r", "n" * 16, None, query, parse(query), None)


def _stored(store: Store, credential: Any, format_: str) -> None:
    item = StoredCredential(
        id="cred_0123456789abcdef",
        configuration="c",
        format=format_,
        issuer="did:web:x.example",
        credential_issuer="https://x.example",
        types=(),
        key_id="key_0123456789abcdef",
        received_at="2026-11-25T00:00:00+00:00",
        verified=True,
        issuer_check="",
        test_mode=False,
        credential=credential,
    )
    store.add(item)


def test_the_plan_lists_claims_that_an_issuer_left_open_to_all(tmp_path: Path) -> None:
    signer = LocalKey.generate("P-256")
    token = issue(
        {"givenName": "ANNA", "taxNumber": "12345", "evidence": []},
        disclosable={"givenName"},
        signer=signer,
        kid="did:web:x.example#k",
        vct="urn:x",
        issuer="did:web:x.example",
        holder=LocalKey.generate("P-256").public,
        issued_at=1,
        expires_at=None,
        status=None,
    )
    store = Store(tmp_path / "w")
    _stored(store, token, "dc+sd-jwt")
    asked = {"id": "q", "format": "dc+sd-jwt", "meta": {"vct_values": ["urn:x"]}, "claims": [{"path": ["givenName"]}]}
    [share] = plan(store, _request({"credentials": [asked]}))
    assert (share.shown, share.unasked) == (("givenName", "taxNumber"), ("taxNumber",))


def test_the_plan_lists_the_claims_of_a_subject_in_an_array(tmp_path: Path) -> None:
    store = Store(tmp_path / "w")
    credential = {
        "@context": [VC2_CONTEXT, ASSAY_CONTEXT],
        "type": ["VerifiableCredential"],
        "credentialSubject": [{"id": "did:jwk:x", "familyName": "ERIKSSON"}],
    }
    _stored(store, credential, "ldp_vc")
    asked = {"id": "q", "format": "ldp_vc", "meta": {"type_values": [["VerifiableCredential"]]}}
    [share] = plan(store, _request({"credentials": [asked]}))
    assert share.shown == share.unasked == ("familyName",)


def test_who_is_asked_with_json_is_told_what_for_and_silence_is_a_no(service: Any, wallet: Any) -> None:
    wallet("accept", service.offer(tx_code=False)["credential_offer"])
    request = service.request(preset="over_18")
    line = [
        "present",
        request["presentation_request"],
        "--dir",
        str(wallet.directory),
        "--allow-http-loopback",
        "--json",
    ]
    done = CliRunner().invoke(command, line, input="")
    assert done.exit_code == 1
    assert json.loads(done.stdout)["outcome"] == "declined"
    assert "ageOver18" in done.stderr
    assert service.result(request)["wallet_error"] == "access_denied"


def test_text_of_strangers_moves_no_cursor(service: Any, wallet: Any) -> None:
    wallet("accept", service.offer(tx_code=False)["credential_offer"])
    store = Store(wallet.directory)
    [item] = store.credentials()
    store.add(replace(item, configuration="\x1b[2Jverified\u202e", issuer_check="\x1b]0;x\x07[bold]"))
    output = wallet("list", as_json=False)
    assert "verified" in re.sub(r"\s", "", output)
    assert not {"\x1b", "\x07", "\u202e"} & set(output)
