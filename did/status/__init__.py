"""Credential status: what an entry points to, and the published list formats.

The authority is a list in a registry on a chain (`EvmStatusRegistryEntry`), read through a `StatusSource`; the
Bitstring and Token Status List codecs are for the lists published beside it.
"""

from did.status.bitstring import decode_list, encode_list
from did.status.entry import (
    LIST_PAUSED,
    LIST_REVOKED,
    RegistryStatusEntry,
    StatusAnswer,
    StatusSource,
    entry_from_sd_jwt,
    entry_from_vc,
)
from did.status.token_status_list import TokenStatus, decode, encode, get, pack_token_list

__all__ = [
    "LIST_PAUSED",
    "LIST_REVOKED",
    "RegistryStatusEntry",
    "StatusAnswer",
    "StatusSource",
    "TokenStatus",
    "decode",
    "decode_list",
    "encode",
    "encode_list",
    "entry_from_sd_jwt",
    "entry_from_vc",
    "get",
    "pack_token_list",
]
