"""Put the issuer's public keys into the DID registry, once.

What is missing is found by reading the registry, not by remembering: a start after a crash, or on a chain where the
update was already mined, adds nothing. The update goes through the outbox like every other write.
"""

from __future__ import annotations

import hashlib
from typing import Final

from app.database import Database
from app.issuers.keys import KeyRing
from app.ledger.service import Ledger
from contracts.did_registry import AttributeChanged, DIDOp, DIDOpKind, DIDRegistry

__all__ = ["enqueue_missing_keys"]

VALIDITY_S: Final = 20 * 365 * 86_400
"""Twenty years: a key ends by being revoked, not by being forgotten."""
SIGNING: Final = "did/pub/Multikey/veriKey"
AUTHENTICATION: Final = "did/pub/Multikey/sigAuth"


def enqueue_missing_keys(
    database: Database, ledger: Ledger, registry: DIDRegistry, identity: str, keys: KeyRing
) -> int | None:
    """Queue an update with the keys that the registry does not name; returns its job, or None if all are there."""
    wanted = [
        (_name(SIGNING), keys.assertion_ed25519.public.multicodec()),
        (_name(SIGNING), keys.assertion_p256.public.multicodec()),
        (_name(AUTHENTICATION), keys.request.public.multicodec()),
    ]
    now = registry.chain.head().timestamp
    anchored: dict[tuple[bytes, bytes], bool] = {}
    for event in registry.events(identity):
        if isinstance(event, AttributeChanged):
            anchored[event.name, event.value] = event.valid_to > now
    missing = [pair for pair in wanted if not anchored.get(pair)]
    if not missing:
        return None
    ops = [DIDOp(DIDOpKind.SET_ATTRIBUTE, name, value, VALIDITY_S) for name, value in missing]
    # The place in the identity's history makes the key: after a later change the same update is another intention.
    content = b"".join(name + value for name, value in missing) + registry.changed(identity).to_bytes(8, "big")
    with database.transaction() as session:
        return ledger.enqueue_call(
            session,
            key=f"did:{registry.chain.chain_id}:{identity}:{hashlib.sha256(content).hexdigest()[:32]}",
            purpose="DIDRegistry.update",
            to=registry.address,
            data=registry.encode_update(identity, ops),
        )


def _name(text: str) -> bytes:
    return text.encode().ljust(32, b"\0")
