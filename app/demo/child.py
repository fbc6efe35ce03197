"""Run the service and the command line as their users do: as processes, reached by HTTP and by arguments."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import Any

import httpx2

from app.errors import ServiceError

__all__ = ["CommandFailed", "RunningService", "ServiceNotReady", "free_port", "run_command"]

READY_TIMEOUT_S = 120.0
"""A cold start imports py-evm and onnxruntime and deploys two contracts; a slow laptop takes a fraction of this."""


class CommandFailed(ServiceError):
    """A command of the demo ended with another exit code than expected."""

    code = "command_failed"


class ServiceNotReady(ServiceError):
    """The service did not answer in time."""

    code = "service_not_ready"


def free_port() -> int:
    """Return a loopback port that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def assay_command() -> list[str]:
    """The command line of this very installation."""
    return [sys.executable, "-m", "app.cli.main"]


def run_command(arguments: list[str], environment: dict[str, str], *, expect: tuple[int, ...] = (0,)) -> dict[str, Any]:
    """Run `assay ARGUMENTS --json` and return its answer; another exit code than expected raises CommandFailed."""
    done = subprocess.run(
        [*assay_command(), *arguments, "--json"],
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    if done.returncode not in expect:
        raise CommandFailed(
            f"assay {' '.join(arguments)} ended with {done.returncode}: {(done.stderr or done.stdout)[-800:]}"
        )
    answer = json.loads(done.stdout)
    if isinstance(answer, dict):
        return answer
    return {"data": answer}


class RunningService:
    """`assay serve` in a process of its own, on free loopback ports, with its own data directory."""

    def __init__(self, data_dir: Path, *, settings: dict[str, str] | None = None) -> None:
        self.port, self.chain_port = free_port(), free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.chain_rpc = f"http://127.0.0.1:{self.chain_port}"
        self.environment = {key: value for key, value in os.environ.items() if not key.startswith("ASSAY_")}
        self.environment |= {
            "ASSAY_DATA_DIR": str(data_dir),
            "ASSAY_PORT": str(self.port),
            "ASSAY_CHAIN_PORT": str(self.chain_port),
            **(settings or {}),
        }
        self._log = data_dir.parent / f"{data_dir.name}-service.log"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start and wait until `/readyz` answers 200."""
        self._log.parent.mkdir(parents=True, exist_ok=True)
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [*assay_command(), "serve"], env=self.environment, stdout=log, stderr=subprocess.STDOUT
            )
        deadline = time.monotonic() + READY_TIMEOUT_S
        while time.monotonic() < deadline:
            if self._process.poll() is not None:
                raise ServiceNotReady(f"assay serve ended with {self._process.returncode}: {self._tail()}")
            try:
                if httpx2.get(f"{self.url}/readyz", timeout=2.0).status_code == 200:
                    return
            except httpx2.HTTPError:
                pass
            time.sleep(0.1)
        raise ServiceNotReady(f"no answer after {READY_TIMEOUT_S:.0f} s: {self._tail()}")

    def stop(self) -> None:
        """Ask it to end, and wait."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """End it as a power cut would."""
        self._end(signal.SIGKILL)

    def _end(self, how: signal.Signals) -> None:
        if self._process is None or self._process.poll() is not None:
            return
        self._process.send_signal(how)
        try:
            self._process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(timeout=10)

    def _tail(self) -> str:
        return self._log.read_text(errors="replace")[-1500:]

    def __enter__(self) -> RunningService:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
