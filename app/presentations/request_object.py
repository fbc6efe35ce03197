"""The signed request object (OpenID4VP 1.0 section 5, RFC 9101).

No `iss` (wallets must ignore it, some refuse another one than the DID), `aud` for wallets known statically, the full
`client_id` as the audience of every presentation, `wallet_nonce` only when the wallet sent one.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from app.openid.wire import ProtocolRefusal
from did.keys import Signer
from did.securing.jose import sign_compact

__all__ = ["REQUEST_OBJECT_TYPE", "VP_FORMATS", "read_wallet_nonce", "signed_request"]

REQUEST_OBJECT_TYPE: Final = "oauth-authz-req+jwt"
SELF_ISSUED: Final = "https://self-issued.me/v2"
VP_FORMATS: Final = {
    "dc+sd-jwt": {"sd-jwt_alg_values": ["ES256", "EdDSA"], "kb-jwt_alg_values": ["ES256", "EdDSA"]},
    "ldp_vc": {
        "proof_type_values": ["DataIntegrityProof"],
        "cryptosuite_values": ["eddsa-rdfc-2022", "eddsa-jcs-2022"],
    },
}
_NONCE: Final = re.compile(r"[A-Za-z0-9._~+/=-]{1,512}\Z")


def read_wallet_nonce(form: Mapping[str, str]) -> str | None:
    """The wallet's nonce, if it sent one. Raises ProtocolRefusal."""
    nonce = form.get("wallet_nonce")
    if nonce is not None and not _NONCE.match(nonce):
        raise ProtocolRefusal("invalid_request", "wallet_nonce is empty, too long or has strange characters")
    return nonce


def signed_request(
    *,
    signer: Signer,
    kid: str,
    client_id: str,
    response_uri: str,
    nonce: str,
    state: str,
    query: Mapping[str, Any],
    issued_at: datetime,
    expires_at: datetime,
    wallet_nonce: str | None,
) -> str:
    """The request as a compact JWS whose key is found under `kid` in the DID document of `client_id`."""
    payload: dict[str, Any] = {
        "client_id": client_id,
        "aud": SELF_ISSUED,
        "iat": int(issued_at.timestamp()),
        "exp": int(expires_at.timestamp()),
        "response_type": "vp_token",
        "response_mode": "direct_post",
        "response_uri": response_uri,
        "nonce": nonce,
        "state": state,
        "dcql_query": dict(query),
        "client_metadata": {"vp_formats_supported": VP_FORMATS},
    }
    if wallet_nonce is not None:
        payload["wallet_nonce"] = wallet_nonce
    return sign_compact({"typ": REQUEST_OBJECT_TYPE, "kid": kid}, payload, signer)
