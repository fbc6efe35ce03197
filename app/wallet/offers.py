"""Reading a credential offer and the metadata it leads to (OpenID4VCI 1.0 sections 4 and 12.2, RFC 8414).

The danger: an offer is a stranger's QR code and is never signed. What ties it to an issuer is the metadata that this
issuer serves, whose `credential_issuer` must be the offer's byte for byte (EUDI #213).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlunsplit

from app.wallet.errors import InvalidLink, OfferRefused
from app.wallet.links import link_parameters, split_url
from app.wallet.web import WalletWeb
from did.errors import KernelError
from did.strict_json import parse_object

__all__ = ["PRE_AUTHORIZED_GRANT", "Issuer", "Offer", "read_issuer", "read_offer"]

PRE_AUTHORIZED_GRANT: Final = "urn:ietf:params:oauth:grant-type:pre-authorized_code"
MAX_CONFIGURATIONS: Final = 16


@dataclass(frozen=True)
class Offer:
    """An offer as the wallet understood it. `tx_code` describes the code that is wanted, None if none is."""

    uri: str
    credential_issuer: str
    configurations: tuple[str, ...]
    code: str
    tx_code: Mapping[str, Any] | None


@dataclass(frozen=True)
class Issuer:
    """The parts of the metadata that the flow needs."""

    identifier: str
    token_endpoint: str
    credential_endpoint: str
    nonce_endpoint: str
    notification_endpoint: str | None
    configurations: Mapping[str, Any]


def read_offer(web: WalletWeb, link: str) -> Offer:
    """Read a credential offer from its deep link, or from its https address. Raises InvalidLink, OfferRefused."""
    offer = _offer_object(web, link)
    issuer, names = offer.get("credential_issuer"), offer.get("credential_configuration_ids")
    grants = offer.get("grants")
    grant = grants.get(PRE_AUTHORIZED_GRANT) if isinstance(grants, dict) else None
    if not isinstance(issuer, str) or not isinstance(names, list) or not 0 < len(names) <= MAX_CONFIGURATIONS:
        raise OfferRefused("the offer names no issuer or no credentials")
    if not all(isinstance(name, str) for name in names) or len(set(names)) != len(names):
        raise OfferRefused("the offer's credentials are not distinct names")
    if not isinstance(grant, dict) or not isinstance(grant.get("pre-authorized_code"), str):
        raise OfferRefused("the offer has no pre-authorized code; this wallet knows no other way")
    tx_code = grant.get("tx_code")
    if tx_code is not None and not isinstance(tx_code, dict):
        raise OfferRefused("the offer's tx_code is not an object")
    return Offer(link, issuer, tuple(names), grant["pre-authorized_code"], tx_code)


def _offer_object(web: WalletWeb, link: str) -> dict[str, Any]:
    parts = split_url(link)
    if parts.scheme in ("https", "http"):
        return _fetched(web, link, "the offer")
    if parts.scheme != "openid-credential-offer":
        raise InvalidLink("an offer begins with openid-credential-offer://")
    query = link_parameters(parts.query)
    by_value, by_reference = query.get("credential_offer", []), query.get("credential_offer_uri", [])
    if len(by_value) + len(by_reference) != 1:
        raise InvalidLink("an offer has exactly one of credential_offer and credential_offer_uri")
    if by_reference:
        return _fetched(web, by_reference[0], "the offer")
    try:
        return parse_object(by_value[0], max_bytes=65_536)
    except KernelError as error:
        raise InvalidLink(f"the offer is not JSON: {error.code}") from error


def read_issuer(web: WalletWeb, identifier: str) -> Issuer:
    """The metadata of an issuer and of its authorization server. Raises OfferRefused."""
    metadata = _fetched(web, _well_known(identifier, "openid-credential-issuer"), "the issuer's metadata")
    if metadata.get("credential_issuer") != identifier:
        raise OfferRefused("the metadata is of another issuer than the offer names")
    servers = metadata.get("authorization_servers", [identifier])
    if not isinstance(servers, list) or not servers or not isinstance(servers[0], str):
        raise OfferRefused("the metadata's authorization servers cannot be read")
    server = _fetched(web, _well_known(servers[0], "oauth-authorization-server"), "the authorization server's metadata")
    if server.get("issuer") != servers[0]:
        raise OfferRefused("the metadata is of another authorization server than the issuer names")
    found = {
        "token_endpoint": server.get("token_endpoint"),
        "credential_endpoint": metadata.get("credential_endpoint"),
        "nonce_endpoint": metadata.get("nonce_endpoint"),
    }
    missing = [name for name, value in found.items() if not isinstance(value, str)]
    configurations = metadata.get("credential_configurations_supported")
    if missing or not isinstance(configurations, dict):
        raise OfferRefused(f"the metadata lacks {', '.join(missing) or 'credential configurations'}")
    notification = metadata.get("notification_endpoint")
    return Issuer(
        identifier=identifier,
        token_endpoint=str(found["token_endpoint"]),
        credential_endpoint=str(found["credential_endpoint"]),
        nonce_endpoint=str(found["nonce_endpoint"]),
        notification_endpoint=notification if isinstance(notification, str) else None,
        configurations=configurations,
    )


def _well_known(identifier: str, name: str) -> str:
    """The address of a well-known document: inserted between host and path."""
    parts = split_url(identifier)
    path = f"/.well-known/{name}{parts.path.rstrip('/')}"
    return urlunsplit((parts.scheme, parts.netloc, path, "", ""))


def _fetched(web: WalletWeb, url: str, what: str) -> dict[str, Any]:
    answer = web.get(url)
    if answer.status != 200:
        raise OfferRefused(f"{what} could not be read: {answer.problem()}")
    return answer.json()
