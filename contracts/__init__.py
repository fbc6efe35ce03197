"""The chain room: Solidity contracts, a durable in-process chain, and one typed client per contract.

Everything speaks Ethereum JSON-RPC, so the in-process node (`contracts.node`) and any other EVM endpoint are the same
thing to the clients. This package imports neither `did` nor `ml` nor `app`.
"""
