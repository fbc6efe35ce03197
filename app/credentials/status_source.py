"""A credential's status, read from the chain and from nothing else.

Rules of the chain notes, section 9: revoked and suspended count as soon as the latest block says so, valid only once a
safe block says so. Only the configured registry on the configured chain is believed: an entry that points elsewhere
would let an attacker keep the status of a credential in a contract of their own. Whatever cannot be read raises, which
is unknown.
"""

from __future__ import annotations

from app.errors import ServiceError
from contracts.errors import StatusIndexOutOfRange as ChainIndexOutOfRange
from contracts.errors import UnknownStatusList
from contracts.status_registry import CredentialStatusRegistry, StatusReading
from did.errors import StatusIndexOutOfRange
from did.status import RegistryStatusEntry, StatusAnswer, TokenStatus

__all__ = ["ForeignRegistry", "RegistryStatusSource"]


class ForeignRegistry(ServiceError):
    """The status entry names a chain or registry that this verifier does not read."""

    code = "foreign_registry"


class RegistryStatusSource:
    """A `did.status.StatusSource` over one registry."""

    def __init__(self, registry: CredentialStatusRegistry) -> None:
        self._registry = registry

    def status(self, entry: RegistryStatusEntry) -> StatusAnswer:
        """What the registry says. Raises ForeignRegistry, StatusIndexOutOfRange, and ChainError leaves."""
        chain_id = self._registry.chain.chain_id
        if (entry.chain_id, entry.registry.lower()) != (chain_id, self._registry.address.lower()):
            raise ForeignRegistry(f"this verifier reads the registry {self._registry.address} on chain {chain_id}")
        latest = self._read(entry, "latest")
        if latest is None:
            return StatusAnswer(None, 0, 0, self._registry.chain.head().number)
        if latest.status != TokenStatus.VALID:
            return StatusAnswer(latest.status, latest.flags, latest.version, latest.block)
        safe = self._read(entry, "safe")
        return StatusAnswer(None, 0, 0, latest.block) if safe is None else _stricter(latest, safe)

    def _read(self, entry: RegistryStatusEntry, tag: str) -> StatusReading | None:
        try:
            return self._registry.status_of(bytes.fromhex(entry.list_id[2:]), entry.index, tag)
        except UnknownStatusList:
            return None
        except ChainIndexOutOfRange as error:
            raise StatusIndexOutOfRange(f"index {entry.index} is beyond the list") from error


def _stricter(latest: StatusReading, safe: StatusReading) -> StatusAnswer:
    """The safe reading, with whatever flags the latest one has gained since."""
    return StatusAnswer(safe.status, safe.flags | latest.flags, safe.version, safe.block)
