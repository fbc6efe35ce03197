"""JOSE: compact JWS only (RFC 7515), with the algorithm taken from the key."""

from did.securing.jose.compact import UnverifiedJws, peek_compact, sign_compact, verify_compact

__all__ = ["UnverifiedJws", "peek_compact", "sign_compact", "verify_compact"]
