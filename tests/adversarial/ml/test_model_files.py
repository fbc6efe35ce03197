"""Model files that differ from the manifest are not loaded, whichever way they come to differ."""

from dataclasses import replace
from pathlib import Path

import pytest

from ml.errors import ModelUntrusted
from ml.models import ModelStore
from ml.models.store import MANIFEST_PATH, read_manifest

ENTRY = read_manifest(MANIFEST_PATH)[0]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a faithful copy of the smallest model."""
    target = tmp_path / ENTRY.package / ENTRY.path
    target.parent.mkdir(parents=True)
    target.write_bytes(ModelStore([ENTRY]).load(ENTRY.name))
    return tmp_path


def test_a_faithful_file_is_loaded_and_its_copy_is_private(folder: Path) -> None:
    store = ModelStore([ENTRY], root=folder)
    store.verify()
    with store.private_copy(ENTRY.name) as path:
        assert path.parent.stat().st_mode & 0o077 == 0
    assert not path.exists()
    assert store.refs()[0].sha256 == ENTRY.sha256


@pytest.mark.threat(70)
def test_a_changed_or_missing_or_unlisted_file_is_untrusted(folder: Path) -> None:
    path = folder / ENTRY.package / ENTRY.path
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    store = ModelStore([ENTRY], root=folder)
    for attempt in (store.verify, lambda: store.load(ENTRY.name), lambda: store.private_copy(ENTRY.name).__enter__()):
        with pytest.raises(ModelUntrusted) as caught:
            attempt()
        assert caught.value.code == "model_untrusted"
    path.unlink()
    for store in (ModelStore([ENTRY], root=folder), ModelStore([replace(ENTRY, package="no_such_package")])):
        with pytest.raises(ModelUntrusted):
            store.verify()
    with pytest.raises(ModelUntrusted):
        ModelStore.default().ref("no such model")


def test_a_malformed_manifest_is_untrusted(tmp_path: Path) -> None:
    for text in ("", "{}", '{"models": [{"name": "x"}]}'):
        path = tmp_path / "manifest.json"
        path.write_text(text)
        with pytest.raises(ModelUntrusted):
            read_manifest(path)
