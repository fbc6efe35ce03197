"""Threats 1 to 9: input that costs more to refuse than to send, or that two parsers read differently."""

from __future__ import annotations

import time
from typing import Any

import pytest

from did.errors import KernelError
from did.keys import PublicKey
from did.multibase import b58decode, b64url_decode, multibase_decode
from did.securing.jose import peek_compact
from did.strict_json import check_value, parse


def _code(function: Any, *args: Any) -> str:
    with pytest.raises(KernelError) as refusal:
        function(*args)
    return refusal.value.code


@pytest.mark.threat(1)
@pytest.mark.parametrize(
    "text", ["[" * 100_000 + "]" * 100_000, '{"a":' * 100_000 + "1" + "}" * 100_000, "[" * 100_000]
)
def test_deep_nesting_is_refused_before_the_parser_recurses(text: str) -> None:
    assert _code(parse, text) == "input_too_deep"


@pytest.mark.threat(1)
def test_brackets_inside_text_do_not_count_as_nesting() -> None:
    assert parse('{"a": "' + "[" * 1000 + '\\"' + "{" * 1000 + '"}')


@pytest.mark.threat(1)
def test_deep_python_values_are_refused_too(world: Any) -> None:
    value: Any = 1
    for _ in range(100_000):
        value = [value]
    assert _code(check_value, value) == "input_too_deep"
    assert world.verify(world.unsigned(evidence=value)).verdict.reasons() == ["input_too_deep"]
    while isinstance(value, list):  # taken apart by hand: freeing it in one go would recurse
        value = value.pop()


@pytest.mark.threat(2)
def test_duplicate_names_are_refused_at_every_level(world: Any) -> None:
    assert _code(parse, '{"issuer":"a","x":1,"issuer":"b"}') == "duplicate_key"
    assert _code(parse, '[{"a":{"b":1,"b":2}}]') == "duplicate_key"
    assert world.verify('{"issuer":"a","issuer":"b"}').verdict.reasons() == ["duplicate_key"]


@pytest.mark.threat(3)
@pytest.mark.parametrize("text", ['"\\ud800"', '{"\\udfff":1}', b'"\xff"', b'"\xc0\xaf"'])
def test_text_that_is_not_unicode_is_refused(text: str | bytes) -> None:
    assert _code(parse, text) == "invalid_text"


@pytest.mark.threat(4)
@pytest.mark.parametrize(
    "text", ["NaN", "-Infinity", "1e400", "9007199254740992", "-9007199254740993", "[" + "9" * 5000 + "]"]
)
def test_numbers_without_one_meaning_are_refused(text: str) -> None:
    assert _code(parse, text) == "number_out_of_range"


@pytest.mark.threat(4)
def test_such_numbers_in_python_values_are_refused() -> None:
    for value in (float("nan"), float("inf"), 2**53):
        assert _code(check_value, {"a": [value]}) == "number_out_of_range"


@pytest.mark.threat(6)
def test_a_huge_token_is_refused_before_it_is_decoded() -> None:
    token = "A" * 50_000_000 + ".e30.AA"
    start = time.perf_counter()
    assert _code(peek_compact, token) == "input_too_large"
    assert time.perf_counter() - start < 0.05


@pytest.mark.threat(7)
@pytest.mark.parametrize("text", ["YQ==", "Y Q", "YQ\n", "YR", "a+/b", "A", "ÿÿÿÿ"])
def test_other_spellings_of_base64url_are_refused(text: str) -> None:
    assert _code(b64url_decode, text) == "invalid_encoding"


@pytest.mark.threat(7)
def test_a_token_with_padding_or_space_is_refused(world: Any) -> None:
    token = world.sd_jwt_presentation()
    head, rest = token.split(".", 1)
    for variant in (f"{head}=.{rest}", f"{head}\n.{rest}", f" {token}", f"{token} "):
        assert world.verify(variant).verdict.outcome == "invalid"


@pytest.mark.threat(9)
def test_base58_of_ten_megabytes_is_refused_at_once() -> None:
    text = "z" + "2" * 10_000_000
    start = time.perf_counter()
    for function in (multibase_decode, b58decode, PublicKey.from_multikey):
        assert _code(function, text) in ("invalid_encoding", "invalid_key")
    assert time.perf_counter() - start < 0.05


@pytest.mark.parametrize("thing", ["", "~", "a~b", "{", "{}", "[]", 7, None, [], {}, b"x", "." * 300_000, "~" * 1000])
def test_nothing_makes_the_verifier_raise(world: Any, thing: Any) -> None:
    assert world.verify(thing).verdict.outcome in ("invalid", "indeterminate")
    assert world.verify(thing).claims == {}
