"""From a signed payload and its disclosures to the processed payload (RFC 9901 section 7.1, steps 3 and 4).

Dangers (threat 29): the same digest twice, a disclosure that nothing references, a name that already exists at its
level (overwriting `iss`, `exp` or `cnf`), chains of disclosures nested without end. Each is a refusal of the whole
token.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from did.errors import InputTooDeep, InvalidDisclosure
from did.limits import MAX_DEPTH
from did.securing.sd_jwt.disclosure import Disclosure, hash_for
from did.strict_json import escape_pointer

__all__ = ["Path", "Processed", "process"]

Path = tuple[str | int, ...]

# SD-JWT VC section 2.2.2.2: these and everything below them are always in the clear. `iat` and `test_mode` are ours:
# a reader's decision hangs on them too.
_ALWAYS_CLEAR: Final = frozenset(
    {"iss", "nbf", "exp", "iat", "cnf", "vct", "vct#integrity", "aka_vcts", "status", "test_mode"}
)


@dataclass(frozen=True)
class Processed:
    """The claims as a reader may use them, and for each disclosure (by its text) where its value ended up in them.

    `parents` maps a disclosure to the one whose value holds its digest, None if the payload itself does: presenting the
    first needs the second as well.
    """

    claims: dict[str, Any]
    paths: dict[str, Path]
    parents: dict[str, str | None]


def process(payload: Mapping[str, Any], disclosures: Sequence[Disclosure]) -> Processed:
    """Put disclosed values in place and take undisclosed digests out. Raises InvalidDisclosure,
    UnsupportedAlgorithm.
    """
    digest = hash_for(payload.get("_sd_alg", "sha-256"))
    known = {digest(item.encoded): item for item in disclosures}
    run = _Run(known)
    claims = run.object({k: v for k, v in payload.items() if k != "_sd_alg"}, (), None, 0)
    if len(run.paths) != len(disclosures):
        raise InvalidDisclosure("a disclosure is referenced by nothing")
    for path in run.paths.values():
        if path[0] in _ALWAYS_CLEAR:
            raise InvalidDisclosure("a registered claim may not be disclosed selectively", pointer=_pointer(path))
    return Processed(claims, run.paths, run.parents)


def _pointer(path: Path) -> str:
    return "".join(f"/{escape_pointer(token)}" for token in path)


class _Run:
    def __init__(self, known: Mapping[str, Disclosure]) -> None:
        self._known = known
        self._digests: set[str] = set()
        self.paths: dict[str, Path] = {}
        self.parents: dict[str, str | None] = {}

    def _find(self, digest: Any, path: Path) -> Disclosure | None:
        if not isinstance(digest, str):
            raise InvalidDisclosure("a digest is not a string", pointer=_pointer(path))
        if digest in self._digests:
            raise InvalidDisclosure("the same digest occurs twice", pointer=_pointer(path))
        self._digests.add(digest)
        return self._known.get(digest)

    def _value(self, value: Any, path: Path, parent: str | None, depth: int) -> Any:
        if depth > MAX_DEPTH:
            raise InputTooDeep("disclosures are nested too deeply", pointer=_pointer(path))
        if isinstance(value, dict):
            return self.object(value, path, parent, depth)
        if isinstance(value, list):
            return self._array(value, path, parent, depth)
        return value

    def object(self, value: Mapping[str, Any], path: Path, parent: str | None, depth: int) -> dict[str, Any]:
        if "..." in value:
            raise InvalidDisclosure("... outside an array", pointer=_pointer(path))
        result = {}
        for name, member in value.items():
            if name != "_sd":
                result[name] = self._value(member, (*path, name), parent, depth + 1)
        digests = value.get("_sd", [])
        if not isinstance(digests, list):
            raise InvalidDisclosure("_sd is not an array", pointer=_pointer(path))
        for digest in digests:
            disclosure = self._find(digest, path)
            if disclosure is None:
                continue
            claim = disclosure.name
            if claim is None or claim in value or claim in result:
                raise InvalidDisclosure("a disclosure repeats a name or lacks one", pointer=_pointer(path))
            self.paths[disclosure.encoded] = (*path, claim)
            self.parents[disclosure.encoded] = parent
            result[claim] = self._value(disclosure.value, (*path, claim), disclosure.encoded, depth + 1)
        return result

    def _array(self, value: list[Any], path: Path, parent: str | None, depth: int) -> list[Any]:
        result: list[Any] = []
        for item in value:
            here = (*path, len(result))
            if not isinstance(item, dict) or "..." not in item:
                result.append(self._value(item, here, parent, depth + 1))
                continue
            if len(item) != 1:
                raise InvalidDisclosure("... with other members", pointer=_pointer(here))
            disclosure = self._find(item["..."], here)
            if disclosure is None:
                continue
            if disclosure.name is not None:
                raise InvalidDisclosure("a member's disclosure in an array", pointer=_pointer(here))
            self.paths[disclosure.encoded] = here
            self.parents[disclosure.encoded] = parent
            result.append(self._value(disclosure.value, here, disclosure.encoded, depth + 1))
        return result
