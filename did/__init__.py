"""Decentralized identity kernel: bytes in, typed values out, with all input and output injected.

Nothing here reads a setting, a clock, a database or the network by itself; `did.fetch.SafeFetch` is the only door
out and is handed in by the caller. Danger: everything that reaches this package was written by somebody else.
"""
