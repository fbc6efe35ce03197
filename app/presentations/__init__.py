"""Asking holders for credentials and judging what they show: OpenID4VP 1.0 with DCQL, and stateless verification."""
