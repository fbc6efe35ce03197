"""Threat 34: one bit or one character changed anywhere in a credential, a proof or a presentation is never accepted."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from did.errors import KernelError
from did.strict_json import parse

FEW = settings(
    max_examples=120, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def _same_document(text: bytes, original: Any) -> bool:
    """Whether a reader would see the very same JSON value: then nothing was changed."""
    try:
        return bool(parse(text) == original)
    except KernelError:
        return False


@pytest.mark.threat(34)
@pytest.mark.parametrize("suite", ["eddsa-rdfc-2022", "eddsa-jcs-2022"])
@FEW
@given(place=st.floats(0, 1, exclude_max=True), bit=st.integers(0, 7))
def test_a_flipped_bit_in_a_credential_is_never_accepted(world: Any, suite: str, place: float, bit: int) -> None:
    document = world.credential(suite)
    text = bytearray(json.dumps(document).encode())
    text[int(place * len(text))] ^= 1 << bit
    if _same_document(bytes(text), document):
        return
    verified = world.verify(bytes(text).decode("utf-8", "surrogateescape"))
    assert verified.verdict.outcome != "valid"


@pytest.mark.threat(34)
@FEW
@given(place=st.floats(0, 1, exclude_max=True), bit=st.integers(0, 7))
def test_a_flipped_bit_in_a_presentation_is_never_accepted(world: Any, place: float, bit: int) -> None:
    document = world.presentation([world.credential()])
    text = bytearray(json.dumps(document).encode())
    text[int(place * len(text))] ^= 1 << bit
    if _same_document(bytes(text), document):
        return
    verified = world.verify_presented(bytes(text).decode("utf-8", "surrogateescape"))
    assert verified.verdict.outcome != "valid"


@pytest.mark.threat(34)
@settings(FEW, max_examples=400)
@given(place=st.floats(0, 1, exclude_max=True), character=st.characters(codec="ascii"))
def test_a_changed_character_in_an_sd_jwt_is_never_accepted(world: Any, place: float, character: str) -> None:
    text = world.sd_jwt_presentation()
    index = int(place * len(text))
    changed = text[:index] + character + text[index + 1 :]
    if changed != text:
        assert world.verify_presented(changed).verdict.outcome != "valid"


@pytest.mark.threat(34)
@FEW
@given(data=st.data())
def test_a_claim_with_another_value_is_never_accepted(world: Any, data: st.DataObject) -> None:
    document = world.credential()
    leaves: list[tuple[Any, Any]] = []
    stack: list[Any] = [document]
    while stack:
        item = stack.pop()
        for key in item if isinstance(item, dict) else range(len(item)):
            (stack if isinstance(item[key], dict | list) else leaves).append(
                item[key] if isinstance(item[key], dict | list) else (item, key)
            )
    holder, key = data.draw(st.sampled_from(leaves))
    old = holder[key]
    new = data.draw(st.none() | st.booleans() | st.integers(-5, 5) | st.floats() | st.text(max_size=8))
    holder[key] = new
    if type(new) is not type(old) or new != old:
        assert world.verify(document).verdict.outcome != "valid"


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=6), inner, max_size=4),
    max_leaves=20,
)


@settings(FEW, max_examples=200)
@given(extra=st.dictionaries(st.sampled_from(["@context", "type", "issuer", "proof", "credentialSubject"]), _JSON))
def test_no_document_makes_the_verifier_raise_or_say_valid(world: Any, extra: dict[str, Any]) -> None:
    assert world.verify(world.unsigned() | extra).verdict.outcome != "valid"
    verified = world.verify_presented(world.presentation([world.credential()]) | extra)
    assert "internal_error" not in verified.verdict.reasons()


@settings(FEW, max_examples=200)
@given(text=st.text(max_size=200))
def test_no_text_makes_the_verifier_raise(world: Any, text: str) -> None:
    for thing in (text, "{" + text, text + "~", f"a.{text}.b~"):
        verdict = world.verify(thing).verdict
        assert verdict.outcome == "invalid"
        assert "internal_error" not in verdict.reasons()
