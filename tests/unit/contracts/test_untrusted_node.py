"""A node that answers in the right form but does not tell the truth: nothing it says is believed without a check."""

import pytest

from contracts.chain import Chain
from contracts.did_registry import DIDRegistry
from contracts.errors import ChainError, ChainUnavailable, EventLimitExceeded, MalformedAnswer, RpcError
from contracts.status_registry import CredentialStatusRegistry

REGISTRY = "0x" + "11" * 20


class Scripted:
    """An endpoint that answers as a test says: the only way to have a node lie."""

    def __init__(self, **answers: object) -> None:
        self._answers = {"eth_chainId": "0x1", **answers}

    def request(self, method, params):
        answer = self._answers[method]
        return answer(*params) if callable(answer) else answer

    def batch(self, calls):
        return [self.request(method, params) for method, params in calls]


BLOCK = {"number": "0x5", "hash": "0x" + "11" * 32, "parentHash": "0x" + "22" * 32, "timestamp": "0x64"}
LOG = {
    "address": REGISTRY,
    "topics": ["0x" + "00" * 32],
    "data": "0x",
    "blockNumber": "0x5",
    "blockHash": "0x" + "11" * 32,
    "transactionHash": "0x" + "33" * 32,
    "logIndex": "0x0",
}


@pytest.mark.threat(76)
@pytest.mark.parametrize("wrong", [None, "", "5", "0x", "0x05", "-0x1", "0xzz", 5, [], "0x" + "f" * 65])
def test_malformed_numbers_are_not_believed(wrong):
    chain = Chain(Scripted(eth_getBalance=wrong, eth_getBlockByNumber=BLOCK | {"number": wrong}))
    with pytest.raises(MalformedAnswer):
        chain.balance(REGISTRY)
    with pytest.raises(MalformedAnswer):
        chain.head()
    with pytest.raises(MalformedAnswer):
        _ = Chain(Scripted(eth_chainId=wrong)).chain_id


@pytest.mark.threat(76)
@pytest.mark.parametrize(
    "logs",
    [
        None,
        {},
        [None],
        [LOG | {"address": "0x" + "99" * 20}],
        [LOG | {"blockNumber": "0x99"}],
        [LOG | {"topics": ["0x" + "00" * 32] * 5}],
        [LOG | {"topics": ["0x00"]}],
        [LOG | {"data": "0xabc"}],
    ],
)
def test_logs_that_were_not_asked_for_are_not_believed(logs):
    with pytest.raises(MalformedAnswer):
        Chain(Scripted(eth_getLogs=logs)).logs(REGISTRY, [], 0, 9)


def test_ranges_that_are_too_large_are_halved():
    asked = []

    def logs(wanted):
        first, last = int(wanted["fromBlock"], 16), int(wanted["toBlock"], 16)
        asked.append((first, last))
        if last - first >= 300:
            raise RpcError("query returned more than 10000 results", rpc_code=-32005)
        return [LOG | {"blockNumber": hex(first)}]

    found = Chain(Scripted(eth_getLogs=logs)).logs(REGISTRY, [], 0, 999)
    assert [log.block for log in found] == [0, 250, 500, 750]
    assert len(asked) == 7


def test_a_node_that_never_answers_for_logs_is_given_up_on():
    asked = []

    def logs(wanted):
        asked.append(wanted)
        raise RpcError("no", rpc_code=-32000)

    with pytest.raises(ChainUnavailable):
        Chain(Scripted(eth_getLogs=logs)).logs(REGISTRY, [], 0, 9999)
    assert len(asked) < 20


@pytest.mark.threat(40)
def test_an_endless_identity_history_is_bounded():
    """Each block claims one event and a predecessor; a million of them must not be walked."""
    topic = "0x38a5a6e68f30ed1ab45860a4afb34bcb2fc00f22ca462d249b8a8d40cda6f7a3"

    def call(request, block):
        return "0x" + (10**6).to_bytes(32, "big").hex()

    def logs(wanted):
        at = int(wanted["fromBlock"], 16)
        data = bytes(32) + (at - 1).to_bytes(32, "big")
        return [LOG | {"topics": [topic, "0x" + "00" * 32], "data": "0x" + data.hex(), "blockNumber": hex(at)}]

    with pytest.raises(EventLimitExceeded):
        DIDRegistry(Chain(Scripted(eth_call=call, eth_getLogs=logs)), REGISTRY).events("0x" + "00" * 20)


@pytest.mark.threat(40)
def test_a_history_that_runs_in_circles_is_not_believed():
    topic = "0x38a5a6e68f30ed1ab45860a4afb34bcb2fc00f22ca462d249b8a8d40cda6f7a3"
    data = bytes(32) + (9).to_bytes(32, "big")
    entry = LOG | {"topics": [topic, "0x" + "00" * 32], "data": "0x" + data.hex(), "blockNumber": "0x9"}
    nine = "0x" + (9).to_bytes(32, "big").hex()
    for logs in ([entry], []):
        with pytest.raises(MalformedAnswer):
            DIDRegistry(Chain(Scripted(eth_call=nine, eth_getLogs=logs)), REGISTRY).events("0x" + "00" * 20)


@pytest.mark.threat(42)
def test_offchain_lookup_is_a_revert_and_nothing_more():
    """EIP-3668 would have the caller fetch a URL that the contract names."""
    calls = []

    def call(request, block):
        calls.append(request)
        raise RpcError("execution reverted", rpc_code=3, data="0x556f1830" + "00" * 160)

    chain = Chain(Scripted(eth_call=call, eth_getBlockByNumber=BLOCK))
    with pytest.raises(ChainError) as caught:
        DIDRegistry(chain, REGISTRY).identity_owner(REGISTRY)
    assert caught.value.code == "call_reverted"
    assert len(calls) == 1


@pytest.mark.parametrize(
    "words",
    [
        [1] * 8,
        [2**160, 1, 256, 1, 0, 0, 0, 0, 0],
        [1, 1, 256, 3, 0, 0, 0, 0, 0],
        [1, 1, 0, 1, 0, 0, 0, 0, 0],
        [1, 1, 2**32 - 1, 8, 0, 0, 0, 0, 0],
        [1, 2**48, 256, 1, 0, 0, 0, 0, 0],
    ],
)
def test_a_list_that_cannot_exist_is_not_believed(words):
    answer = "0x" + b"".join(word.to_bytes(32, "big") for word in words).hex()
    chain = Chain(Scripted(eth_call=answer, eth_getBlockByNumber=BLOCK))
    with pytest.raises(MalformedAnswer):
        CredentialStatusRegistry(chain, REGISTRY).get_list(bytes(32))


def test_a_lying_send_is_noticed():
    chain = Chain(Scripted(eth_sendRawTransaction="0x" + "00" * 32))
    with pytest.raises(MalformedAnswer):
        chain.send_raw(b"\x02")
