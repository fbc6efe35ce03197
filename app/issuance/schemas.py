"""Bodies of the /v1 endpoints of this room."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from app.issuance.service import Offer
from app.openid.wire import rfc3339

__all__ = ["CreateOffer", "offer_json"]


class CreateOffer(BaseModel):
    """What an operator asks for. Each configuration may be claimed once, by one wallet key."""

    model_config = ConfigDict(extra="forbid")

    verification_session: str = Field(min_length=1, max_length=40, description="An approved verification session.")
    configurations: list[str] = Field(min_length=1, max_length=8, description="Ids of credential configurations.")
    tx_code: bool = Field(default=True, strict=True, description="Ask the wallet for a code that is sent another way.")


def offer_json(offer: Offer) -> dict[str, Any]:
    """The offer as its creator sees it; `tx_code` is there once, in the answer that created it."""
    body: dict[str, Any] = {
        "object": "credential_offer",
        "id": offer.id,
        "state": offer.state,
        "livemode": offer.livemode,
        "verification_session": offer.verification_session,
        "configurations": list(offer.configurations),
        "tx_code_required": offer.tx_code_required,
        "created_at": rfc3339(offer.created_at),
        "expires_at": rfc3339(offer.expires_at),
        "credentials": [
            {
                "configuration": item.configuration,
                "credential": item.credential_id,
                "issued_at": rfc3339(item.issued_at),
                "wallet_event": item.notified,
            }
            for item in offer.issued
        ],
        "close_reason": offer.close_reason,
    }
    if offer.link is not None:
        body |= {
            "credential_offer": offer.link,
            "credential_offer_uri": offer.uri,
            "page_url": offer.page_url,
        }
    if offer.tx_code is not None:
        body["tx_code"] = offer.tx_code
    return body
