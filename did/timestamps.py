"""Points in time as credentials write them: xsd:dateTimeStamp (VC 2.0 section 4.9) and NumericDate (RFC 7519).

Danger: a time that cannot be read must never count as "no limit" (threat 21); every fault raises.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any, Final

from did.errors import InvalidTime

__all__ = ["format_time", "parse_numeric_date", "parse_time"]

_DATE_TIME: Final = re.compile(
    r"(\d{4})-(\d{2})-(\d{2})T(\d{2}):(\d{2}):(\d{2})(\.\d{1,9})?(Z|[+-]\d{2}:\d{2})\Z", re.ASCII
)
# 9999-12-31T23:59:59Z: the last second datetime can hold.
_MAX_NUMERIC_DATE: Final = 253_402_300_799


def parse_time(value: Any, *, pointer: str = "") -> datetime:
    """An aware UTC datetime from an xsd:dateTimeStamp; the zone is required."""
    match = _DATE_TIME.match(value) if isinstance(value, str) else None
    if match is None:
        raise InvalidTime("not an xsd:dateTimeStamp", pointer=pointer)
    assert isinstance(value, str)
    fraction = (match[7] or "")[:7]
    zone = "+00:00" if match[8] == "Z" else match[8]
    try:
        return datetime.fromisoformat(value[:19] + fraction + zone).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise InvalidTime("no such date or time", pointer=pointer) from error


def parse_numeric_date(value: Any, *, pointer: str = "") -> int:
    """Whole seconds since 1970 from a NumericDate; only a non-negative integer up to the year 9999."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= _MAX_NUMERIC_DATE:
        raise InvalidTime("not a NumericDate in whole seconds", pointer=pointer)
    return value


def format_time(moment: datetime) -> str:
    """xsd:dateTimeStamp in UTC with whole seconds; a naive datetime is refused."""
    if moment.tzinfo is None:
        raise InvalidTime("a time without a zone")
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
