"""The published lists say what the chain says, in both bit orders."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from app.credentials.lists import StatusListNotFound
from app.credentials.publication import StatusListPaused, UnknownPurpose
from app.credentials.states import IssuedCredential
from app.wiring import Wiring
from did.securing.jose import peek_compact, verify_compact
from did.status import decode, decode_list, get
from did.status.bitstring import bit_at
from did.verify import Policy

Issue = Callable[..., IssuedCredential]


@pytest.mark.threat(49)
def test_both_formats_agree_with_the_chain(wiring: Wiring, issue: Issue) -> None:
    revoked, suspended, valid = (wiring.credentials.get(issue().credential_id, livemode=None) for _ in range(3))
    wiring.credentials.revoke(revoked.id, reason="fraud", actor="t")
    wiring.credentials.suspend(suspended.id, reason="other", actor="t")
    wiring.flush()
    token = wiring.publication.token(valid.list_id).body.decode()
    header = peek_compact(token).header
    key = wiring.resolver.key_for(header["kid"], "assertionMethod")
    payload = verify_compact(token, key, typ="statuslist+jwt", max_bytes=1_000_000)
    packed, bits = decode(payload["status_list"])
    assert [get(packed, bits, view.list_index) for view in (revoked, suspended, valid)] == [1, 2, 0]
    assert payload["sub"] == wiring.status_lists.uri(valid.list_id)
    for purpose, expected in (("revocation", [True, False, False]), ("suspension", [False, True, False])):
        document = json.loads(wiring.publication.bitstring(valid.list_id, purpose).body)
        found = wiring.verifier.verify(document, Policy(now=datetime.now(UTC), require_status=False))
        assert found.verdict.outcome == "valid"
        encoded = decode_list(document["credentialSubject"]["encodedList"])
        assert [bit_at(encoded, view.list_index) for view in (revoked, suspended, valid)] == expected
        assert sum(byte.bit_count() for byte in encoded) == 1


def test_document_is_kept_until_the_list_changes(wiring: Wiring, issue: Issue) -> None:
    view = wiring.credentials.get(issue().credential_id, livemode=None)
    first = wiring.publication.token(view.list_id)
    assert wiring.publication.token(view.list_id) is first
    wiring.credentials.revoke(view.id, reason="fraud", actor="t")
    wiring.flush()
    assert wiring.publication.token(view.list_id).etag != first.etag


def test_paused_list_is_not_published(wiring: Wiring, issue: Issue) -> None:
    view = wiring.credentials.get(issue().credential_id, livemode=None)
    with wiring.database.transaction() as session:
        data = wiring.status_registry.encode_pause(bytes.fromhex(view.list_id[2:]), True)
        wiring.ledger.enqueue_call(session, key="p", purpose="pause", to=wiring.status_registry.address, data=data)
    wiring.flush()
    with pytest.raises(StatusListPaused):
        wiring.publication.token(view.list_id)


def test_unknown_list_and_purpose(wiring: Wiring, issue: Issue) -> None:
    with pytest.raises(StatusListNotFound):
        wiring.publication.token("0x" + "00" * 32)
    with pytest.raises(UnknownPurpose):
        wiring.publication.bitstring(wiring.credentials.get(issue().credential_id, livemode=None).list_id, "refresh")
