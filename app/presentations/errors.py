"""Errors of the /v1 half of this room; the OpenID4VP half answers with OAuth error objects."""

from __future__ import annotations

from app.errors import NotFound, ServiceError

__all__ = ["InvalidPresentationRequest", "PresentationRequestNotFound"]


class PresentationRequestNotFound(NotFound):
    """No such presentation request for this caller."""

    code = "presentation_request_not_found"


class InvalidPresentationRequest(ServiceError):
    """The request asks for something that this verifier does not ask of a holder."""

    code = "invalid_presentation_request"
