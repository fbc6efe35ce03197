"""The key file and what is derived from it."""

from __future__ import annotations

import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from app.openid.vault import SealedDataUnreadable, Vault


def test_the_key_file_is_made_once_and_for_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "keys" / "openid.key"
    first = Vault(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert Vault(path).derive("a", "b") == first.derive("a", "b")
    assert list(path.parent.iterdir()) == [path]


def test_many_processes_that_start_at_once_agree_on_the_key(tmp_path: Path) -> None:
    path = tmp_path / "openid.key"
    with ThreadPoolExecutor(16) as pool:
        derived = set(pool.map(lambda _: Vault(path).derive("a", "b"), range(64)))
    assert len(derived) == 1


def test_purposes_and_subjects_are_separate(tmp_path: Path) -> None:
    vault = Vault(tmp_path / "k")
    derived = {vault.derive(purpose, subject) for purpose in ("a", "b", "ab") for subject in ("b", "c", "")}
    assert len(derived) == 9
    assert Vault(tmp_path / "other").derive("a", "b") not in derived
    assert all(len(vault.digits("tx", str(n), 6)) == 6 and vault.digits("tx", str(n), 6).isdigit() for n in range(50))


def test_sealed_bytes_open_for_their_subject_only(tmp_path: Path) -> None:
    vault = Vault(tmp_path / "k")
    sealed = vault.seal("row-1", b"secret")
    assert b"secret" not in sealed
    assert vault.seal("row-1", b"secret") != sealed
    assert vault.unseal("row-1", sealed) == b"secret"
    for subject, data, key in (("row-2", sealed, vault), ("row-1", sealed[:-1], vault), ("row-1", b"", vault)):
        with pytest.raises(SealedDataUnreadable):
            key.unseal(subject, data)
    with pytest.raises(SealedDataUnreadable):
        Vault(tmp_path / "other").unseal("row-1", sealed)


def test_a_broken_key_file_is_an_error_and_not_a_new_key(tmp_path: Path) -> None:
    path = tmp_path / "k"
    path.write_bytes(b"short")
    with pytest.raises(SealedDataUnreadable):
        Vault(path)
    assert path.read_bytes() == b"short"
