"""Threats 44 to 46 and 49: status lists and entries that lie, explode or say nothing."""

from __future__ import annotations

import gzip
import zlib
from typing import Any

import pytest

from did.errors import KernelError, StatusIndexOutOfRange
from did.multibase import b64url
from did.status import LIST_PAUSED, LIST_REVOKED, StatusAnswer, bitstring, token_status_list
from did.status.entry import entry_from_sd_jwt, entry_from_vc

ENTRY = {
    "type": "EvmStatusRegistryEntry",
    "chain": "eip155:1337",
    "registry": "0x" + "ab" * 20,
    "statusList": "0x" + "cd" * 32,
    "statusListIndex": "5",
}


def _code(function: Any, *args: Any) -> str:
    with pytest.raises(KernelError) as refusal:
        function(*args)
    return refusal.value.code


@pytest.mark.threat(44)
def test_a_list_that_inflates_without_end_is_refused() -> None:
    bomb = gzip.compress(bytes(64 * 1024 * 1024))
    assert len(bomb) < 100_000
    assert _code(bitstring.decode_list, "u" + b64url(bomb)) == "status_list_too_large"
    token = {"bits": 1, "lst": b64url(zlib.compress(bytes(64 * 1024 * 1024)))}
    assert _code(token_status_list.decode, token) == "status_list_too_large"


@pytest.mark.threat(44)
@pytest.mark.parametrize("text", ["", "z", "uAAAA", "u!", "u" + b64url(gzip.compress(bytes(100)))])
def test_lists_that_are_none_are_refused(text: str) -> None:
    assert _code(bitstring.decode_list, text) == "invalid_status_list"


@pytest.mark.threat(44)
def test_truncated_and_trailing_bytes_are_refused() -> None:
    whole = gzip.compress(bytes(16_384))
    for data in (whole[:-5], whole + b"x", whole + whole):
        assert _code(bitstring.decode_list, "u" + b64url(data)) == "invalid_status_list"
    assert bitstring.decode_list("u" + b64url(whole)) == bytes(16_384)


@pytest.mark.threat(45)
@pytest.mark.parametrize("index", ["-1", "1e3", " 1", "01", "1.0", "", "٣", "9" * 17, 5, None, True])
def test_indices_have_one_spelling(index: Any) -> None:
    assert _code(entry_from_vc, ENTRY | {"statusListIndex": index}) == "invalid_status_entry"


@pytest.mark.threat(45)
@pytest.mark.parametrize(
    "change", [{"idx": "5"}, {"idx": True}, {"idx": -1}, {"idx": 1.0}, {"chain": "1337"}, {"list": "0x00"}]
)
def test_malformed_registry_entries_are_refused(change: dict[str, Any]) -> None:
    entry = {"chain": "eip155:1", "registry": ENTRY["registry"], "list": ENTRY["statusList"], "idx": 5}
    assert entry_from_sd_jwt(entry).index == 5
    assert _code(entry_from_sd_jwt, entry | change) == "invalid_status_entry"


@pytest.mark.threat(45)
def test_an_index_outside_a_list_is_refused(world: Any) -> None:
    bits = bytes(16_384)
    for index in (-1, 131_072):
        assert _code(bitstring.bit_at, bits, index) == "status_index_out_of_range"
        assert _code(token_status_list.get, bits, 1, index) == "status_index_out_of_range"
        assert _code(token_status_list.pack_token_list, {index: 1}, 131_072, 1) == "status_index_out_of_range"
    world.source.answer = StatusIndexOutOfRange("beyond the list")
    verdict = world.verify(world.credential()).verdict
    assert (verdict.outcome, verdict.reasons()) == ("invalid", ["status_index_out_of_range"])


@pytest.mark.threat(46)
@pytest.mark.parametrize(
    ("answer", "outcome", "code"),
    [
        (StatusAnswer(0, 0, 1, 7), "valid", None),
        (StatusAnswer(1, 0, 1, 7), "invalid", "revoked"),
        (StatusAnswer(2, 0, 1, 7), "invalid", "suspended"),
        (StatusAnswer(0, LIST_REVOKED, 1, 7), "invalid", "revoked"),
        (StatusAnswer(None, LIST_PAUSED, 1, 7), "indeterminate", "status_paused"),
        (StatusAnswer(0, LIST_PAUSED, 1, 7), "indeterminate", "status_paused"),
        (StatusAnswer(None, 0, 0, 7), "indeterminate", "status_unknown"),
        (StatusAnswer(3, 0, 1, 7), "indeterminate", "status_unknown"),
        (ConnectionError("down"), "indeterminate", "status_unknown"),
        (KeyError("no such registry"), "indeterminate", "status_unknown"),
    ],
)
def test_only_a_known_valid_status_is_valid(world: Any, answer: Any, outcome: str, code: str | None) -> None:
    world.source.answer = answer
    for thing in (world.credential(), world.sd_jwt()):
        verdict = world.verify(thing).verdict
        assert (verdict.outcome, verdict.reasons()) == (outcome, [code] if code else [])


@pytest.mark.threat(46)
def test_a_missing_or_unsupported_status_is_not_valid(world: Any) -> None:
    bare = world.unsigned()
    del bare["credentialStatus"]
    signed = world.sign(bare)
    assert world.verify(signed).verdict.reasons() == ["status_missing"]
    assert world.verify(signed, require_status=False).verdict.outcome == "valid"
    assert world.verify(world.sd_jwt(status=None)).verdict.reasons() == ["status_missing"]
    other = {"status_list": {"idx": 1, "uri": "https://issuer.example/status/1"}}
    verdict = world.verify(world.sd_jwt(status=other), require_status=False).verdict
    assert (verdict.outcome, verdict.reasons()) == ("indeterminate", ["status_unsupported"])


@pytest.mark.threat(51)
def test_a_credential_that_failed_already_does_not_touch_the_list(world: Any) -> None:
    document = world.credential(validUntil="2026-02-01T00:00:00Z")
    assert world.verify(document).verdict.reasons() == ["expired"]
    assert world.verify(world.credential(), trusted_issuers=frozenset()).verdict.reasons() == ["untrusted_issuer"]
    assert world.source.asked == []
