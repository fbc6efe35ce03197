"""Building a did:ethr document from what its events add and revoke, in the shape of ethr-did-resolver 14."""

from __future__ import annotations

import re
from typing import Any, Final

from did.credentials.contexts import DID_CONTEXT, MULTIKEY_CONTEXT
from did.errors import InvalidKey
from did.keys.public import PublicKey
from did.multibase import b58encode, multibase_encode

__all__ = ["EthrDocument"]

_RECOVERY_CONTEXT: Final = "https://w3id.org/security/suites/secp256k1recovery-2020/v2"
# What ethr-did-resolver counts as an attribute of a document, and what this module makes a key of.
_ATTRIBUTE: Final = re.compile(r"did/(?:pub|svc)/\w+(?:/\w+)?(?:/\w+)?\Z", re.ASCII)
_KEY_ATTRIBUTE: Final = re.compile(r"did/pub/(\w+)/(veriKey|sigAuth|enc)(?:/\w+)?\Z", re.ASCII)
_MAX_SERVICE_BYTES: Final = 2048
_X25519_PREFIX: Final = b"\xec\x01"


class EthrDocument:
    """Collects keys, delegates and services; `build` gives the document."""

    def __init__(self, did: str, chain_id: int, identity: str) -> None:
        self._did = did
        self._chain_id = chain_id
        self.controller = identity
        self._methods: dict[str, tuple[dict[str, Any], str]] = {}
        self._services: dict[str, dict[str, Any]] = {}
        self._delegates = 0
        self._service_count = 0

    def _account(self, address: str) -> str:
        return f"eip155:{self._chain_id}:{address}"

    def delegate(self, delegate_type: bytes, address: str, *, valid: bool) -> None:
        """A delegate event: `veriKey` may assert, `sigAuth` may authenticate too; other types give no method."""
        kind = _text(delegate_type)
        key = f"delegate/{kind}/{address.lower()}"
        # Delegates of other types are numbered as well; upstream counts before it looks at the type.
        self._delegates += 1
        if kind not in ("veriKey", "sigAuth"):
            return
        if not valid:
            self._methods.pop(key, None)
            return
        method = {
            "id": f"{self._did}#delegate-{self._delegates}",
            "type": "EcdsaSecp256k1RecoveryMethod2020",
            "controller": self._did,
            "blockchainAccountId": self._account(address),
        }
        self._methods[key] = (method, kind)

    def attribute(self, name: bytes, value: bytes, *, valid: bool) -> None:
        """An attribute event; names and values that mean nothing here are passed over."""
        text = _text(name)
        if text.startswith("did/pub/") and (not valid or _ATTRIBUTE.match(text)):
            self._delegates += 1
            self._key(text, value, valid=valid)
        elif text.startswith("did/svc/") and (not valid or _ATTRIBUTE.match(text)):
            self._service_count += 1
            self._service(text, value, valid=valid)

    def _key(self, text: str, value: bytes, *, valid: bool) -> None:
        key = f"attribute/{text}/{value.hex()}"
        match = _KEY_ATTRIBUTE.match(text)
        method = _method(match[1], value) if match and valid else None
        if match is None or method is None:
            self._methods.pop(key, None)
            return
        head = {"id": f"{self._did}#delegate-{self._delegates}", "type": method[0], "controller": self._did}
        self._methods[key] = (head | method[1], match[2])

    def _service(self, text: str, value: bytes, *, valid: bool) -> None:
        key = f"attribute/{text}/{value.hex()}"
        endpoint = _endpoint(value) if valid else None
        if endpoint is None:
            self._services.pop(key, None)
            return
        number = f"{self._did}#service-{self._service_count}"
        self._services[key] = {"id": number, "type": text.split("/")[2], "serviceEndpoint": endpoint}

    def build(self) -> dict[str, Any]:
        """The DID document."""
        controller = {
            "id": f"{self._did}#controller",
            "type": "EcdsaSecp256k1RecoveryMethod2020",
            "controller": self._did,
            "blockchainAccountId": self._account(self.controller),
        }
        methods = list(self._methods.values())
        signing = [controller["id"], *(m["id"] for m, use in methods if use in ("veriKey", "sigAuth"))]
        document: dict[str, Any] = {
            "@context": [DID_CONTEXT, MULTIKEY_CONTEXT, _RECOVERY_CONTEXT],
            "id": self._did,
            "verificationMethod": [controller, *(method for method, _ in methods)],
            "authentication": [controller["id"], *(m["id"] for m, use in methods if use == "sigAuth")],
            "assertionMethod": signing,
        }
        if agreement := [method["id"] for method, use in methods if use == "enc"]:
            document["keyAgreement"] = agreement
        if self._services:
            document["service"] = list(self._services.values())
        return document

    @staticmethod
    def deactivated(did: str) -> dict[str, Any]:
        """The document of a deactivated DID: no keys at all."""
        empty: dict[str, Any] = {"@context": [DID_CONTEXT], "id": did, "verificationMethod": []}
        return empty | {"authentication": [], "assertionMethod": []}


def _text(name: bytes) -> str:
    try:
        return name.rstrip(b"\0").decode("ascii")
    except UnicodeDecodeError:
        return ""


def _endpoint(value: bytes) -> str | None:
    if len(value) > _MAX_SERVICE_BYTES:
        return None
    try:
        return value.decode("utf-8")
    except UnicodeDecodeError:
        return None


def _method(algorithm: str, value: bytes) -> tuple[str, dict[str, Any]] | None:
    """Type and key member of a key attribute, or None when the bytes are no key of that algorithm."""
    try:
        match algorithm:
            case "Multikey" if value[:2] == _X25519_PREFIX and len(value) == 34:
                return "Multikey", {"publicKeyMultibase": multibase_encode(value)}
            case "Multikey":
                return "Multikey", {"publicKeyMultibase": PublicKey.from_multicodec(value).to_multikey()}
            case "Secp256k1":
                key = PublicKey.from_point("secp256k1", value)
                return "EcdsaSecp256k1VerificationKey2019", {"publicKeyJwk": key.to_jwk()}
            case "Ed25519":
                key = PublicKey("Ed25519", value)
                return "Ed25519VerificationKey2020", {"publicKeyMultibase": key.to_multikey()}
            case "X25519" if len(value) == 32:
                return "X25519KeyAgreementKey2019", {"publicKeyBase58": b58encode(value)}
    except InvalidKey:
        return None
    return None
