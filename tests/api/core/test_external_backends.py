"""The same deployment over PostgreSQL and over a foreign EVM node: start, issue, revoke, verify, start again."""

from __future__ import annotations

import contextlib
import os
import pwd
import re
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from app.bootstrap.chain import open_chain
from app.bootstrap.contracts import SenderUnfunded
from app.bootstrap.first_keys import create_first_keys
from app.credentials.states import IssuedCredential
from app.issuers.keys import KeyRing
from app.main import create_app
from app.settings import Settings
from app.wiring import Wiring, build
from contracts.rpc import HttpTransport
from contracts.transactions import address_of
from did.verify import Policy

Issue = Callable[..., IssuedCredential]
ROOT = Path(__file__).parents[3]
ANVIL = ROOT / "contracts/node_modules/@foundry-rs/anvil-linux-amd64/bin/anvil"
POSTGRES = Path("/usr/lib/postgresql/15/bin")


def _absent(part: str) -> None:
    if os.environ.get("ASSAY_REQUIRE_ALL") == "1":
        pytest.fail(f"{part} is absent and ASSAY_REQUIRE_ALL=1")
    pytest.skip(f"{part} is absent")


def _story(wiring: Wiring, issue: Issue, confirm: Callable[[], None]) -> None:
    issued = [issue(wiring, configuration=name) for name in ("person_identity_ldp", "person_identity_sd_jwt")] + [
        issue(wiring) for _ in range(6)
    ]
    confirm()
    policy = Policy(now=datetime.now(UTC))
    assert {wiring.verifier.verify(item.credential, policy).verdict.outcome for item in issued} == {"valid"}
    ids = [item.credential_id for item in issued]
    wiring.credentials.change_many(ids[2:], "suspended", reason="other", actor="t")
    wiring.flush()
    with ThreadPoolExecutor(4) as pool:
        changes = list(pool.map(lambda one: wiring.credentials.revoke(one, reason="fraud", actor="t"), ids + ids))
    assert sum(change.changed for change in changes) == len(ids)
    wiring.flush()
    wiring.flush()
    for item in issued:
        assert wiring.verifier.verify(item.credential, policy).verdict.reasons() == ["revoked"]
        anchor = wiring.credentials.get(item.credential_id, livemode=None).anchor
        assert anchor is not None
        assert anchor.state == "final"
    with wiring.database.reading() as session:
        assert wiring.audit.verify(session) is None


@pytest.fixture
def anvil() -> Iterator[str]:
    if not ANVIL.exists():
        _absent("anvil (npm ci in contracts/)")
    command = [str(ANVIL), "--port", "0", "--chain-id", "31337", "--slots-in-an-epoch", "1", "--enable-tx-gas-limit"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        for line in process.stdout:
            if found := re.search(r"Listening on 127\.0\.0\.1:(\d+)", line):
                break
        else:
            pytest.fail("anvil did not start")
        yield f"http://127.0.0.1:{found[1]}"
    finally:
        process.kill()
        process.wait(10)
        process.stdout.close()


@pytest.mark.npm
def test_on_a_foreign_node(anvil: str, tmp_path: Path, issue_in: Issue) -> None:
    settings = Settings(data_dir=tmp_path / "data", chain_url=anvil, chain_id=31337)
    with pytest.raises(SenderUnfunded) as told:
        build(settings)
    sender = address_of(KeyRing.open(settings.keys_dir, create=True).controller.private_bytes())
    assert sender in told.value.detail
    node = HttpTransport(anvil)
    node.request("anvil_setBalance", [sender, hex(10**18)])
    with build(settings) as wiring:
        assert wiring.node is None
        _story(wiring, issue_in, lambda: node.request("anvil_mine", ["0x4"]))
        registry = wiring.status_registry.address
    with build(settings) as again:
        assert again.status_registry.address == registry


def _flush_until(wiring: Wiring, job_id: int, state: str) -> None:
    """A foreign node mines in its own time, unlike ours, which has mined when it answers."""
    deadline = time.monotonic() + 20
    while wiring.ledger.state(job_id).state != state:
        assert time.monotonic() < deadline, f"the job is still {wiring.ledger.state(job_id).state}, not {state}"
        wiring.flush()
        time.sleep(0.05)


@pytest.mark.npm
def test_reorganisation_of_a_foreign_node_loses_no_change(anvil: str, tmp_path: Path, issue_in: Issue) -> None:
    settings = Settings(data_dir=tmp_path / "data", chain_url=anvil, chain_id=31337, chain_confirmations=4)
    sender = address_of(KeyRing.open(settings.keys_dir, create=True).controller.private_bytes())
    node = HttpTransport(anvil)
    node.request("anvil_setBalance", [sender, hex(10**18)])
    with build(settings) as wiring:
        node.request("anvil_mine", ["0x8"])
        wiring.flush()
        issued = issue_in(wiring)
        change = wiring.credentials.revoke(issued.credential_id, reason="fraud", actor="t")
        assert change.job_id is not None
        _flush_until(wiring, change.job_id, "mined")
        node.request("anvil_reorg", [1, []])
        wiring.flush()
        node.request("anvil_mine", ["0x6"])
        _flush_until(wiring, change.job_id, "final")
        verdict = wiring.verifier.verify(issued.credential, Policy(now=datetime.now(UTC))).verdict
        assert verdict.reasons() == ["revoked"]


@pytest.fixture
def postgres() -> Iterator[str]:
    if not (POSTGRES / "initdb").exists():
        _absent("PostgreSQL 15")
    try:
        user = pwd.getpwnam("postgres")
    except KeyError:
        _absent("the user postgres")
    folder = Path(tempfile.mkdtemp(prefix="assay-pg-"))
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    identity = {"user": user.pw_uid, "group": user.pw_gid} if os.geteuid() == 0 else {}
    if identity:
        os.chown(folder, user.pw_uid, user.pw_gid)

    def tool(name: str, *arguments: str) -> None:
        command = [str(POSTGRES / name), *arguments]
        subprocess.run(command, check=True, capture_output=True, timeout=60, cwd=folder, **identity)  # type: ignore[call-overload]

    data = folder / "data"
    try:
        tool("initdb", "-D", str(data), "-U", "assay", "-A", "trust", "-E", "UTF8", "--no-sync")
        options = f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={folder}"
        tool("pg_ctl", "-D", str(data), "-o", options, "-l", str(folder / "log"), "-w", "start")
        yield f"postgresql+psycopg://assay@127.0.0.1:{port}/postgres"
    finally:
        with contextlib.suppress(subprocess.CalledProcessError):
            tool("pg_ctl", "-D", str(data), "-m", "immediate", "stop")
        shutil.rmtree(folder, ignore_errors=True)


@pytest.mark.postgres
def test_on_postgresql(postgres: str, tmp_path: Path, issue_in: Issue) -> None:
    settings = Settings(data_dir=tmp_path / "data", database_url=postgres)
    with build(settings) as wiring:
        assert wiring.database.engine.dialect.name == "postgresql"
        _story(wiring, issue_in, lambda: None)
    with build(settings) as again:
        assert len(again.credentials.list(livemode=None, limit=100)[0]) == 8


@pytest.mark.postgres
def test_nul_is_the_callers_mistake_on_postgresql(postgres: str, tmp_path: Path, issue_in: Issue) -> None:
    with build(Settings(data_dir=tmp_path / "data", database_url=postgres)) as wiring:
        keys = create_first_keys(wiring.database, wiring.access)
        assert keys is not None
        client = TestClient(create_app(wiring), headers={"Authorization": f"Bearer {keys.live}"})
        path = f"/v1/credentials/{issue_in(wiring).credential_id}"
        for answer in (
            client.get("/v1/credentials/cred_%00"),
            client.get("/v1/credentials?cursor=a%00"),
            client.get("/status/a%00"),
            client.post(f"{path}/revoke", json={"reason": "fraud", "note": "a\0"}),
        ):
            assert (answer.status_code, answer.json()["code"]) == (400, "invalid_text")
        assert client.get(path).json()["status"]["state"] == "active"


def test_chain_that_does_not_answer_is_not_waited_for(tmp_path: Path) -> None:
    from contracts.chain import Chain
    from contracts.errors import ChainUnavailable

    settings = Settings(data_dir=tmp_path, chain_url="http://127.0.0.1:9")
    access = open_chain(settings, fund="0x" + "0" * 40, clock=lambda: 0.0, own=False)
    with pytest.raises(ChainUnavailable):
        Chain(access.transport).head()
