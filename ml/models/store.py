"""Model files as data with a digest: found in their installed packages, verified, and only then handed out (threat
70).

A file is located through `importlib.util.find_spec`, which does not run the package (face_recognition_models imports
`pkg_resources`, which newer setuptools no longer has). What a loader gets is the very bytes that were hashed: either
the bytes themselves or a private copy, so a file swapped between check and use is not loaded.
"""

import hashlib
import importlib.util
import json
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ml.errors import ModelUntrusted
from ml.evidence import ModelRef

MANIFEST_PATH = Path(__file__).with_name("manifest.json")


@dataclass(frozen=True)
class ModelEntry:
    """One line of the manifest; `path` is relative to the folder of `package`."""

    name: str
    version: str
    sha256: str
    package: str
    path: str
    distribution: str
    licence: str

    def ref(self) -> ModelRef:
        """What a report quotes."""
        return ModelRef(self.name, self.version, self.sha256)


class ModelStore:
    """Verified access to the files of a manifest. Thread-safe: it holds no mutable state."""

    def __init__(self, entries: Iterable[ModelEntry], *, root: Path | None = None) -> None:
        """`root`, if given, holds the files as `<root>/<package>/<path>` instead of the installed packages."""
        self._entries = {entry.name: entry for entry in entries}
        self._root = root

    @classmethod
    def default(cls) -> "ModelStore":
        """The store over the committed manifest, every file verified; raises ModelUntrusted."""
        store = cls(read_manifest(MANIFEST_PATH))
        store.verify()
        return store

    def verify(self) -> None:
        """Hash every file of the manifest; raises ModelUntrusted for the first that is missing or differs."""
        for name in self._entries:
            self.load(name)

    def refs(self) -> tuple[ModelRef, ...]:
        """Every model of the manifest, in its order."""
        return tuple(entry.ref() for entry in self._entries.values())

    def ref(self, name: str) -> ModelRef:
        """The reference of one model; raises ModelUntrusted if the manifest does not have it."""
        return self._entry(name).ref()

    def load(self, name: str) -> bytes:
        """The verified bytes of a model; raises ModelUntrusted."""
        entry = self._entry(name)
        try:
            data = self._locate(entry).read_bytes()
        except OSError as error:
            raise ModelUntrusted(f"{name}: file cannot be read", pointer=f"/models/{name}") from error
        if hashlib.sha256(data).hexdigest() != entry.sha256:
            raise ModelUntrusted(f"{name}: SHA-256 differs from the manifest", pointer=f"/models/{name}")
        return data

    @contextmanager
    def private_copy(self, name: str) -> Iterator[Path]:
        """A verified copy in a fresh private folder, for loaders that only take a path; deleted on leaving."""
        data = self.load(name)
        with tempfile.TemporaryDirectory(prefix="assay-model-") as folder:
            path = Path(folder) / Path(self._entry(name).path).name
            path.write_bytes(data)
            yield path

    def _entry(self, name: str) -> ModelEntry:
        if name not in self._entries:
            raise ModelUntrusted(f"{name}: not in the manifest", pointer=f"/models/{name}")
        return self._entries[name]

    def _locate(self, entry: ModelEntry) -> Path:
        if self._root is not None:
            return self._root / entry.package / entry.path
        spec = importlib.util.find_spec(entry.package)
        if spec is None or not spec.submodule_search_locations:
            raise ModelUntrusted(f"{entry.name}: package {entry.package} is not installed")
        return Path(next(iter(spec.submodule_search_locations))) / entry.path


def read_manifest(path: Path) -> tuple[ModelEntry, ...]:
    """Read a manifest file; raises ModelUntrusted if it is malformed."""
    try:
        return tuple(ModelEntry(**entry) for entry in json.loads(path.read_text())["models"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ModelUntrusted("manifest is malformed") from error
