"""The capture page in a real browser: from consent to a public reason, by hand and by keyboard."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import uvicorn

from app.main import create_app
from app.settings import Settings
from app.verifications.service import CreatedSession
from app.verifications.worker import VerificationWorker
from app.wiring import Wiring, build
from ml.simulation.camera import photograph
from ml.simulation.portraits import portrait
from ml.simulation.specimen import SpecimenFields, render_specimen

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def wiring(tmp_path_factory: pytest.TempPathFactory, chromium: Any) -> Iterator[Wiring]:
    wiring = build(Settings(data_dir=tmp_path_factory.mktemp("browser") / "data"))
    yield wiring
    wiring.close()


@pytest.fixture(scope="module")
def url(wiring: Wiring) -> Iterator[str]:
    """The service on a free port, with its worker."""
    server = uvicorn.Server(uvicorn.Config(create_app(wiring), port=0, log_config=None))
    thread = threading.Thread(target=server.run)
    worker = VerificationWorker(wiring.verifications)
    thread.start()
    worker.start()
    deadline = time.monotonic() + 30
    while not server.started and time.monotonic() < deadline:
        time.sleep(0.05)
    port = server.servers[0].sockets[0].getsockname()[1]
    yield f"http://127.0.0.1:{port}"
    worker.stop()
    server.should_exit = True
    thread.join(timeout=30)


@pytest.fixture(scope="module")
def passport(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("passport") / "passport.jpg"
    path.write_bytes(photograph(render_specimen(SpecimenFields(), portrait("astronaut")), seed=7))
    return path


@pytest.fixture
def new_session(wiring: Wiring) -> Callable[..., CreatedSession]:
    return lambda **kind: wiring.verifications.create(actor="tests", **({"livemode": False} | kind))


def _address(url: str, created: CreatedSession) -> str:
    return f"{url}/verify/{created.row.id}#{created.client_secret}"


def _step(name: str) -> str:
    return f"document.querySelector('[data-step={name}]')?.checkVisibility()"


def test_from_consent_to_a_public_reason(
    url: str, new_page: Callable[[], Any], new_session: Callable[..., CreatedSession], passport: Path, wiring: Wiring
) -> None:
    created = new_session(max_attempts=1)
    page = new_page()
    page.open(_address(url, created))
    page.wait(_step("consent"))
    assert created.client_secret not in page.run("location.href")
    assert "Test mode" in page.run("document.body.innerText")
    page.screenshot("capture-1-consent")
    page.click("#consent-tick")
    page.click("#consent-form button")

    page.wait(_step("document"))
    page.screenshot("capture-2-document")
    page.choose_file("#document-file", passport)
    page.wait("document.querySelector('#document-image').naturalWidth > 0")
    page.screenshot("capture-3-document-preview")
    page.click("#document-send")

    page.wait(_step("selfie"))
    page.screenshot("capture-4-selfie")
    page.click("#selfie-camera")
    page.wait(
        "document.querySelector('#selfie-video').videoWidth > 0 && !document.querySelector('#selfie-start').disabled"
    )
    page.click("#selfie-start")
    page.wait("!document.querySelector('#selfie-arrow').hidden")
    page.screenshot("capture-5-movement")
    assert page.run("document.querySelector('#selfie-cue').textContent").startswith(
        ("Turn your head", "Tilt your head")
    )
    page.wait(_step("working"), seconds=30)

    page.wait(_step("result"), seconds=90)
    page.screenshot("capture-6-result")
    shown = page.run("document.querySelector('[data-step=result]').innerText")
    assert "We could not verify you" in shown
    assert "No face was found" in shown
    assert "Try again" not in shown
    assert page.run("document.activeElement.id") == "result-title"
    assert page.run("document.querySelector('#selfie-video').srcObject") is None
    row = wiring.verifications.get(created.row.id, livemode=False)
    assert (row.status, row.last_error["code"] if row.last_error else None) == ("declined", "selfie_face_not_found")
    assert page.complaints == []


def test_wide_and_dark(url: str, new_page: Callable[[], Any], new_session: Callable[..., CreatedSession]) -> None:
    page = new_page()
    page.open(_address(url, new_session(livemode=True)), width=1280, height=900, dark=True)
    page.wait(_step("consent"))
    page.screenshot("capture-desktop-dark")
    assert "Test mode" not in page.run("document.body.innerText")
    assert page.run("document.documentElement.scrollWidth <= innerWidth")
    assert page.complaints == []


def test_by_keyboard_and_after_a_reload(
    url: str, new_page: Callable[[], Any], new_session: Callable[..., CreatedSession], wiring: Wiring
) -> None:
    created = new_session()
    page = new_page()
    page.open(_address(url, created))
    page.wait(_step("consent"))
    for _ in range(2):
        _press(page, "Tab")
    assert page.run("document.activeElement.id") == "consent-tick"
    _press(page, " ")
    _press(page, "Tab")
    _press(page, "Enter")
    page.wait(_step("document"))
    assert page.run("document.activeElement.id") == "document-title"
    page.command("Page.reload")
    page.wait(_step("document"))
    page.click("#withdraw-button")
    page.wait(_step("consent"))
    assert wiring.verifications.get(created.row.id, livemode=False).consent_at is None


def test_a_blocked_camera_is_explained(
    url: str, new_page: Callable[[], Any], new_session: Callable[..., CreatedSession], wiring: Wiring
) -> None:
    created = new_session()
    wiring.verifications.capture.consent(created.row.id, created.client_secret, granted=True)
    page = new_page()
    page.open(_address(url, created))
    page.wait(_step("document"))
    denied = {"name": "NotAllowedError"}
    page.run(f"navigator.mediaDevices.getUserMedia = () => Promise.reject({json.dumps(denied)})")
    page.click("#document-camera")
    page.wait("document.querySelector('#problem')?.checkVisibility()")
    assert "The camera is blocked" in page.run("document.querySelector('#problem').textContent")
    assert page.run("document.querySelector('#document-ways').checkVisibility()")
    page.screenshot("capture-camera-blocked")


@pytest.mark.parametrize("fragment", ["", "#vscs_" + "0" * 43])
def test_a_wrong_link_says_so(
    url: str, new_page: Callable[[], Any], new_session: Callable[..., CreatedSession], fragment: str
) -> None:
    page = new_page()
    page.open(f"{url}/verify/{new_session().row.id}{fragment}")
    page.wait("document.querySelector('#problem')?.checkVisibility()")
    assert "This link is" in page.run("document.querySelector('#problem').textContent")


def _press(page: Any, key: str) -> None:
    codes = {"Tab": 9, "Enter": 13, " ": 32}
    text = {"Enter": "\r", " ": " "}.get(key, "")
    parameters = {"key": key, "windowsVirtualKeyCode": codes[key], "text": text}
    page.command("Input.dispatchKeyEvent", type="keyDown", **parameters)
    page.command("Input.dispatchKeyEvent", type="keyUp", **parameters)
