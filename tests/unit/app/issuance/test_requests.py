"""Reading token, credential and notification requests: every fault has the specification's code."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.issuance.requests import (
    PRE_AUTHORIZED_GRANT,
    CredentialRequest,
    read_credential_request,
    read_notification,
    read_token_request,
)
from app.openid.wire import ProtocolRefusal

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
MEMBERS = st.sampled_from(["credential_configuration_id", "credential_identifier", "proof", "proofs", "format", "x"])
ALLOWED = {"invalid_credential_request", "invalid_proof", "invalid_encryption_parameters"}


@settings(max_examples=300, deadline=None)
@given(st.dictionaries(MEMBERS, JSON | st.just({"jwt": ["a.b.c"]}) | st.just("id"), max_size=4))
def test_any_object_is_read_or_refused_by_a_known_code(body: dict[str, Any]) -> None:
    error = None
    try:
        request = read_credential_request(body)
    except ProtocolRefusal as refusal:
        error = refusal.error
    if error is None:
        assert (request.configuration is None) != (request.identifier is None)
        assert request.proof
    else:
        assert error in ALLOWED


def test_a_good_request_in_both_spellings() -> None:
    newer = {"credential_configuration_id": "c", "proofs": {"jwt": ["p"]}, "unknown": None}
    older = {"credential_configuration_id": "c", "proof": {"proof_type": "jwt", "jwt": "p"}}
    assert read_credential_request(newer) == read_credential_request(older) == CredentialRequest("c", None, "p")


def test_token_requests() -> None:
    form = {"grant_type": PRE_AUTHORIZED_GRANT, "pre-authorized_code": "c", "user_pin": "1"}
    assert read_token_request(form).tx_code is None
    assert read_token_request({**form, "tx_code": ""}).tx_code == ""
    with pytest.raises(ProtocolRefusal, match="unsupported_grant_type"):
        read_token_request({**form, "grant_type": "password"})


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"notification_id": "n"},
        {"notification_id": 1, "event": "credential_accepted"},
        {"notification_id": "n", "event": "x"},
    ],
)
def test_notifications_that_cannot_be_read(body: dict[str, Any]) -> None:
    with pytest.raises(ProtocolRefusal, match="invalid_notification_request"):
        read_notification(body)


def test_descriptions_are_printable_ascii_without_quote_and_backslash() -> None:
    refusal = ProtocolRefusal("invalid_request", 'é "quoted" \\ \n' + "x" * 1000)
    assert len(refusal.description) <= 300
    assert all(0x20 <= ord(c) < 0x7F and c not in '"\\' for c in refusal.description)
