"""JSON in, refused unless every parser would read it the same way (RFC 8259, RFC 7493 I-JSON).

Dangers: nesting that overflows the stack, duplicate names that two parsers read differently, lone surrogates, numbers
that lose precision or are no JSON at all (threats 1 to 4). The depth is counted before the parser recurses.
"""

from __future__ import annotations

import json
import math
import re
from typing import Any, Final, NoReturn

from did.errors import DuplicateKey, InputTooDeep, InputTooLarge, InvalidText, MalformedJson, NumberOutOfRange
from did.limits import MAX_DEPTH, MAX_DOCUMENT_BYTES, MAX_JSON_NODES, MAX_SAFE_INTEGER

__all__ = ["check_value", "escape_pointer", "parse", "parse_object"]

_STRING_OR_BRACKET: Final = re.compile(r'"(?:[^"\\]|\\.)*+"|[\[\]{}]', re.DOTALL)
_MAX_NUMBER_CHARS: Final = 64


def escape_pointer(token: str | int) -> str:
    """One reference token of a JSON pointer (RFC 6901 section 3)."""
    return str(token).replace("~", "~0").replace("/", "~1")


def parse(text: bytes | str, *, max_bytes: int = MAX_DOCUMENT_BYTES, max_depth: int = MAX_DEPTH) -> Any:
    """Parse JSON text. Raises MalformedJson, DuplicateKey, InvalidText, NumberOutOfRange, InputTooLarge,
    InputTooDeep.
    """
    if len(text) > max_bytes:
        raise InputTooLarge(f"more than {max_bytes} bytes")
    if isinstance(text, bytes):
        try:
            text = text.decode("utf-8")
        except UnicodeDecodeError as error:
            raise InvalidText("not UTF-8") from error
    _check_depth(text, max_depth)
    try:
        value = json.loads(
            text, object_pairs_hook=_object, parse_int=_integer, parse_float=_float, parse_constant=_constant
        )
    except (json.JSONDecodeError, RecursionError) as error:
        raise MalformedJson("not JSON") from error
    check_value(value, max_depth=max_depth)
    return value


def parse_object(
    text: bytes | str, *, max_bytes: int = MAX_DOCUMENT_BYTES, max_depth: int = MAX_DEPTH
) -> dict[str, Any]:
    """Parse JSON text that must be an object."""
    value = parse(text, max_bytes=max_bytes, max_depth=max_depth)
    if not isinstance(value, dict):
        raise MalformedJson("not a JSON object")
    return value


def check_value(
    value: Any, *, max_depth: int = MAX_DEPTH, max_nodes: int = MAX_JSON_NODES, max_chars: int = MAX_DOCUMENT_BYTES
) -> None:
    """Hold an already parsed value to the rules of `parse`, without recursion; raises with a pointer to the fault."""
    stack: list[tuple[Any, str, int]] = [(value, "", 0)]
    nodes = chars = 0
    while stack:
        item, pointer, depth = stack.pop()
        nodes += 1
        if depth > max_depth:
            raise InputTooDeep(f"nested deeper than {max_depth}", pointer=pointer[:256])
        if isinstance(item, dict):
            for name, member in item.items():
                if not isinstance(name, str):
                    raise MalformedJson("a member name is not a string", pointer=pointer)
                chars += _check_text(name, pointer)
                stack.append((member, f"{pointer}/{escape_pointer(name)}", depth + 1))
        elif isinstance(item, list):
            stack.extend((member, f"{pointer}/{index}", depth + 1) for index, member in enumerate(item))
        else:
            chars += _check_scalar(item, pointer)
        if nodes + len(stack) > max_nodes or chars > max_chars:
            raise InputTooLarge("too many members or too much text")


def _check_scalar(item: Any, pointer: str) -> int:
    if isinstance(item, str):
        return _check_text(item, pointer)
    if item is None or isinstance(item, bool):
        return 0
    if isinstance(item, int):
        if abs(item) > MAX_SAFE_INTEGER:
            raise NumberOutOfRange("integer beyond 2^53", pointer=pointer)
    elif isinstance(item, float):
        if not math.isfinite(item):
            raise NumberOutOfRange("number is not finite", pointer=pointer)
    else:
        raise MalformedJson(f"{type(item).__name__} is no JSON value", pointer=pointer)
    return 8


def _check_text(text: str, pointer: str) -> int:
    try:
        return len(text.encode("utf-8"))
    except UnicodeEncodeError as error:
        raise InvalidText("lone surrogate", pointer=pointer) from error


def _check_depth(text: str, max_depth: int) -> None:
    depth = 0
    for match in _STRING_OR_BRACKET.finditer(text):
        mark = match.group()
        if mark in "[{":
            depth += 1
            if depth > max_depth:
                raise InputTooDeep(f"nested deeper than {max_depth}")
        elif mark in "]}":
            depth -= 1


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) != len(pairs):
        raise DuplicateKey("a member name occurs twice")
    return result


def _integer(digits: str) -> int:
    if len(digits) > _MAX_NUMBER_CHARS:
        raise NumberOutOfRange("integer beyond 2^53")
    return int(digits)


def _float(digits: str) -> float:
    if len(digits) > _MAX_NUMBER_CHARS:
        raise NumberOutOfRange("number with too many digits")
    return float(digits)


def _constant(name: str) -> NoReturn:
    raise NumberOutOfRange(f"{name} is no JSON number")
