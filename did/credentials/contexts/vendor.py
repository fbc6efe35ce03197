"""Fetch the published JSON-LD contexts from the npm registry into this folder; run by hand, never at run time.

    python -m did.credentials.contexts.vendor

Contexts are normative data, so they are taken as published, at a pinned version, with package, licence and the SHA-256
of the bytes written to index.json. npm's copies of the W3C contexts are JSON-equal to the W3C files but not byte-equal;
`w3c_sha256` is the digest that the specification publishes, for comparison by people and by tests.
"""

from __future__ import annotations

import hashlib
import json
import subprocess
import tarfile
import tempfile
from pathlib import Path
from typing import Final

_HERE: Final = Path(__file__).parent
_W3C_LICENCE: Final = "W3C Software and Document License"
_BSD: Final = "BSD-3-Clause"

# URL, local file, package, version, path in the package, licence of the context, digest the specification publishes.
_SOURCES: Final = (
    (
        "https://www.w3.org/ns/credentials/v2",
        "credentials-v2.jsonld",
        "@digitalbazaar/credentials-context",
        "3.2.0",
        "package/contexts/v2.jsonld",
        _W3C_LICENCE,
        "59955ced6697d61e03f2b2556febe5308ab16842846f5b586d7f1f7adec92734",
    ),
    (
        "https://www.w3.org/2018/credentials/v1",
        "credentials-v1.jsonld",
        "@digitalbazaar/credentials-context",
        "3.2.0",
        "package/contexts/v1.jsonld",
        _W3C_LICENCE,
        "ab4ddd9a531758807a79a5b450510d61ae8d147eab966cc9a200c07095b0cdcc",
    ),
    (
        "https://w3id.org/security/data-integrity/v2",
        "data-integrity-v2.jsonld",
        "@digitalbazaar/data-integrity-context",
        "2.0.1",
        "package/contexts/data-integrity-v2.jsonld",
        _BSD,
        "67f21e6e33a6c14e5ccfd2fc7865f7474fb71a04af7e94136cb399dfac8ae8f4",
    ),
    (
        "https://w3id.org/security/multikey/v1",
        "multikey-v1.jsonld",
        "@digitalbazaar/multikey-context",
        "2.0.1",
        "package/contexts/multikey-v1.jsonld",
        _BSD,
        "ba2c182de2d92f7e47184bcca8fcf0beaee6d3986c527bf664c195bbc7c58597",
    ),
    (
        "https://www.w3.org/ns/did/v1",
        "did-v1.jsonld",
        "did-context",
        "3.1.1",
        "package/contexts/did-v1.jsonld",
        _W3C_LICENCE,
        "",
    ),
    (
        "https://www.w3.org/ns/credentials/status/v1",
        "status-v1.jsonld",
        "@digitalbazaar/vc-bitstring-status-list-context",
        "1.1.0",
        "package/contexts/vc-bitstring-status-list-v1.jsonld",
        _BSD,
        "fda5add353231e6a6884a46b12e6c75464281900cb348284d9c360f62381d9f7",
    ),
)
_OWN: Final = ("https://assay.example/contexts/identity/v1", "assay-identity-v1.jsonld")


def _read_from_package(package: str, version: str, path: str, folder: Path) -> bytes:
    command = ["npm", "pack", "--silent", "--pack-destination", str(folder), f"{package}@{version}"]
    archive = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()[-1]
    with tarfile.open(folder / archive) as tar:
        member = tar.extractfile(path)
        if member is None:
            raise FileNotFoundError(f"{package} {version} has no {path}")
        return member.read()


def vendor() -> None:
    """Write every context file and index.json."""
    index: dict[str, dict[str, str]] = {}
    with tempfile.TemporaryDirectory() as temporary:
        for url, name, package, version, path, licence, published in _SOURCES:
            data = _read_from_package(package, version, path, Path(temporary))
            json.loads(data)
            (_HERE / name).write_bytes(data)
            entry = {"file": name, "package": package, "version": version, "licence": licence}
            entry |= {"sha256": hashlib.sha256(data).hexdigest()}
            index[url] = entry | ({"w3c_sha256": published} if published else {})
    own_url, own_name = _OWN
    own_digest = hashlib.sha256((_HERE / own_name).read_bytes()).hexdigest()
    index[own_url] = {
        "file": own_name,
        "package": "assay",
        "version": "1",
        "licence": "Apache-2.0",
        "sha256": own_digest,
    }
    (_HERE / "index.json").write_text(json.dumps(index, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    vendor()
