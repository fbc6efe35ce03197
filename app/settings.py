"""Every setting of the service, with a default that is safe on a developer's machine.

Settings come from `ASSAY_*` variables, then from the TOML file that `ASSAY_CONFIG` names, then from the defaults. The
danger that shaped this file: a service that is reachable or permissive by accident. It listens on loopback, keeps its
secrets in files inside the data directory (never in the environment), and speaks plain http to loopback only.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from pydantic import Field, field_validator, model_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict, TomlConfigSettingsSource

__all__ = ["LOOPBACK_HOSTS", "Settings"]

LOOPBACK_HOSTS = frozenset({"127.0.0.1", "localhost", "::1"})


class Settings(BaseSettings):
    """Settings of one deployment; `assay doctor` explains how to mend a wrong one."""

    model_config = SettingsConfigDict(env_prefix="ASSAY_", extra="forbid", frozen=True)

    data_dir: Path = Field(
        default=Path("assay-data"), description="Keys, database, chain and blobs; created with mode 0700."
    )
    host: str = Field(default="127.0.0.1", description="Address the API listens on.")
    port: int = Field(default=8420, ge=1, le=65535, description="Port the API listens on.")
    public_url: str | None = Field(
        default=None, description="Base URL that wallets and browsers use; https unless loopback."
    )
    database_url: str | None = Field(
        default=None, description="SQLAlchemy URL; unset means SQLite in the data directory."
    )
    chain_url: str | None = Field(
        default=None, description="JSON-RPC URL of an EVM chain; unset means the in-process chain."
    )
    chain_id: int = Field(default=1337, ge=1, description="Expected chain id; another answer from chain_url is fatal.")
    chain_port: int = Field(
        default=8421, ge=1, le=65535, description="Loopback port for the in-process chain's JSON-RPC."
    )
    issuer_method: Literal["ethr", "web"] = Field(default="ethr", description="DID method of the default issuer.")
    credential_validity_days: int = Field(default=365, ge=1, le=3650)
    offer_ttl_s: int = Field(default=600, ge=30, le=86400, description="Seconds until a credential offer expires.")
    presentation_ttl_s: int = Field(
        default=600, ge=30, le=86400, description="Seconds until a presentation request expires."
    )
    session_ttl_s: int = Field(
        default=3600, ge=60, le=86400, description="Seconds until a verification session expires."
    )
    challenge_ttl_s: int = Field(default=120, ge=10, le=600, description="Seconds until a liveness challenge expires.")
    max_attempts: int = Field(
        default=3, ge=1, le=10, description="Captures a person may submit per verification session."
    )
    max_upload_bytes: int = Field(default=12_000_000, ge=100_000, description="Largest single upload.")
    chain_confirmations: int = Field(
        default=1, ge=1, le=64, description="Blocks until a transaction counts as final here."
    )
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    log_json: bool = Field(default=True, description="False prints log lines for people.")

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Take keyword arguments first, then the environment, then the TOML file that `ASSAY_CONFIG` names."""
        sources: list[PydanticBaseSettingsSource] = [init_settings, env_settings]
        config = os.environ.get("ASSAY_CONFIG")
        if config:
            sources.append(TomlConfigSettingsSource(settings_cls, toml_file=Path(config)))
        return tuple(sources)

    @field_validator("public_url", "chain_url")
    @classmethod
    def _refuse_unsafe_url(cls, url: str | None) -> str | None:
        if url is None:
            return None
        parts = urlsplit(url)
        if (
            parts.scheme not in {"http", "https"}
            or not parts.hostname
            or parts.username
            or parts.query
            or parts.fragment
        ):
            raise ValueError("must be an http or https URL without credentials, query or fragment")
        if parts.scheme == "http" and parts.hostname not in LOOPBACK_HOSTS:
            raise ValueError("must be https: plain http is for loopback only")
        return url.rstrip("/")

    @model_validator(mode="after")
    def _refuse_hidden_exposure(self) -> Settings:
        if self.host not in LOOPBACK_HOSTS and self.public_url is None:
            raise ValueError(
                "public_url must be set when host is not a loopback address: wallets compare it byte for byte"
            )
        return self

    @property
    def base_url(self) -> str:
        """The public base URL, without a trailing slash."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return self.public_url or f"http://{host}:{self.port}"

    @property
    def loopback(self) -> bool:
        """Whether the public URL is plain http on loopback, where development rules hold."""
        return self.base_url.startswith("http://")

    @property
    def resolved_database_url(self) -> str:
        """The SQLAlchemy URL in force."""
        return self.database_url or f"sqlite:///{self.data_dir.resolve() / 'assay.sqlite3'}"

    @property
    def keys_dir(self) -> Path:
        """Folder of the private keys, mode 0700, one file a key with mode 0600."""
        return self.data_dir / "keys"
