"""The API's own rules: who may do what, how much of it, and how often."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from starlette.testclient import TestClient

from app.verifications.intake import MAX_FRAMES
from app.wiring import Wiring
from ml.gate import Frame

JPEG = bytes.fromhex("ffd8ffe000104a46494600010100000100010000ffc0000b080010001001011100ffd9")
PNG_BOMB = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR" + (50_000).to_bytes(4) * 2 + b"\x08\x02\x00\x00\x00" + b"\x00" * 4
PNG_END = b"\x00\x00\x00\x00IEND\xaeB`\x82"

NewPerson = Callable[..., Any]


def _frames(count: int, *, salt: bytes = b"") -> list[Frame]:
    return [Frame(JPEG + salt + bytes([index]), index * 100) for index in range(count)]


def _assert_problem(answer: Any, status: int, code: str) -> None:
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text
    assert answer.headers["content-type"] == "application/problem+json"


def test_a_new_session_says_what_it_needs(new_person: NewPerson) -> None:
    created = new_person(reference="order-17").created
    assert created["status"] == "requires_input"
    assert created["requirements"] == ["consent", "document", "selfie"]
    assert (created["livemode"], created["reference"]) == (False, "order-17")
    assert created["url"].endswith(f"/verify/{created['id']}#{created['client_secret']}")
    assert new_person(livemode=True).created["livemode"] is True


def test_the_client_secret_is_shown_once(new_person: NewPerson) -> None:
    person = new_person()
    read = person.read().text + person.client.get("/v1/verification_sessions", headers=person.operator).text
    assert person.created["client_secret"] not in read


def test_the_list_has_pages_and_filters(new_person: NewPerson) -> None:
    people = [new_person() for _ in range(3)]
    client, headers = people[0].client, people[0].operator
    first = client.get("/v1/verification_sessions", params={"limit": 2}, headers=headers).json()
    assert [session["id"] for session in first["data"]] == [people[2].id, people[1].id]
    assert first["has_more"] is True
    after = {"limit": 1, "starting_after": first["next_cursor"]}
    second = client.get("/v1/verification_sessions", params=after, headers=headers).json()
    assert second["data"][0]["id"] == people[0].id
    people[0].client.post(f"/v1/verification_sessions/{people[0].id}/cancel", headers=headers)
    canceled = client.get("/v1/verification_sessions", params={"status": "canceled"}, headers=headers).json()
    assert people[0].id in [session["id"] for session in canceled["data"]]
    assert people[1].id not in [session["id"] for session in canceled["data"]]


@pytest.mark.threat(82)
def test_a_key_of_the_other_mode_finds_nothing(new_person: NewPerson) -> None:
    test, live = new_person(), new_person(livemode=True)
    for part in ("", "/report"):
        _assert_problem(
            test.client.get(f"/v1/verification_sessions/{live.id}{part}", headers=test.operator),
            404,
            "session_not_found",
        )
    cancel = test.client.post(f"/v1/verification_sessions/{test.id}/cancel", headers=live.operator)
    _assert_problem(cancel, 404, "session_not_found")
    listed = test.client.get("/v1/verification_sessions?limit=100", headers=test.operator).json()
    assert live.id not in [session["id"] for session in listed["data"]]


@pytest.mark.threat(81)
@pytest.mark.parametrize("verb", ["consent", "challenge", "document", "selfie", "submit"])
def test_a_foreign_client_secret_finds_nothing(new_person: NewPerson, verb: str) -> None:
    mine, theirs = new_person(), new_person()
    body: dict[str, Any] = {"json": {"granted": True}} if verb == "consent" else {}
    if verb in {"document", "selfie"}:
        body = {"files": {"image": ("x.jpg", JPEG)}}
    answer = mine.client.post(f"/v1/verification_sessions/{theirs.id}/{verb}", headers=mine.headers, **body)
    _assert_problem(answer, 404, "session_not_found")
    with_api_key = mine.client.post(f"/v1/verification_sessions/{mine.id}/{verb}", headers=mine.operator, **body)
    _assert_problem(with_api_key, 404, "session_not_found")
    _assert_problem(mine.client.post(f"/v1/verification_sessions/{mine.id}/{verb}", **body), 401, "unauthorized")


def test_a_client_secret_opens_nothing_of_the_operators(new_person: NewPerson) -> None:
    person = new_person()
    for part in ("", "/report"):
        answer = person.client.get(f"/v1/verification_sessions/{person.id}{part}", headers=person.headers)
        _assert_problem(answer, 401, "unauthorized")


def test_without_consent_nothing_is_taken(new_person: NewPerson) -> None:
    person = new_person()
    _assert_problem(person.post("challenge"), 409, "consent_required")
    _assert_problem(person.send_document(JPEG), 409, "consent_required")
    _assert_problem(person.send_selfie("n" * 32, _frames(3)), 409, "consent_required")
    _assert_problem(person.post("consent", json={"granted": "yes"}), 400, "invalid_request")
    assert person.read().json()["consent"] is None


def test_a_nonce_answers_once(consented: Any) -> None:
    nonce = consented.challenge().nonce
    assert consented.send_selfie(nonce, _frames(3)).status_code == 200
    assert consented.send_selfie(nonce, _frames(3)).status_code == 200
    _assert_problem(consented.send_selfie(nonce, _frames(3, salt=b"!")), 409, "challenge_used")
    _assert_problem(consented.send_selfie("a" * 32, _frames(3)), 409, "challenge_unknown")


@pytest.mark.threat(66)
def test_a_recording_uploaded_at_once_is_refused_in_live_mode(new_person: NewPerson) -> None:
    person = new_person(livemode=True)
    person.consent()
    nonce = person.challenge().nonce
    _assert_problem(person.send_selfie(nonce, _frames(30)), 409, "upload_too_early")
    _assert_problem(person.send_selfie(nonce, _frames(30)), 409, "challenge_used")


def test_an_incomplete_capture_is_not_submitted(consented: Any) -> None:
    _assert_problem(consented.post("submit"), 409, "capture_incomplete")


@pytest.mark.threat(5)
def test_uploads_are_bounded(consented: Any, wiring: Wiring) -> None:
    nonce = consented.challenge().nonce
    _assert_problem(consented.send_selfie(nonce, _frames(MAX_FRAMES + 1)), 413, "too_many_frames")
    big = JPEG + b"\x00" * wiring.settings.max_upload_bytes
    _assert_problem(consented.send_document(big), 413, "body_too_large")
    half = JPEG + b"\x00" * (wiring.settings.max_upload_bytes // 2)
    _assert_problem(consented.send_selfie(nonce, [Frame(half, 0), Frame(half + b"1", 1)]), 413, "body_too_large")
    assert consented.send_selfie(nonce, _frames(MAX_FRAMES)).status_code == 200


@pytest.mark.threat(5)
def test_a_body_without_end_is_cut_off(consented: Any, wiring: Wiring) -> None:
    def endless() -> Any:
        yield b'--x\r\nContent-Disposition: form-data; name="image"; filename="a"\r\n\r\n'
        for _ in range(2 * wiring.settings.max_upload_bytes // 65536):
            yield b"\x00" * 65536

    headers = consented.headers | {"Content-Type": "multipart/form-data; boundary=x"}
    path = f"/v1/verification_sessions/{consented.id}/document"
    _assert_problem(consented.client.post(path, content=endless(), headers=headers), 413, "body_too_large")


@pytest.mark.threat(63)
@pytest.mark.threat(64)
@pytest.mark.parametrize(
    ("image", "status", "code"),
    [
        (b"GIF89a" + b"\x00" * 40, 415, "unsupported_media"),
        (b"%PDF-1.7 not a picture", 415, "unsupported_media"),
        (JPEG[:20], 400, "undecodable_image"),
        (PNG_BOMB + PNG_END, 413, "image_too_large"),
        (b"", 415, "unsupported_media"),
    ],
)
def test_what_is_no_picture_is_refused_at_the_door(consented: Any, image: bytes, status: int, code: str) -> None:
    _assert_problem(consented.send_document(image), status, code)
    assert consented.read().json()["requirements"] == ["document", "selfie"]


@pytest.mark.parametrize(
    ("timestamps", "pointer"),
    [
        ("[0, 1]", "/timestamps"),
        ("[0, 1, 2.5]", "/timestamps"),
        ("[0, 1, true]", "/timestamps"),
        ("[0, 1, -1]", "/timestamps"),
        ("[0, 1, 60001]", "/timestamps"),
        ('{"0": 1}', "/timestamps"),
        ("[" * 4000, "/timestamps"),
        ("NaN", "/timestamps"),
        ("", "/timestamps"),
    ],
)
def test_timestamps_are_checked(consented: Any, timestamps: str, pointer: str) -> None:
    files = [("frames", ("f.jpg", frame.image)) for frame in _frames(3)]
    answer = consented.post("selfie", files=files, data={"nonce": "n" * 32, "timestamps": timestamps})
    _assert_problem(answer, 400, "malformed_upload")
    assert answer.json()["errors"][0]["pointer"] == pointer


@pytest.mark.parametrize(
    "content_type", ["application/json", "multipart/form-data", "multipart/form-data; boundary=" + "x" * 500]
)
def test_a_body_that_is_not_multipart_is_refused(consented: Any, content_type: str) -> None:
    headers = consented.headers | {"Content-Type": content_type}
    answer = consented.client.post(f"/v1/verification_sessions/{consented.id}/document", content=b"{}", headers=headers)
    _assert_problem(answer, 400, "malformed_upload")


def test_the_body_of_a_stranger_is_not_even_read(new_person: NewPerson) -> None:
    person = new_person()
    read = 0

    def body() -> Any:
        nonlocal read
        for _ in range(100):
            read += 1
            yield b"\x00" * 65536

    headers = {"Authorization": "Bearer vscs_" + "0" * 43, "Content-Type": "multipart/form-data; boundary=x"}
    path = f"/v1/verification_sessions/{person.id}/document"
    _assert_problem(person.client.post(path, content=body(), headers=headers), 404, "session_not_found")


def test_unknown_fields_and_odd_references_are_refused(client: TestClient, keys: dict[bool, str]) -> None:
    headers = {"Authorization": f"Bearer {keys[False]}"}
    for body in ({"livemode": True}, {"reference": "Anna Maria Eriksson"}, {"max_attempts": 0}, {"reference": ""}):
        _assert_problem(client.post("/v1/verification_sessions", json=body, headers=headers), 400, "invalid_request")


def test_the_person_sees_public_words_alone(consented: Any) -> None:
    status = consented.client.get(f"/v1/verification_sessions/{consented.id}/status", headers=consented.headers).json()
    assert set(status) == {"id", "livemode", "status", "requirements", "attempts_left", "expires_at", "last_error"}


def test_a_canceled_session_stays_canceled(new_person: NewPerson) -> None:
    person = new_person()
    path = f"/v1/verification_sessions/{person.id}/cancel"
    assert [person.client.post(path, headers=person.operator).json()["status"] for _ in range(2)] == ["canceled"] * 2
    _assert_problem(person.post("consent", json={"granted": True}), 409, "session_state")


def test_the_page_carries_a_strict_policy_and_nothing_inline(new_person: NewPerson) -> None:
    test, live = new_person(), new_person(livemode=True)
    page = test.client.get(f"/verify/{test.id}")
    assert page.status_code == 200
    policy = page.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert page.headers["permissions-policy"].startswith("camera=(self)")
    for inline in ("<style", "style=", " onclick", "javascript:", "<script>"):
        assert inline not in page.text
    assert test.created["client_secret"] not in page.text
    assert "Test mode" in page.text
    assert "Test mode" not in live.client.get(f"/verify/{live.id}").text
    missing = test.client.get("/verify/vs_unknown")
    assert (missing.status_code, missing.headers["content-type"]) == (404, "text/html; charset=utf-8")


def test_static_files_are_served(client: TestClient) -> None:
    for path in ("style.css", "mark.svg", "verify/main.js", "verify/verify.css"):
        assert client.get(f"/static/{path}").status_code == 200


def test_the_address_book_of_the_api_can_be_built(client: TestClient) -> None:
    document = client.get("/openapi.json").json()
    assert "/v1/verification_sessions/{session_id}/selfie" in document["paths"]
    assert json.dumps(document).count("client_secret") >= 1
