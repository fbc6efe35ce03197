"""Read back, over the chain's own JSON-RPC, every transaction that the service sent."""

from __future__ import annotations

from eth_utils.abi import collapse_if_tuple
from eth_utils.crypto import keccak

from contracts.deployment import artifact
from contracts.rpc import HttpTransport

__all__ = ["transactions"]

CONTRACTS = ("DIDRegistry", "CredentialStatusRegistry")


def transactions(rpc_url: str) -> list[tuple[str, ...]]:
    """Return (block, hash, what, gas, status) of each transaction, oldest first."""
    transport = HttpTransport(rpc_url)
    names = _selectors()
    head = int(transport.request("eth_blockNumber", []), 16)
    rows: list[tuple[str, ...]] = []
    for number in range(1, head + 1):
        block = transport.request("eth_getBlockByNumber", [hex(number), True])
        for transaction in block["transactions"]:
            receipt = transport.request("eth_getTransactionReceipt", [transaction["hash"]])
            data = transaction["input"]
            what = names.get(data[:10], data[:10]) if transaction["to"] else f"create {_created(data)}"
            status = "✓ mined" if int(receipt["status"], 16) == 1 else "✗ reverted"
            rows.append((str(number), transaction["hash"][:18] + "…", what, f"{int(receipt['gasUsed'], 16):,}", status))
    return rows


def _selectors() -> dict[str, str]:
    found: dict[str, str] = {}
    for name in CONTRACTS:
        for entry in artifact(name)["abi"]:
            if entry["type"] == "function":
                signature = f"{entry['name']}({','.join(collapse_if_tuple(item) for item in entry['inputs'])})"
                found["0x" + keccak(text=signature)[:4].hex()] = f"{name}.{entry['name']}"
    return found


def _created(data: str) -> str:
    for name in CONTRACTS:
        if data[2:].startswith(artifact(name)["bytecode"].removeprefix("0x")[:200]):
            return name
    return "a contract"
