"""The wallet's answer as it arrives by direct_post (OpenID4VP 1.0 section 8.2), read once into a typed value.

Dangers: an answer to another request (`state`), an answer to questions nobody asked (unknown query ids), values that
are no arrays and are read as if they were. Whatever is malformed is refused with 400 and leaves the request open;
whatever is well formed closes it.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from app.openid.wire import ProtocolRefusal
from did.errors import KernelError
from did.strict_json import parse_object

__all__ = ["MAX_RESPONSE_BYTES", "Presented", "WalletError", "read_response"]

MAX_RESPONSE_BYTES: Final = 1024 * 1024
MAX_PRESENTATIONS: Final = 16
_ERROR_CODE: Final = re.compile(r"[A-Za-z0-9_.-]{1,64}\Z")


@dataclass(frozen=True)
class Presented:
    """Presentations by query id, in the order sent; nothing about them is verified yet."""

    by_query: Mapping[str, tuple[str | dict[str, Any], ...]]


@dataclass(frozen=True)
class WalletError:
    """The wallet declined or could not answer; `code` is its OAuth error code, known to us or not."""

    code: str


def read_response(form: Mapping[str, str], *, state: str, query: Mapping[str, Any]) -> Presented | WalletError:
    """Read a response to the request with this `state` and DCQL `query`. Raises ProtocolRefusal."""
    sent = form.get("state", "")
    if not hmac.compare_digest(sent.encode(), state.encode()):
        raise ProtocolRefusal("invalid_request", "state is missing or belongs to another request")
    if ("vp_token" in form) == ("error" in form):
        raise ProtocolRefusal("invalid_request", "send exactly one of vp_token and error")
    if "error" in form:
        code = form["error"]
        return WalletError(code if _ERROR_CODE.match(code) else "unreadable_error_code")
    try:
        token = parse_object(form["vp_token"], max_bytes=MAX_RESPONSE_BYTES)
    except KernelError as error:
        raise ProtocolRefusal("invalid_request", f"vp_token is not a JSON object: {error.code}") from error
    multiple = {item["id"]: bool(item.get("multiple", False)) for item in query["credentials"]}
    if not token or any(name not in multiple for name in token):
        raise ProtocolRefusal("invalid_request", "vp_token is empty or names a query that was not asked")
    by_query = {name: _presentations(value, multiple=multiple[name]) for name, value in token.items()}
    if sum(map(len, by_query.values())) > MAX_PRESENTATIONS:
        raise ProtocolRefusal("invalid_request", f"more than {MAX_PRESENTATIONS} presentations")
    return Presented(by_query)


def _presentations(value: Any, *, multiple: bool) -> tuple[str | dict[str, Any], ...]:
    if not isinstance(value, list) or not value or not all(isinstance(item, str | dict) for item in value):
        raise ProtocolRefusal("invalid_request", "each value of vp_token is an array of presentations")
    if len(value) > 1 and not multiple:
        raise ProtocolRefusal("invalid_request", "more than one presentation where one was asked for")
    return tuple(value)
