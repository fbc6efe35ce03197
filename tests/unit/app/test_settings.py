"""Settings: safe by default, and exposure must be said out loud."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from pydantic import ValidationError

from app.settings import Settings


@pytest.fixture(autouse=True)
def _without_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("ASSAY_")]:
        monkeypatch.delenv(name)


def test_the_defaults_stay_on_loopback_and_on_embedded_parts() -> None:
    settings = Settings()
    assert settings.base_url == "http://127.0.0.1:8420"
    assert settings.chain_url is None
    assert settings.resolved_database_url.startswith("sqlite:///")


def test_a_public_address_demands_a_public_url() -> None:
    with pytest.raises(ValidationError, match="public_url must be set"):
        Settings(host="0.0.0.0")


@pytest.mark.parametrize(
    "url",
    ["http://id.example.org", "ftp://127.0.0.1", "https://user:pass@id.example.org", "https://id.example.org?x=1"],
)
@pytest.mark.parametrize("field", ["public_url", "chain_url"])
def test_an_unsafe_url_is_refused(field: str, url: str) -> None:
    with pytest.raises(ValidationError):
        Settings(**{field: url})


def test_an_unknown_setting_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = tmp_path / "assay.toml"
    config.write_text('port = 9000\nspelling_mistake = "x"\n')
    monkeypatch.setenv("ASSAY_CONFIG", str(config))
    with pytest.raises(ValidationError, match="spelling_mistake"):
        Settings()


def test_the_environment_wins_over_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = tmp_path / "assay.toml"
    config.write_text("port = 9000\noffer_ttl_s = 60\n")
    monkeypatch.setenv("ASSAY_CONFIG", str(config))
    monkeypatch.setenv("ASSAY_PORT", "9100")
    settings = Settings()
    assert (settings.port, settings.offer_ttl_s) == (9100, 60)


def test_an_ipv6_loopback_gives_a_url_that_can_be_used() -> None:
    assert Settings(host="::1").base_url == "http://[::1]:8420"
