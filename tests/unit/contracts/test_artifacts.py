"""The committed artifacts belong to the sources, and our hand-written codecs to the artifacts."""

import hashlib
import json
from pathlib import Path

import pytest
from web3 import Web3

from contracts.abi import argument_types, selector
from contracts.deployment import CONTRACTS, artifact, created_address, deployment_calls
from contracts.did_registry import DIDOp, DIDRegistry
from contracts.errors import InvalidArgument, UnknownArtifact
from contracts.status_registry import ANY_VERSION, CredentialStatusRegistry

ROOT = Path(__file__).resolve().parents[3] / "contracts"
WHO, OTHER, SALT = "0x" + "Ab" * 20, Web3.to_checksum_address("0x" + "cd" * 20), bytes(range(32))
ZERO_CHAIN = None


def by_web3(name, function, *arguments):
    contract = Web3().eth.contract(address=Web3.to_checksum_address(WHO), abi=artifact(name)["abi"])
    return bytes.fromhex(contract.encode_abi(function, args=list(arguments))[2:])


@pytest.mark.parametrize("name", CONTRACTS)
def test_an_artifact_was_made_from_these_sources(name):
    sources = sorted((ROOT / "src").glob("*.sol"))
    text = "".join(f"src/{path.name}\0{path.read_text()}\0" for path in sources)
    assert artifact(name)["sourceSha256"] == hashlib.sha256(text.encode()).hexdigest()
    assert artifact(name)["evmVersion"] == "cancun"


def test_only_our_contracts_have_artifacts():
    for name in ("Nothing", "../package", ""):
        with pytest.raises(UnknownArtifact):
            artifact(name)


def test_the_lock_file_names_no_host():
    lock = json.loads((ROOT / "package-lock.json").read_text())
    packages = {name: entry for name, entry in lock["packages"].items() if name}
    assert packages
    assert all("resolved" not in entry and entry["integrity"].startswith("sha512-") for entry in packages.values())


def test_did_calldata_is_what_web3_encodes():
    did, who = DIDRegistry(ZERO_CHAIN, WHO), Web3.to_checksum_address(WHO)
    name = b"did/svc/Hub".ljust(32, b"\0")
    ops = [DIDOp(0, name, b"v" * 40, 7), DIDOp(4, value=bytes.fromhex(OTHER[2:]))]
    tuples = [(op.kind, op.name, op.value, op.validity) for op in ops]
    encode = {
        "setAttribute": (did.encode_set_attribute(WHO, name, b"v", 7), (who, name, b"v", 7)),
        "revokeAttribute": (did.encode_revoke_attribute(WHO, name, b"v"), (who, name, b"v")),
        "addDelegate": (did.encode_add_delegate(WHO, name, OTHER, 7), (who, name, OTHER, 7)),
        "revokeDelegate": (did.encode_revoke_delegate(WHO, name, OTHER), (who, name, OTHER)),
        "changeOwner": (did.encode_change_owner(WHO, OTHER), (who, OTHER)),
        "update": (did.encode_update(WHO, ops), (who, tuples)),
        "updateSigned": (did.encode_update_signed(WHO, ops, 9, b"s" * 65), (who, tuples, 9, b"s" * 65)),
    }
    for function, (ours, arguments) in encode.items():
        assert ours == by_web3("DIDRegistry", function, *arguments), function


def test_status_calldata_is_what_web3_encodes():
    status, who = CredentialStatusRegistry(ZERO_CHAIN, WHO), Web3.to_checksum_address(WHO)
    packed = bytes.fromhex("00000001010000010002")
    create = status.encode_create_list(WHO, SALT, bits=2, capacity=1024, irreversible=True, uri="https://x.example/1")
    encode = {
        "createList": (create, (who, SALT, 2, 1024, True, "https://x.example/1")),
        "setStatus": (status.encode_set_status(SALT, 5, 1), (SALT, 5, 1)),
        "setStatuses": (status.encode_set_statuses(SALT, None, {256: 2, 1: 1}), (SALT, ANY_VERSION, packed)),
        "anchor": (status.encode_anchor(SALT, 3, SALT, 9, b"doc"), (SALT, 3, SALT, 9, b"doc")),
        "pause": (status.encode_pause(SALT, True), (SALT, True)),
        "freeze": (status.encode_freeze(SALT, revoke_all=False), (SALT, False)),
    }
    for function, (ours, arguments) in encode.items():
        assert ours == by_web3("CredentialStatusRegistry", function, *arguments), function


def test_list_ids_are_the_hash_of_identity_and_salt():
    expected = Web3.solidity_keccak(["bytes32", "bytes32"], [bytes(12) + bytes.fromhex(WHO[2:]), SALT])
    assert CredentialStatusRegistry.list_id(WHO, SALT) == bytes(expected)


def test_deployment_is_known_before_it_is_sent():
    sender = "0x6ac7ea33f8831ea9dcc53393aaa88b25a785dbf0"
    # The address, and those it creates with nonces 0 and 1, are the yellow paper's usual example.
    assert created_address(sender, 0) == "0xcd234A471b72ba2F1Ccf0A70FCABA648a5eeCD8d"
    assert created_address(sender, 1) == "0x343c43A37D37dfF08AE8C4A11544c718AbB4fCF8"
    did, status = deployment_calls(sender, 0)
    assert (did.address, status.nonce) == (created_address(sender, 0), 1)
    assert status.init_code.endswith(bytes.fromhex(did.address[2:]))


@pytest.mark.parametrize("address", ["", "0x", "0x12", "ab" * 20, "0x" + "zz" * 20, None, "0x" + "1" * 41])
def test_what_is_no_address_is_refused(address):
    with pytest.raises(InvalidArgument):
        DIDRegistry(ZERO_CHAIN, address)


def test_signatures_are_taken_apart():
    assert argument_types("f()") == ()
    assert argument_types("f(address,(uint8,bytes)[],bytes)") == ("address", "(uint8,bytes)[]", "bytes")
    assert selector("transfer(address,uint256)").hex() == "a9059cbb"
