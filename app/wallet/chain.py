"""did:ethr for the wallet: the DID registry, read over JSON-RPC.

Which registry contract is the right one the holder can say. Otherwise the status registry that the credential itself
names is asked for its DID registry: then the signature is checked against the chain, but the credential chose the
contract, and the wallet says so.
"""

from __future__ import annotations

from contracts.abi import encode_call, read_address, read_words
from contracts.chain import Chain
from contracts.rpc import HttpTransport

__all__ = ["connect", "registry_named_by"]


def connect(rpc_url: str) -> Chain:
    """The chain behind a JSON-RPC URL, whatever chain it is: the DID names the chain it wants."""
    return Chain(HttpTransport(rpc_url))


def registry_named_by(chain: Chain, status_registry: str) -> str:
    """The DID registry that a status registry asks for its authority. Raises ChainError leaves."""
    return read_address(read_words(chain, status_registry, encode_call("didRegistry()"), 1, "latest")[0])
