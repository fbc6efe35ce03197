"""One world per backend: the same clients over the in-process node and over anvil, each with the contracts deployed."""

import os
import re
import secrets
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from contracts.chain import Chain, Receipt
from contracts.deployment import Deployment, deploy
from contracts.did_registry import DIDRegistry
from contracts.errors import CallReverted
from contracts.node import Node
from contracts.rpc import HttpTransport, Transport
from contracts.status_registry import CredentialStatusRegistry
from contracts.transactions import address_of, sign_transaction

ROOT = Path(__file__).resolve().parents[2]
NODE_MODULES = ROOT / "contracts" / "node_modules"
CHAIN_ID = 1337
# The first account of anvil's well-known test mnemonic.
FUNDED_KEY = bytes.fromhex("ac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80")


@dataclass
class Actor:
    """An account that signs and sends, and is an identity of its own."""

    chain: Chain
    key: bytes
    address: str = field(init=False)

    def __post_init__(self) -> None:
        self.address = address_of(self.key)

    def sign(self, to: str | None, data: bytes, *, gas: int = 3_000_000, value: int = 0, **over: Any) -> bytes:
        fees = self.chain.fees()
        fields = {
            "chain_id": CHAIN_ID,
            "nonce": self.chain.nonce(self.address),
            "max_fee": fees.max_fee,
            "priority_fee": fees.priority,
        }
        return sign_transaction(self.key, to=to, data=data, gas=gas, value=value, **(fields | over)).raw

    def send(self, to: str | None, data: bytes = b"", **over: Any) -> Receipt:
        return self.chain.wait_for_receipt(self.chain.send_raw(self.sign(to, data, **over)))

    def revert_of(self, to: str, data: bytes) -> bytes:
        """The revert data of a call by this account, which must revert."""
        with pytest.raises(CallReverted) as caught:
            self.chain.estimate({"from": self.address, "to": to, "data": "0x" + data.hex()})
        return caught.value.data


@dataclass
class World:
    name: str
    transport: Transport
    chain: Chain
    deployment: Deployment
    funder: Actor

    @property
    def did(self) -> DIDRegistry:
        return DIDRegistry(self.chain, self.deployment.did_registry)

    @property
    def status(self) -> CredentialStatusRegistry:
        return CredentialStatusRegistry(self.chain, self.deployment.status_registry)

    def actor(self) -> Actor:
        """A new account with one ether."""
        actor = Actor(self.chain, secrets.token_bytes(32))
        self.funder.send(actor.address, value=10**18, gas=21_000)
        return actor


def make_world(name: str, transport: Transport) -> World:
    chain = Chain(transport, chain_id=CHAIN_ID)
    return World(name, transport, chain, deploy(chain, FUNDED_KEY), Actor(chain, FUNDED_KEY))


def npm_binary(package: str) -> Path:
    """The ELF file of a foundry tool; npm runs no install scripts, so its launcher may not be set up."""
    found = sorted(NODE_MODULES.glob(f"@foundry-rs/{package}-*/bin/{package}"))
    if found:
        return found[0]
    reason = f"{package} is not installed: run `npm ci` in contracts/"
    if os.environ.get("ASSAY_REQUIRE_ALL") == "1":
        pytest.fail(reason)
    pytest.skip(reason)


def _wait_for_port(process: subprocess.Popen[bytes], log: Path) -> int:
    """anvil names its port when it listens."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline and process.poll() is None:
        match = re.search(rb"Listening on 127\.0\.0\.1:(\d+)", log.read_bytes())
        if match:
            return int(match[1])
        time.sleep(0.02)
    raise AssertionError(f"anvil did not start: {log.read_bytes()[-500:]!r}")


@pytest.fixture(scope="session")
def anvil_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    command = [str(npm_binary("anvil")), "--host", "127.0.0.1", "--port", "0", "--hardfork", "osaka"]
    command += ["--enable-tx-gas-limit", "--chain-id", str(CHAIN_ID)]
    log = tmp_path_factory.mktemp("anvil") / "log"
    # A file, not a pipe: nobody reads on after the start, and anvil stops when a pipe is full.
    with log.open("wb") as sink, subprocess.Popen(command, stdout=sink, stderr=subprocess.STDOUT) as process:
        try:
            yield f"http://127.0.0.1:{_wait_for_port(process, log)}"
        finally:
            process.kill()


@pytest.fixture(scope="session")
def node_world() -> Iterator[World]:
    with Node.open(Path(":memory:"), chain_id=CHAIN_ID, fund={address_of(FUNDED_KEY): 10**24}) as node:
        yield make_world("node", node)


@pytest.fixture(scope="session")
def anvil_world(anvil_url: str) -> World:
    return make_world("anvil", HttpTransport(anvil_url))


@pytest.fixture(params=["node", pytest.param("anvil", marks=pytest.mark.npm)])
def world(request: pytest.FixtureRequest) -> World:
    made: World = request.getfixturevalue(f"{request.param}_world")
    return made


@pytest.fixture
def funded_key() -> bytes:
    return FUNDED_KEY


@pytest.fixture
def forge() -> Path:
    return npm_binary("forge")
