"""Captures at rest: sealed, bound to their place, gone with their key."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from app.identifiers import new_id
from app.verifications.blobs import BlobStore
from app.verifications.errors import BlobCorrupt

CONTENT = b"a picture of a face" * 50


@pytest.fixture
def store(tmp_path: Path) -> BlobStore:
    return BlobStore.open(tmp_path / "blobs", key_file=tmp_path / "keys" / "blob.key")


def test_what_was_written_is_read_also_after_reopening(store: BlobStore, tmp_path: Path) -> None:
    session = new_id("vs")
    key = store.new_key(session)
    blob = store.write(key, session, CONTENT)
    again = BlobStore.open(tmp_path / "blobs", key_file=tmp_path / "keys" / "blob.key")
    assert again.read(key, session, blob) == CONTENT


def test_nothing_on_the_disk_is_in_the_clear_or_open_to_others(store: BlobStore, tmp_path: Path) -> None:
    session = new_id("vs")
    blob = store.write(store.new_key(session), session, CONTENT)
    path = tmp_path / "blobs" / session / blob
    assert b"face" not in path.read_bytes()
    assert [entry.name for entry in path.parent.iterdir()] == [blob]
    modes = {stat.S_IMODE(entry.stat().st_mode) for entry in (path, tmp_path / "keys" / "blob.key")}
    assert modes == {0o600}
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_another_sessions_key_does_not_open_it(store: BlobStore) -> None:
    first, second = new_id("vs"), new_id("vs")
    blob = store.write(store.new_key(first), first, CONTENT)
    with pytest.raises(BlobCorrupt):
        store.read(store.new_key(first), first, blob)
    with pytest.raises(BlobCorrupt):
        store.read(store.new_key(second), first, blob)


def test_a_wrapped_key_is_bound_to_its_session(store: BlobStore) -> None:
    first, second = new_id("vs"), new_id("vs")
    key = store.new_key(first)
    with pytest.raises(BlobCorrupt, match="another place"):
        store.write(key, second, CONTENT)


def test_a_file_that_was_moved_does_not_open(store: BlobStore, tmp_path: Path) -> None:
    session = new_id("vs")
    key = store.new_key(session)
    document, selfie = store.write(key, session, b"document"), store.write(key, session, b"selfie")
    folder = tmp_path / "blobs" / session
    (folder / document).rename(folder / selfie)
    with pytest.raises(BlobCorrupt, match="another place"):
        store.read(key, session, selfie)


@pytest.mark.threat(34)
def test_no_flipped_bit_is_accepted(store: BlobStore, tmp_path: Path) -> None:
    session = new_id("vs")
    key = store.new_key(session)
    blob = store.write(key, session, b"short")
    path = tmp_path / "blobs" / session / blob
    sealed = path.read_bytes()
    for position in range(len(sealed)):
        path.write_bytes(sealed[:position] + bytes([sealed[position] ^ 1]) + sealed[position + 1 :])
        with pytest.raises(BlobCorrupt):
            store.read(key, session, blob)


def test_another_master_key_opens_nothing(store: BlobStore, tmp_path: Path) -> None:
    session = new_id("vs")
    key = store.new_key(session)
    blob = store.write(key, session, CONTENT)
    stranger = BlobStore.open(tmp_path / "blobs", key_file=tmp_path / "other" / "blob.key")
    with pytest.raises(BlobCorrupt):
        stranger.read(key, session, blob)


def test_a_damaged_key_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "blob.key").write_bytes(b"short")
    with pytest.raises(BlobCorrupt):
        BlobStore.open(tmp_path / "blobs", key_file=tmp_path / "blob.key")


@pytest.mark.parametrize(
    "name", ["../keys", "vs_..", "", "blob_" + "0" * 31, "blob_" + "0" * 32 + "/x", "blob_\x00" + "0" * 31]
)
def test_a_name_that_is_no_id_reaches_no_file(store: BlobStore, name: str) -> None:
    session = new_id("vs")
    with pytest.raises(BlobCorrupt):
        store.read(store.new_key(session), session, name)
    with pytest.raises(BlobCorrupt):
        store.delete_all(name)


def test_deleting_is_final_and_can_be_repeated(store: BlobStore) -> None:
    session = new_id("vs")
    key = store.new_key(session)
    first, second = store.write(key, session, b"1"), store.write(key, session, b"2")
    store.delete(session, first)
    store.delete(session, first)
    with pytest.raises(BlobCorrupt):
        store.read(key, session, first)
    assert store.read(key, session, second) == b"2"
    store.delete_all(session)
    store.delete_all(session)
    with pytest.raises(BlobCorrupt):
        store.read(key, session, second)
