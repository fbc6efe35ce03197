"""`assay serve`: API, workers and the in-process chain in one process.

The order matters. Sockets are bound before anything is opened, so a taken port is found out first; the chain is
announced to other processes only while it is served; on the way out nothing new is accepted, work in progress ends, and
what is queued stays in the outbox for the next start.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import threading
from collections.abc import Iterator
from types import FrameType
from typing import TYPE_CHECKING, Final

import structlog
import uvicorn

from app.cli.session import AsJson, answer, load_settings
from app.errors import ServiceError
from app.telemetry.logging import configure_logging

if TYPE_CHECKING:
    from starlette.types import ASGIApp

    from app.bootstrap.first_keys import FirstKeys
    from app.settings import Settings
    from app.wiring import Wiring

__all__ = ["serve"]

GRACE_S: Final = 10
log = structlog.get_logger("assay.serve")


class PortTaken(ServiceError):
    """Another process listens on the port."""

    code = "port_taken"


def serve(as_json: AsJson = False) -> None:
    """Run the service: API, workers and, unless ASSAY_CHAIN_URL is set, its own chain.

    The first start makes keys, database, chain, contracts, the issuer's DID and two API keys, which are shown once;
    every later start uses them again. Stop it with Ctrl-C.
    """
    settings = load_settings()
    configure_logging(settings)
    _stop_quietly_until_serving()
    with contextlib.ExitStack() as stack:
        api_socket = stack.enter_context(_bound(settings.host, settings.port, "port"))
        chain_socket = None
        if settings.chain_url is None:
            chain_socket = stack.enter_context(_bound("127.0.0.1", settings.chain_port, "chain_port"))
        from app.bootstrap.first_keys import create_first_keys
        from app.main import create_app
        from app.wiring import build

        wiring = stack.enter_context(build(settings, own_chain=True))
        if chain_socket is not None:
            stack.enter_context(_chain_served(wiring, chain_socket))
        app = create_app(wiring)
        first_keys = create_first_keys(wiring.database, wiring.access)
        stack.enter_context(_workers(wiring))
        _introduce(settings, wiring, first_keys, as_json)
        _run(app, api_socket)
        log.info("stopping")


def _stop_quietly_until_serving() -> None:
    """Before uvicorn takes over, a signal ends the start; after it has shut down, it raises the signal again, for
    nothing."""

    def stop(number: int, _frame: FrameType | None) -> None:
        raise SystemExit(128 + number)

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)


@contextlib.contextmanager
def _bound(host: str, port: int, setting: str) -> Iterator[socket.socket]:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((host, port))
            # Two processes may bind one port, but only one may listen: claim it now, not after a start of seconds.
            listener.listen(128)
        except OSError as error:
            hint = f"set ASSAY_{setting.upper()} to a free port, or stop what listens there"
            raise PortTaken(f"{host}:{port} cannot be used ({error.strerror}): {hint}") from error
        yield listener


def _server(app: ASGIApp, *, connections: int) -> uvicorn.Server:
    return uvicorn.Server(
        uvicorn.Config(
            app,
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            lifespan="off",
            limit_concurrency=connections,
            timeout_keep_alive=15,
            timeout_graceful_shutdown=GRACE_S,
        )
    )


@contextlib.contextmanager
def _chain_served(wiring: Wiring, listener: socket.socket) -> Iterator[None]:
    from app.bootstrap.chain import announce, withdraw
    from contracts.node.server import rpc_app

    assert wiring.node is not None
    server = _server(rpc_app(wiring.node), connections=100)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, name="chain-rpc", daemon=True)
    thread.start()
    announce(wiring.settings.data_dir, wiring.node, f"http://127.0.0.1:{listener.getsockname()[1]}")
    try:
        yield
    finally:
        withdraw(wiring.settings.data_dir)
        server.should_exit = True
        thread.join(GRACE_S + 5)


@contextlib.contextmanager
def _workers(wiring: Wiring) -> Iterator[None]:
    from app.ledger.worker import LedgerWorker
    from app.openid.sweeper import Sweeper
    from app.verifications.worker import VerificationWorker

    ledger = LedgerWorker(wiring.ledger, wiring.sender, wiring.status_lists.ensure_current)
    verifications = VerificationWorker(wiring.verifications)
    sweeper = Sweeper([wiring.offers.sweep, wiring.presentations.sweep])
    ledger.start()
    verifications.start()
    sweeper.start()
    try:
        yield
    finally:
        sweeper.stop()
        verifications.stop()
        ledger.stop()


def _run(app: ASGIApp, listener: socket.socket) -> None:
    server = _server(app, connections=500)
    with contextlib.suppress(SystemExit, KeyboardInterrupt):
        server.run(sockets=[listener])


def _introduce(settings: Settings, wiring: Wiring, keys: FirstKeys | None, as_json: bool) -> None:
    body = {
        "url": settings.base_url,
        "chain": settings.chain_url or f"http://127.0.0.1:{settings.chain_port}",
        "chain_id": wiring.chain.chain_id,
        "issuer": wiring.issuers.did(),
        "issuer_dids": sorted(wiring.issuers.all_dids),
        "data_dir": str(settings.data_dir.resolve()),
        "pid": os.getpid(),
        "api_keys": {"live": keys.live, "test": keys.test} if keys else None,
    }
    lines = [
        f"[bold green]Assay[/bold green] answers at [bold]{settings.base_url}[/bold]",
        f"  API         {settings.base_url}/openapi.json",
        f"  health      {settings.base_url}/healthz  /readyz  /metrics",
        f"  chain       {body['chain']} (id {wiring.chain.chain_id})",
        f"  issuer      {wiring.issuers.did('ethr')}",
        f"              {wiring.issuers.did('web')}",
        f"  data        {body['data_dir']}",
    ]
    if keys:
        lines += [
            "",
            "API keys, shown this once:",
            f"  live  [bold]{keys.live}[/bold]",
            f"  test  [bold]{keys.test}[/bold]",
        ]
    answer(as_json, body, [*lines, "", "Stop with Ctrl-C."])
