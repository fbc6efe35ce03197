"""did:ethr documents from events: order, validity, numbering, owner changes, delegates, attributes, deactivation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from did.errors import DidDeactivated, KernelError, VerificationMethodNotFound
from did.keys import LocalKey
from did.limits import MAX_DID_EVENTS
from did.methods import EthrMethod
from did.methods.ethr import EthrAttributeChanged, EthrDelegateChanged, EthrEvent, EthrOwnerChanged, did_ethr
from did.resolver import Resolver

ADDRESS = "0x" + "1a" * 20
OTHER = "0x" + "2b" * 20
DID = f"did:ethr:0x539:{ADDRESS}"
NOW = 1_800_000_000
KEY = LocalKey.from_private_bytes("Ed25519", b"\x09" * 32).public


@dataclass
class Registry:
    """An in-memory reader: events in whatever order the test put them."""

    found: list[EthrEvent] = field(default_factory=list)
    chain_id: int = 1337
    gone: bool = False
    broken: bool = False

    def events(self, identity: str) -> Sequence[EthrEvent]:
        if self.broken:
            raise ConnectionError("no node")
        return self.found

    def head(self) -> tuple[int, int]:
        return 100, NOW

    def deactivated(self, identity: str) -> bool:
        return self.gone

    def timestamp(self, block: int) -> int:
        return NOW - (100 - block)


def _name(text: str) -> bytes:
    return text.encode().ljust(32, b"\0")


def _attribute(text: str, value: bytes, block: int, log: int = 0, valid_to: int = NOW + 1) -> EthrAttributeChanged:
    return EthrAttributeChanged(ADDRESS, block, log, valid_to, _name(text), value)


def _delegate(kind: str, delegate: str, block: int, log: int = 0, valid_to: int = NOW + 1) -> EthrDelegateChanged:
    return EthrDelegateChanged(ADDRESS, block, log, valid_to, _name(kind), delegate)


def _resolve(registry: Registry, did: str = DID) -> Any:
    return Resolver([EthrMethod({1337: registry})]).resolve(did)


def test_an_identity_without_events_has_its_own_address_as_controller() -> None:
    found = _resolve(Registry())
    controller = {
        "id": f"{DID}#controller",
        "type": "EcdsaSecp256k1RecoveryMethod2020",
        "controller": DID,
        "blockchainAccountId": f"eip155:1337:{ADDRESS}",
    }
    assert found.document["verificationMethod"] == [controller]
    assert found.document["authentication"] == found.document["assertionMethod"] == [f"{DID}#controller"]
    assert "keyAgreement" not in found.document


def test_a_multikey_attribute_becomes_a_multikey() -> None:
    registry = Registry([_attribute("did/pub/Multikey/veriKey", KEY.multicodec(), 10)])
    document = _resolve(registry).document
    assert document["verificationMethod"][1] == {
        "id": f"{DID}#delegate-1",
        "type": "Multikey",
        "controller": DID,
        "publicKeyMultibase": KEY.to_multikey(),
    }
    assert document["assertionMethod"] == [f"{DID}#controller", f"{DID}#delegate-1"]
    assert document["authentication"] == [f"{DID}#controller"]
    resolver = Resolver([EthrMethod({1337: registry})])
    assert resolver.key_for(f"{DID}#delegate-1", "assertionMethod") == KEY
    with pytest.raises(KernelError):
        resolver.key_for(f"{DID}#delegate-1", "authentication")


def test_every_event_of_a_block_counts_in_log_order() -> None:
    second = LocalKey.from_private_bytes("P-256", b"\x07" * 32).public
    events: list[EthrEvent] = [
        _attribute("did/pub/Multikey/sigAuth", second.multicodec(), 10, log=2),
        _delegate("veriKey", OTHER, 10, log=1),
        _attribute("did/svc/LinkedDomains", b"https://issuer.example", 10, log=3),
        _attribute("did/pub/Multikey/veriKey", KEY.multicodec(), 10, log=0),
    ]
    document = _resolve(Registry(events)).document
    assert [method["id"].partition("#")[2] for method in document["verificationMethod"]] == [
        "controller",
        "delegate-1",
        "delegate-2",
        "delegate-3",
    ]
    assert document["verificationMethod"][2]["blockchainAccountId"] == f"eip155:1337:{OTHER}"
    assert document["authentication"] == [f"{DID}#controller", f"{DID}#delegate-3"]
    service = {"id": f"{DID}#service-1", "type": "LinkedDomains", "serviceEndpoint": "https://issuer.example"}
    assert document["service"] == [service]


def test_revoking_keeps_the_numbers_of_the_others() -> None:
    second = LocalKey.from_private_bytes("P-256", b"\x07" * 32).public
    events: list[EthrEvent] = [
        _attribute("did/pub/Multikey/veriKey", KEY.multicodec(), 10),
        _attribute("did/pub/Multikey/veriKey", second.multicodec(), 11),
        _attribute("did/pub/Multikey/veriKey", KEY.multicodec(), 12, valid_to=NOW - 1),
    ]
    registry = Registry(events)
    resolver = Resolver([EthrMethod({1337: registry})])
    assert resolver.key_for(f"{DID}#delegate-2", "assertionMethod") == second
    with pytest.raises(VerificationMethodNotFound):
        resolver.key_for(f"{DID}#delegate-1", "assertionMethod")


def test_events_that_give_no_key_are_numbered_as_upstream_does() -> None:
    events: list[EthrEvent] = [
        _delegate("other", OTHER, 10),
        _attribute("did/pub/Unknown/veriKey", b"x", 11),
        _attribute("did/pub/not a name", b"x", 12),
        _attribute("did/pub/not a name", b"x", 13, valid_to=0),
        _attribute("did/pub/Multikey/veriKey", KEY.multicodec(), 14),
    ]
    document = _resolve(Registry(events)).document
    assert [method["id"] for method in document["verificationMethod"][1:]] == [f"{DID}#delegate-4"]


def test_validity_is_judged_at_the_head_and_may_be_huge() -> None:
    expired = _delegate("sigAuth", OTHER, 10, valid_to=NOW - 1)
    forever = _attribute("did/pub/Multikey/veriKey", KEY.multicodec(), 11, valid_to=2**256 - 1)
    document = _resolve(Registry([expired, forever])).document
    assert [method["id"] for method in document["verificationMethod"][1:]] == [f"{DID}#delegate-2"]


def test_events_of_others_and_after_the_head_do_not_count() -> None:
    foreign = EthrAttributeChanged(OTHER, 10, 0, NOW + 1, _name("did/pub/Multikey/veriKey"), KEY.multicodec())
    later = _attribute("did/pub/Multikey/veriKey", KEY.multicodec(), 101)
    assert len(_resolve(Registry([foreign, later])).document["verificationMethod"]) == 1


def test_an_owner_change_moves_the_controller() -> None:
    found = _resolve(Registry([EthrOwnerChanged(ADDRESS, 10, 0, OTHER)]))
    assert found.document["verificationMethod"][0]["blockchainAccountId"] == f"eip155:1337:{OTHER}"
    assert found.metadata["versionId"] == "10"


@pytest.mark.parametrize("how", ["event", "registry"])
def test_a_deactivated_identity_has_no_keys(how: str) -> None:
    events: list[EthrEvent] = [_attribute("did/pub/Multikey/veriKey", KEY.multicodec(), 10)]
    if how == "event":
        events.append(EthrOwnerChanged(ADDRESS, 11, 0, "0x" + "0" * 40))
        # A write after deactivation, as the original registry allowed, brings nothing back.
        events.append(EthrOwnerChanged(ADDRESS, 12, 0, OTHER))
    registry = Registry(events, gone=how == "registry")
    found = _resolve(registry)
    assert found.metadata["deactivated"] is True
    assert found.document["verificationMethod"] == found.document["assertionMethod"] == []
    with pytest.raises(DidDeactivated):
        Resolver([EthrMethod({1337: registry})]).key_for(f"{DID}#delegate-1", "assertionMethod")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("did/pub/Multikey/veriKey", b"\xed\x01" + bytes(32)),
        ("did/pub/Multikey/veriKey", b"\xed\x01short"),
        ("did/pub/Multikey/veriKey", b""),
        ("did/pub/Unknown/veriKey", KEY.multicodec()),
        ("did/pub/Multikey/other", KEY.multicodec()),
        ("did/svc/X", b"\xff"),
        ("did/svc/X", b"x" * 5000),
        ("\x00\x01", b"x"),
    ],
)
def test_attributes_that_mean_nothing_are_passed_over(name: str, value: bytes) -> None:
    document = _resolve(Registry([_attribute(name, value, 10)])).document
    assert len(document["verificationMethod"]) == 1
    assert "service" not in document


@pytest.mark.threat(40)
def test_a_million_events_are_refused() -> None:
    events: list[EthrEvent] = [_delegate("veriKey", OTHER, 10)] * (MAX_DID_EVENTS + 1)
    assert _resolve(Registry(events)).error == "did_event_limit"


@pytest.mark.threat(41)
def test_a_registry_that_cannot_be_read_is_unavailable() -> None:
    assert _resolve(Registry(broken=True)).error == "did_unavailable"
    assert _resolve(Registry(chain_id=5)).error == "did_unavailable"
    assert _resolve(Registry(), did=f"did:ethr:{ADDRESS}").error == "did_unavailable"


@pytest.mark.parametrize(
    "did", ["did:ethr:0x539:0x12", "did:ethr:dev:" + ADDRESS, f"did:ethr:{ADDRESS[2:]}", f"{DID}:x"]
)
def test_malformed_identifiers_are_refused(did: str) -> None:
    assert _resolve(Registry(), did=did).error == "invalid_did"


def test_the_did_of_an_address() -> None:
    assert did_ethr(1337, ADDRESS.upper().replace("X", "x")) == DID
    assert did_ethr(1, ADDRESS) == f"did:ethr:{ADDRESS}"
