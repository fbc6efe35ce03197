"""Taking links apart. The danger: a stranger's QR code whose address Python's own parser answers with a traceback."""

from __future__ import annotations

from typing import Final
from urllib.parse import SplitResult, parse_qs, urlsplit

from app.wallet.errors import InvalidLink

__all__ = ["link_parameters", "split_url"]

MAX_PARAMETERS: Final = 16


def split_url(url: str) -> SplitResult:
    """The parts of a URL. Raises InvalidLink."""
    try:
        return urlsplit(url)
    except ValueError as error:
        raise InvalidLink("an address in it is not a URL") from error


def link_parameters(query: str) -> dict[str, list[str]]:
    """The parameters of a deep link, each with every value it was given. Raises InvalidLink."""
    try:
        return parse_qs(query, keep_blank_values=True, max_num_fields=MAX_PARAMETERS)
    except ValueError as error:
        raise InvalidLink(f"a link has at most {MAX_PARAMETERS} parameters") from error
