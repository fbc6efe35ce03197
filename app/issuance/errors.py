"""Errors of the /v1 half of this room; the OpenID4VCI half answers with the codes of that specification."""

from __future__ import annotations

from app.errors import Conflict, NotFound, ServiceError

__all__ = ["OfferClosed", "OfferNotFound", "UnknownConfiguration"]


class OfferNotFound(NotFound):
    """No such offer for this caller."""

    code = "offer_not_found"


class OfferClosed(Conflict):
    """The offer was spent, has expired or was canceled."""

    code = "offer_closed"


class UnknownConfiguration(ServiceError):
    """No credential configuration of that name, or the same one twice."""

    code = "unknown_configuration"
