"""The in-process chain over loopback HTTP: web3.py, our own client, and callers that should get nowhere."""

import asyncio
import threading
import time
from pathlib import Path

import httpx2
import pytest
import uvicorn
from web3 import Web3
from web3.exceptions import ContractCustomError

from contracts.chain import Chain
from contracts.deployment import artifact, deploy
from contracts.errors import CallReverted, RpcError
from contracts.limits import MAX_BATCH, MAX_REQUEST_BYTES, TX_GAS_LIMIT
from contracts.node import Node
from contracts.node.server import rpc_app
from contracts.rpc import HttpTransport
from contracts.status_registry import CredentialStatusRegistry
from contracts.transactions import address_of, sign_transaction


class Served:
    """A node behind uvicorn on a free loopback port."""

    def __init__(self, key: bytes) -> None:
        self.node = Node.open(Path(":memory:"), fund={address_of(key): 10**24})
        config = uvicorn.Config(rpc_app(self.node), host="127.0.0.1", port=0, log_level="error", lifespan="off")
        self.server = uvicorn.Server(config)
        self.socket = config.bind_socket()
        self.url = f"http://127.0.0.1:{self.socket.getsockname()[1]}"
        self.thread = threading.Thread(target=self.server.run, args=([self.socket],))
        self.thread.start()
        deadline = time.monotonic() + 10
        while not self.server.started and time.monotonic() < deadline:
            time.sleep(0.01)

    def close(self) -> None:
        self.server.should_exit = True
        self.thread.join()
        self.socket.close()
        self.node.close()


@pytest.fixture(scope="module")
def served():
    made = Served(b"\x09" * 32)
    try:
        yield made
    finally:
        made.close()


@pytest.fixture
def post(served):
    def send(message, **headers):
        kwargs = {"content": message} if isinstance(message, bytes) else {"json": message}
        return httpx2.post(served.url, headers=headers, **kwargs)

    return send


def test_our_client_works_over_http(served):
    transport = HttpTransport(served.url)
    chain = Chain(transport, chain_id=1337)
    deployment = deploy(chain, b"\x09" * 32)
    assert chain.code(deployment.did_registry)
    with pytest.raises(CallReverted):
        chain.call(deployment.status_registry, bytes.fromhex("ffffffff"))
    registry = CredentialStatusRegistry(chain, deployment.status_registry)
    assert registry.get_list(bytes(32)) is None
    results = transport.batch([("eth_chainId", []), ("eth_mine", []), ("eth_blockNumber", [])])
    assert results[0] == "0x539"
    assert isinstance(results[1], RpcError)
    assert results[1].rpc_code == -32601
    assert int(results[2], 16) >= 2
    transport.close()


def test_web3_py_deploys_calls_and_reads_events(served):
    key = b"\x09" * 32
    provider = Web3.HTTPProvider(served.url)
    provider.global_ccip_read_enabled = False
    w3 = Web3(provider)
    assert w3.is_connected()
    account = w3.eth.account.from_key(key)

    def send(call):
        tx = call.build_transaction({"from": account.address, "nonce": w3.eth.get_transaction_count(account.address)})
        signed = account.sign_transaction(tx)
        return w3.eth.wait_for_transaction_receipt(w3.eth.send_raw_transaction(signed.raw_transaction), timeout=5)

    compiled = artifact("DIDRegistry")
    receipt = send(w3.eth.contract(abi=compiled["abi"], bytecode=compiled["bytecode"]).constructor())
    registry = w3.eth.contract(address=receipt["contractAddress"], abi=compiled["abi"])
    receipt = send(registry.functions.setAttribute(account.address, b"did/svc/Hub".ljust(32, b"\0"), b"x", 60))
    assert receipt["status"] == 1
    events = registry.events.DIDAttributeChanged().get_logs(
        from_block=0, argument_filters={"identity": account.address}
    )
    assert [event["args"]["value"] for event in events] == [b"x"]
    assert registry.functions.identityOwner(account.address).call() == account.address
    with pytest.raises(ContractCustomError):
        registry.functions.changeOwner("0x" + "11" * 20, account.address).call({"from": account.address})
    assert w3.eth.get_block("latest", full_transactions=True)["transactions"][0]["hash"] == receipt["transactionHash"]
    assert w3.eth.fee_history(1, "latest", [50])["baseFeePerGas"]
    assert w3.eth.get_transaction(receipt["transactionHash"])["from"] == account.address


@pytest.mark.parametrize("headers", [{"origin": "https://evil.example"}, {"host": "rebound.example"}])
def test_a_web_page_is_refused(post, headers):
    assert post({"jsonrpc": "2.0", "id": 1, "method": "eth_chainId"}, **headers).status_code == 403


def test_sizes_are_bounded(post):
    assert post(b"[" * (MAX_REQUEST_BYTES + 1)).status_code == 413
    call = {"jsonrpc": "2.0", "id": 1, "method": "eth_chainId"}
    assert post([call] * (MAX_BATCH + 1)).json()["error"]["code"] == -32600
    assert len(post([call] * MAX_BATCH).json()) == MAX_BATCH


@pytest.mark.parametrize(
    ("message", "code"),
    [
        (b"{", -32700),
        (b"[" * 5000, -32700),
        ([], -32600),
        (7, -32600),
        ({"id": 1}, -32600),
        ({"id": 1, "method": "eth_chainId", "params": {}}, -32600),
        ({"id": {}, "method": "eth_chainId"}, -32600),
        ({"id": 1, "method": "anvil_setBalance", "params": []}, -32601),
        ({"id": 1, "method": "eth_sendTransaction", "params": [{}]}, -32601),
        ({"id": 1, "method": "__init__", "params": []}, -32601),
        ({"id": 1, "method": "eth_chainId", "params": [1]}, -32602),
        ({"id": 1, "method": "eth_call", "params": []}, -32602),
        ({"id": 1, "method": "eth_call", "params": ["0x"]}, -32602),
        ({"id": 1, "method": "eth_call", "params": [{"to": "0x12"}]}, -32602),
        ({"id": 1, "method": "eth_call", "params": [{"to": "0x" + "11" * 20, "value": "0x" + "f" * 65}]}, -32602),
        ({"id": 1, "method": "eth_getBlockByNumber", "params": ["0x01", False]}, -32602),
        ({"id": 1, "method": "eth_getBlockByNumber", "params": ["latest", "yes"]}, -32602),
        ({"id": 1, "method": "eth_getBalance", "params": ["0x" + "11" * 20, "0xffffffff"]}, -32000),
        ({"id": 1, "method": "eth_getStorageAt", "params": ["0x" + "11" * 20, {}]}, -32602),
        ({"id": 1, "method": "eth_getLogs", "params": [{"topics": [None] * 5}]}, -32602),
        ({"id": 1, "method": "eth_getLogs", "params": [{"fromBlock": "0x5", "toBlock": "0x1"}]}, -32602),
        ({"id": 1, "method": "eth_getLogs", "params": [{"address": ["0x" + "11" * 20] * 1001}]}, -32602),
        ({"id": 1, "method": "eth_sendRawTransaction", "params": ["0x"]}, -32000),
        ({"id": 1, "method": "eth_sendRawTransaction", "params": ["0x" + "02" * 131_073]}, -32000),
        ({"id": 1, "method": "eth_feeHistory", "params": ["0x1", "latest", [1] * 101]}, -32602),
    ],
)
def test_bad_requests_get_the_right_error(post, message, code):
    answer = post(message)
    assert answer.status_code == 200
    assert answer.json()["error"]["code"] == code


def test_a_notification_gets_no_answer(post):
    assert post({"jsonrpc": "2.0", "method": "eth_chainId"}).status_code == 204


def test_an_allow_list_narrows_what_is_offered(served):
    app = rpc_app(served.node, allow={"eth_chainId", "eth_invented"})
    transport = httpx2.ASGITransport(app=app)

    async def ask():
        async with httpx2.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
            calls = [
                {"id": i, "method": name} for i, name in enumerate(["eth_chainId", "eth_blockNumber", "eth_invented"])
            ]
            return (await client.post("/", json=calls)).json()

    answers = asyncio.run(ask())
    assert ["result" in answer for answer in answers] == [True, False, False]


def test_expensive_code_ends(served):
    """An endless loop costs a caller its gas cap, not the node its life."""
    with pytest.raises(RpcError):
        served.node.request("eth_call", [{"data": "0x5b600056", "gas": hex(500_000)}])


def test_the_gas_cap_holds_for_creation_too(served):
    key = b"\x09" * 32
    nonce = int(served.node.request("eth_getTransactionCount", [address_of(key)]), 16)
    fields = {"chain_id": 1337, "to": None, "data": b"\x00", "max_fee": 10**10, "priority_fee": 1, "nonce": nonce}
    over = sign_transaction(key, gas=TX_GAS_LIMIT + 1, **fields)
    with pytest.raises(RpcError, match="gas limit too high"):
        served.node.request("eth_sendRawTransaction", ["0x" + over.raw.hex()])
    at = sign_transaction(key, gas=TX_GAS_LIMIT, **fields)
    served.node.request("eth_sendRawTransaction", ["0x" + at.raw.hex()])
