"""Settings become objects here, and nowhere else: the one place that knows every room.

`build` is also the first start (docs: bootstrap): folders, keys, database, chain, contracts, the issuer's DID and a
status list. Every step finds what an earlier start left, also one that was killed, and does what is missing.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from app.access.service import Access
from app.audit.service import Audit
from app.bootstrap.chain import ChainAccess, genesis_hash, open_chain
from app.bootstrap.contracts import Deployer, ensure_contracts, wait_written
from app.bootstrap.schema import is_migrated, upgrade
from app.bootstrap.storage import exclusive, private_folder
from app.clock import Clock, utc_now
from app.credentials.direct import DirectIssuance
from app.credentials.lists import StatusLists
from app.credentials.publication import StatusPublication
from app.credentials.service import Credentials
from app.credentials.status_source import RegistryStatusSource
from app.database import Database
from app.issuance.protocol import Issuance
from app.issuance.service import Offers
from app.issuers.anchoring import enqueue_missing_keys
from app.issuers.keys import KeyRing
from app.issuers.service import Issuers, KeptMethod, OwnWebMethod
from app.ledger.sender import Sender
from app.ledger.service import Ledger
from app.presentations.service import Presentations
from app.registry_reader import RegistryReader
from app.settings import Settings
from app.telemetry.metrics import Metrics, ServiceCollector, gate_decisions
from app.verifications.blobs import BlobStore
from app.verifications.service import Verifications
from contracts.chain import Chain
from contracts.did_registry import DIDRegistry
from contracts.status_registry import CredentialStatusRegistry
from did.fetch import SafeFetch
from did.methods import EthrMethod, JwkMethod, KeyMethod, WebMethod
from did.resolver import Resolver
from did.verify import Verifier

if TYPE_CHECKING:
    from contracts.node import Node
    from ml.gate import Gate

__all__ = ["Wiring", "build"]

BOOTSTRAP_WAIT_S = 180.0
KEY_SET_TTL_S = 5.0
"""A key that was revoked on chain is refused after this at the latest: less than a block of most chains."""


@dataclass
class Wiring:
    """Every room, wired. `node` is set when this process holds the in-process chain."""

    settings: Settings
    clock: Clock
    database: Database
    audit: Audit
    access: Access
    keys: KeyRing
    chain: Chain
    node: Node | None
    ledger: Ledger
    sender: Sender
    did_registry: DIDRegistry
    status_registry: CredentialStatusRegistry
    issuers: Issuers
    resolver: Resolver
    status_source: RegistryStatusSource
    verifier: Verifier
    status_lists: StatusLists
    credentials: Credentials
    publication: StatusPublication
    verifications: Verifications
    direct_issuance: DirectIssuance
    offers: Offers
    issuance: Issuance
    presentations: Presentations
    gate: Callable[[], Gate]
    metrics: Metrics = field(default_factory=Metrics)

    def flush(self) -> bool:
        """Write on chain what waits, in this thread; safe beside a running service."""
        return self.sender.flush()

    def close(self) -> None:
        """Close the database and the chain; the folder can then be opened again."""
        self.database.close()
        if self.node is not None:
            self.node.close()

    def __enter__(self) -> Wiring:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def build(settings: Settings, *, clock: Clock = utc_now, gate: Gate | None = None, own_chain: bool = False) -> Wiring:
    """Open everything, doing first what a first start must do.

    `own_chain` demands to hold the in-process chain, as the serving process must; others reach it through that process.
    `gate` None makes the gate when it is first needed, because its models take seconds to load. Raises ServiceError,
    ChainError and KernelError leaves.
    """
    private_folder(settings.data_dir)
    with contextlib.ExitStack() as opened:
        database = Database(settings.resolved_database_url)
        opened.callback(database.close)
        # Keys come before the schema, so a database that has one was made with all of them.
        keys = KeyRing.open(settings.keys_dir, create=not is_migrated(database))
        with exclusive(database, settings.data_dir, "migration", wait_s=BOOTSTRAP_WAIT_S):
            upgrade(database)
        chain_access = _open_chain(settings, clock, keys, own=own_chain)
        if chain_access.node is not None:
            opened.callback(chain_access.node.close)
        with exclusive(database, settings.data_dir, "bootstrap", wait_s=BOOTSTRAP_WAIT_S):
            wiring = _assemble(settings, clock, keys, database, chain_access, _lazily(gate))
        opened.pop_all()
    return wiring


def _open_chain(settings: Settings, clock: Clock, keys: KeyRing, *, own: bool) -> ChainAccess:
    from contracts.transactions import address_of

    sender = address_of(keys.controller.private_bytes())
    return open_chain(settings, fund=sender, clock=lambda: clock().timestamp(), own=own)


def _assemble(
    settings: Settings,
    clock: Clock,
    keys: KeyRing,
    database: Database,
    chain_access: ChainAccess,
    gate: Callable[[], Gate],
) -> Wiring:
    audit = Audit(clock)
    access = Access(database, audit, clock)
    chain = Chain(chain_access.transport, chain_id=settings.chain_id)
    ledger = Ledger(database, clock)
    sender = Sender(
        database=database,
        clock=clock,
        chain=chain,
        private_key=keys.controller.private_bytes(),
        lock_dir=settings.data_dir,
        confirmations=settings.chain_confirmations,
    )
    deployer = Deployer(database, clock, chain, ledger, sender, genesis_hash(chain_access.transport))
    did_registry_address, status_registry_address = ensure_contracts(deployer)
    did_registry = DIDRegistry(chain, did_registry_address)
    status_registry = CredentialStatusRegistry(chain, status_registry_address)
    sender.status_registry = status_registry
    anchored = enqueue_missing_keys(database, ledger, did_registry, sender.address, keys)
    if anchored is not None:
        wait_written(ledger, sender, anchored)
    lists = StatusLists(
        database=database,
        clock=clock,
        settings=settings,
        ledger=ledger,
        registry=status_registry,
        identity=sender.address,
    )
    _await_list(database, ledger, sender, lists)
    ethr = EthrMethod({chain.chain_id: RegistryReader(did_registry)})
    issuers = Issuers(settings=settings, keys=keys, chain_id=chain.chain_id, identity=sender.address, ethr=ethr)

    def seconds() -> float:
        return clock().timestamp()

    fetched = KeptMethod(WebMethod(SafeFetch(allow_http_loopback=settings.loopback)), clock=seconds)
    web = OwnWebMethod(issuers, fetched)
    resolver = Resolver([KeyMethod(), JwkMethod(), web, ethr], clock=seconds, ttl_s=KEY_SET_TTL_S)
    status_source = RegistryStatusSource(status_registry)
    verifier = Verifier(resolver, status_source)
    credentials = Credentials(
        database=database, audit=audit, clock=clock, settings=settings, issuers=issuers, lists=lists, ledger=ledger
    )
    verifications = Verifications(
        database=database,
        audit=audit,
        clock=clock,
        settings=settings,
        blobs=BlobStore.open(settings.data_dir / "blobs", key_file=settings.keys_dir / "blob.key"),
        gate=gate,
    )
    offers = Offers(database=database, audit=audit, clock=clock, settings=settings, verifications=verifications)
    wiring = Wiring(
        settings=settings,
        clock=clock,
        database=database,
        audit=audit,
        access=access,
        keys=keys,
        chain=chain,
        node=chain_access.node,
        ledger=ledger,
        sender=sender,
        did_registry=did_registry,
        status_registry=status_registry,
        issuers=issuers,
        resolver=resolver,
        status_source=status_source,
        verifier=verifier,
        status_lists=lists,
        credentials=credentials,
        publication=StatusPublication(lists=lists, registry=status_registry, issuers=issuers, clock=clock),
        verifications=verifications,
        direct_issuance=DirectIssuance(database=database, credentials=credentials, verifications=verifications),
        offers=offers,
        issuance=Issuance(
            database=database, audit=audit, clock=clock, settings=settings, offers=offers, credentials=credentials
        ),
        presentations=Presentations(
            database=database, audit=audit, clock=clock, settings=settings, issuers=issuers, verifier=verifier
        ),
        gate=gate,
    )
    wiring.metrics.registry.register(
        ServiceCollector(
            credentials=credentials.counts, decisions=lambda: gate_decisions(database), backlog=ledger.backlog
        )
    )
    return wiring


def _await_list(database: Database, ledger: Ledger, sender: Sender, lists: StatusLists) -> None:
    """See to it that credentials find a place; a successor that is late or refused must not hold up a start."""
    job_id = lists.ensure_current()
    if lists.have_room():
        return
    with database.transaction() as session:
        ledger.retry_failed(session, [job_id])
    wait_written(ledger, sender, job_id)


def _lazily(gate: Gate | None) -> Callable[[], Gate]:
    """Return the gate that was given, or one that is made once, when it is first asked for."""
    made: list[Gate] = [] if gate is None else [gate]
    lock = threading.Lock()

    def make() -> Gate:
        with lock:
            if not made:
                from ml.gate import Gate
                from ml.models import ModelStore

                made.append(Gate(ModelStore.default()))
            return made[0]

    return make
