"""Asking for credentials and presenting them: DCQL, the holder's half, OpenID4VCI key proofs."""
