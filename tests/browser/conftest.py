"""A real Chromium with a fake camera, driven through the DevTools protocol; no further dependency is needed for it."""

from __future__ import annotations

import base64
import itertools
import json
import os
import re
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from websockets.sync.client import ClientConnection, connect

ROOT = Path(__file__).resolve().parents[2]
SCREENSHOTS = ROOT / "build" / "screenshots"
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--use-fake-ui-for-media-stream",
    "--use-fake-device-for-media-stream",
    "--remote-debugging-port=0",
)


class Page:
    """One tab: run script in it, click, wait, and look at it. `complaints` are errors of scripts and of the policy."""

    def __init__(self, socket: ClientConnection, session: str) -> None:
        self._socket = socket
        self._session = session
        self._ids = itertools.count(1)
        self.complaints: list[str] = []
        for domain in ("Page", "Runtime", "Log", "DOM"):
            self.command(f"{domain}.enable")

    def command(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Send one command and return its result; events that arrive meanwhile are noted."""
        wanted = next(self._ids)
        request = {"id": wanted, "method": method, "params": parameters, "sessionId": self._session}
        self._socket.send(json.dumps(request))
        while True:
            message = json.loads(self._socket.recv(timeout=30))
            if message.get("sessionId") != self._session:
                continue
            if message.get("id") == wanted:
                assert "error" not in message, message
                return message["result"]
            self._note(message)

    def _note(self, message: dict[str, Any]) -> None:
        if message["method"] == "Runtime.exceptionThrown":
            self.complaints.append(json.dumps(message["params"]["exceptionDetails"])[:500])
        if message["method"] == "Log.entryAdded" and message["params"]["entry"]["level"] == "error":
            self.complaints.append(message["params"]["entry"]["text"])

    def run(self, script: str) -> Any:
        """The value of an expression in the page."""
        answer = self.command("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    def open(self, url: str, *, width: int = 390, height: int = 844, dark: bool = False) -> None:
        """Load a page at a screen size and colour scheme."""
        self.command(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 600
        )
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.command("Emulation.setEmulatedMedia", features=[scheme])
        self.command("Page.navigate", url="about:blank")
        self.command("Page.navigate", url=url)
        self.wait("document.readyState === 'complete'")

    def wait(self, condition: str, *, seconds: float = 20) -> None:
        """Wait until an expression is true."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if self.run(f"Boolean({condition})"):
                return
            time.sleep(0.1)
        shown = self.run("document.body.innerText")
        raise AssertionError(f"not within {seconds} s: {condition}\n{self.complaints}\n{shown}")

    def click(self, selector: str) -> None:
        """Click an element that can be seen."""
        self.wait(f"document.querySelector({json.dumps(selector)})?.checkVisibility()")
        self.run(f"document.querySelector({json.dumps(selector)}).click()")

    def choose_file(self, selector: str, path: Path) -> None:
        """Put a file into a file field, as the file dialogue would."""
        root = self.command("DOM.getDocument")["root"]["nodeId"]
        node = self.command("DOM.querySelector", nodeId=root, selector=selector)["nodeId"]
        self.command("DOM.setFileInputFiles", nodeId=node, files=[str(path)])

    def screenshot(self, name: str) -> Path:
        """Write what is seen to build/screenshots."""
        SCREENSHOTS.mkdir(parents=True, exist_ok=True)
        path = SCREENSHOTS / f"{name}.png"
        path.write_bytes(base64.b64decode(self.command("Page.captureScreenshot", format="png")["data"]))
        return path


def _missing(reason: str) -> None:
    if os.environ.get("ASSAY_REQUIRE_ALL") == "1":
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture(scope="session")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ClientConnection]:
    """The DevTools connection of a fresh Chromium."""
    binary = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if binary is None:
        _missing("Chromium is not installed (Debian package chromium)")
    profile = tmp_path_factory.mktemp("chromium")
    process = subprocess.Popen(
        [str(binary), *FLAGS, f"--user-data-dir={profile}", "about:blank"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    try:
        address = _devtools_address(process)
        with connect(address, max_size=64 * 1024 * 1024, proxy=None) as socket:
            yield socket
    finally:
        process.terminate()
        try:
            process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        assert process.stderr is not None
        process.stderr.close()


def _devtools_address(process: subprocess.Popen[bytes]) -> str:
    assert process.stderr is not None
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        line = process.stderr.readline().decode(errors="replace")
        if found := re.search(r"DevTools listening on (ws://\S+)", line):
            return found.group(1)
        assert process.poll() is None, "Chromium ended before it listened"
    raise AssertionError("Chromium did not say where it listens")


@pytest.fixture
def new_page(chromium: ClientConnection) -> Iterator[Callable[[], Page]]:
    """Opens tabs with storage of their own."""
    contexts: list[str] = []
    numbers = itertools.count(1_000_000)

    def call(method: str, **parameters: Any) -> dict[str, Any]:
        wanted = next(numbers)
        chromium.send(json.dumps({"id": wanted, "method": method, "params": parameters}))
        while True:
            message = json.loads(chromium.recv(timeout=30))
            if message.get("id") == wanted and "sessionId" not in message:
                assert "error" not in message, message
                return message["result"]

    def open_tab() -> Page:
        context = call("Target.createBrowserContext")["browserContextId"]
        contexts.append(context)
        target = call("Target.createTarget", url="about:blank", browserContextId=context)["targetId"]
        return Page(chromium, call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"])

    yield open_tab
    for context in contexts:
        call("Target.disposeBrowserContext", browserContextId=context)
