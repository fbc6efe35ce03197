"""The rooms on a real database and chain, called directly: fifty threads at one verb, without HTTP between them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

import pytest

from app.access.service import Caller
from app.openid.wire import ProtocolRefusal
from app.settings import Settings
from app.verifications.approved import ApprovedVerification, approved_verification
from app.wiring import Wiring, build

REPORT = {
    "fields": {
        "document_code": "P",
        "issuing_state": "UTO",
        "document_number": "L898902C3",
        "surname": "ERIKSSON",
        "given_names": "ANNA MARIA",
        "nationality": "UTO",
        "birth_date": "1974-08-12",
        "sex": "F",
        "expiry_date": "2032-04-15",
    },
    "assurance": "document+liveness",
    "simulated": False,
    "policy_sha256": "0" * 64,
    "checks": [{"check": "face_match", "result": "clear"}],
    "models": [{"name": "face", "version": "1", "sha256": "1" * 64}],
}


@pytest.fixture(scope="module")
def wiring(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Wiring]:
    def approved(session_id: str, *, livemode: bool) -> ApprovedVerification:
        now = datetime.now(UTC)
        return approved_verification(session_id, livemode=livemode, approved_at=now, report=REPORT, reviewed=False)

    settings = Settings(data_dir=tmp_path_factory.mktemp("races") / "data", log_level="error")
    with build(settings, own_chain=True) as built:
        built.verifications.approved = approved  # type: ignore[method-assign]
        yield built


@pytest.fixture(scope="module")
def caller() -> Caller:
    return Caller("ak_tests", livemode=False, scopes=frozenset())


@pytest.fixture
def at_once() -> Callable[..., list[Any]]:
    """Run every call in a thread of its own; a refusal is an answer, any other error fails the test."""

    def run(calls: list[Callable[[], Any]]) -> list[Any]:
        def one(call: Callable[[], Any]) -> Any:
            try:
                return call()
            except ProtocolRefusal as refusal:
                return refusal

        with ThreadPoolExecutor(max_workers=len(calls)) as pool:
            return list(pool.map(one, calls))

    return run


def answers_and_refusals(results: list[Any]) -> tuple[list[Any], list[ProtocolRefusal]]:
    refusals = [item for item in results if isinstance(item, ProtocolRefusal)]
    return [item for item in results if not isinstance(item, ProtocolRefusal)], refusals


@pytest.fixture
def split() -> Callable[[list[Any]], tuple[list[Any], list[ProtocolRefusal]]]:
    return answers_and_refusals
