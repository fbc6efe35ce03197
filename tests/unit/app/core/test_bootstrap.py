"""The first start and every later one."""

from __future__ import annotations

import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import inspect, update

from app.bootstrap.chain import announce, announced, open_chain, withdraw
from app.bootstrap.contracts import ChainReplaced, SenderUnfunded
from app.bootstrap.first_keys import create_first_keys
from app.bootstrap.schema import SchemaTooNew, check_schema
from app.bootstrap.storage import KeyFileDamaged, KeyFileExposed, LockBusy, exclusive
from app.credentials.lists import CAPACITY
from app.credentials.tables import StatusListRow
from app.issuers.anchoring import SIGNING
from app.issuers.keys import KEY_FILES, KeyFileMissing
from app.ledger.tables import LedgerJobRow
from app.settings import Settings
from app.wiring import Wiring, build
from contracts.errors import ChainIdMismatch, NodeLocked
from did.errors import KernelError
from did.resolver import Resolver


def test_everything_private_is_private(wiring: Wiring, settings: Settings) -> None:
    assert stat.S_IMODE(settings.data_dir.stat().st_mode) == 0o700
    assert stat.S_IMODE(settings.keys_dir.stat().st_mode) == 0o700
    files = list(settings.keys_dir.iterdir())
    assert {f"{name}.key" for name in KEY_FILES} <= {path.name for path in files}
    assert {stat.S_IMODE(path.stat().st_mode) for path in files} == {0o600}
    assert not list(settings.data_dir.rglob("*.partial"))


def test_second_start_reuses_everything(settings: Settings) -> None:
    with build(settings) as first:
        did, registry = first.issuers.did("ethr"), first.status_registry.address
        signer = first.issuers.signer("Ed25519")[1]
        sent = first.chain.nonce(first.sender.address)
    with build(settings) as second:
        assert second.issuers.did("ethr") == did
        assert second.status_registry.address == registry
        assert second.issuers.signer("Ed25519")[1] == signer
        assert second.chain.nonce(second.sender.address) == sent == 4


def test_issuer_is_anchored_and_both_dids_name_the_same_keys(wiring: Wiring) -> None:
    resolver: Resolver = wiring.resolver
    for kind in ("Ed25519", "P-256"):
        for method in ("ethr", "web"):
            signer, url = wiring.issuers.signer(kind, method)  # type: ignore[arg-type]
            assert resolver.key_for(url, "assertionMethod") == signer.public
    signer, url, client_id = wiring.issuers.request_signer()
    assert resolver.key_for(url, "authentication") == signer.public
    assert client_id == f"decentralized_identifier:{wiring.issuers.did('web')}"
    assert wiring.issuers.web_document()["alsoKnownAs"] == [wiring.issuers.did("ethr")]


def test_the_request_key_cannot_assert(wiring: Wiring) -> None:
    _, url, _ = wiring.issuers.request_signer()
    assert url not in wiring.issuers.web_document()["assertionMethod"]


def test_exposed_key_is_refused(settings: Settings) -> None:
    build(settings).close()
    (settings.keys_dir / "controller.key").chmod(0o644)
    with pytest.raises(KeyFileExposed):
        build(settings)


@pytest.mark.parametrize("content", [b"", b"short", b"\0" * 32])
def test_damaged_key_is_refused_and_not_replaced(settings: Settings, content: bytes) -> None:
    build(settings).close()
    path = settings.keys_dir / "controller.key"
    path.write_bytes(content)
    with pytest.raises(KeyFileDamaged):
        build(settings)
    assert path.read_bytes() == content


@pytest.mark.parametrize("name", KEY_FILES)
def test_lost_key_is_refused_and_no_new_issuer_made(settings: Settings, name: str) -> None:
    build(settings).close()
    (settings.keys_dir / f"{name}.key").unlink()
    for _ in range(2):
        with pytest.raises(KeyFileMissing, match=name):
            build(settings)
    assert not (settings.keys_dir / f"{name}.key").exists()


def test_lost_keys_folder_is_refused(settings: Settings) -> None:
    build(settings).close()
    settings.keys_dir.rename(settings.data_dir / "elsewhere")
    with pytest.raises(KeyFileMissing):
        build(settings)
    assert not settings.keys_dir.exists()


def _fail_newest_list(wiring: Wiring) -> None:
    with wiring.database.transaction() as session:
        newest = session.query(StatusListRow).order_by(StatusListRow.sequence.desc()).first()
        assert newest is not None
        session.execute(
            update(LedgerJobRow).where(LedgerJobRow.id == newest.job_id).values(state="failed", reason="reverted")
        )


def test_start_makes_the_only_list_again_if_the_chain_refused_it(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr("app.wiring._await_list", lambda _database, _ledger, _sender, lists: lists.ensure_current())
        with build(settings) as wired:
            _fail_newest_list(wired)
            assert not wired.status_lists.have_room()
    with build(settings) as again:
        assert again.status_lists.have_room()
        assert again.ledger.backlog().failed == 0


def test_refused_successor_does_not_hold_up_a_start(settings: Settings) -> None:
    with build(settings) as wired:
        with wired.database.transaction() as session:
            session.execute(update(StatusListRow).values(allocated=CAPACITY // 2))
        wired.status_lists.ensure_current()
        _fail_newest_list(wired)
    with build(settings) as again:
        assert again.ledger.backlog().failed == 1
        assert again.status_lists.have_room()


@pytest.mark.threat(20)
def test_key_revoked_on_chain_is_refused_within_seconds(settings: Settings) -> None:
    now = [datetime.now(UTC)]
    with build(settings, clock=lambda: now[0]) as wired:
        signer, url = wired.issuers.signer("Ed25519")
        assert wired.resolver.key_for(url, "assertionMethod") == signer.public
        name, value = SIGNING.encode().ljust(32, b"\0"), wired.keys.assertion_ed25519.public.multicodec()
        data = wired.did_registry.encode_revoke_attribute(wired.sender.address, name, value)
        with wired.database.transaction() as session:
            wired.ledger.enqueue_call(session, key="revoke", purpose="t", to=wired.did_registry.address, data=data)
        wired.flush()
        now[0] += timedelta(seconds=5)
        with pytest.raises(KernelError):
            wired.resolver.key_for(url, "assertionMethod")


def test_another_chain_with_the_same_id_is_refused(settings: Settings) -> None:
    build(settings).close()
    for path in (settings.data_dir / "chain").iterdir():
        path.unlink()
    with pytest.raises(ChainReplaced):
        build(settings)


def test_another_chain_id_is_refused(settings: Settings) -> None:
    build(settings).close()
    with pytest.raises(ChainIdMismatch):
        build(settings.model_copy(update={"chain_id": 7}))


def test_unfunded_sender_is_told_and_nothing_is_queued_twice(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.bootstrap.chain.GENESIS_FUNDS_WEI", 0)
    for _ in range(2):
        with pytest.raises(SenderUnfunded):
            build(settings)


def test_first_keys_are_made_once(wiring: Wiring) -> None:
    first = create_first_keys(wiring.database, wiring.access)
    assert first is not None
    assert wiring.access.authenticate(first.live).livemode
    assert not wiring.access.authenticate(first.test).livemode
    assert create_first_keys(wiring.database, wiring.access) is None


def test_serving_process_demands_the_chain_for_itself(wiring: Wiring, settings: Settings) -> None:
    with pytest.raises(NodeLocked, match="already serves"):
        open_chain(settings, fund=wiring.sender.address, clock=lambda: 0.0, own=True, wait_s=0.0)


def test_announcement_of_another_service_is_not_believed(wiring: Wiring, settings: Settings, tmp_path: Path) -> None:
    assert wiring.node is not None
    announce(settings.data_dir, wiring.node, "http://127.0.0.1:9")
    assert stat.S_IMODE((settings.data_dir / "chain.json").stat().st_mode) == 0o600
    assert announced(settings.data_dir) is None
    (settings.data_dir / "chain.json").write_text("not json")
    assert announced(settings.data_dir) is None
    withdraw(settings.data_dir)
    withdraw(settings.data_dir)


def test_lock_is_held_by_one(wiring: Wiring, settings: Settings) -> None:
    with (
        exclusive(wiring.database, settings.data_dir, "some", wait_s=0.0),
        pytest.raises(LockBusy),
        exclusive(wiring.database, settings.data_dir, "some", wait_s=0.1),
    ):
        pass
    with exclusive(wiring.database, settings.data_dir, "some", wait_s=0.0):
        pass


def test_schema_is_that_of_the_models(wiring: Wiring) -> None:
    from alembic.autogenerate import compare_metadata
    from alembic.runtime.migration import MigrationContext

    from app.database import Base

    check_schema(wiring.database)
    with wiring.database.engine.connect() as connection:
        difference = compare_metadata(MigrationContext.configure(connection), Base.metadata)
    assert difference == []


def test_database_of_a_newer_version_is_left_alone(settings: Settings) -> None:
    from sqlalchemy import text

    with build(settings) as wired:
        with wired.database.transaction() as session:
            session.execute(text("UPDATE alembic_version SET version_num = 'from_the_future'"))
        tables = set(inspect(wired.database.engine).get_table_names())
    with pytest.raises(SchemaTooNew):
        build(settings)
    assert "credentials" in tables
