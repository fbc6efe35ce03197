"""Handing credentials to wallets: offers for operators, OpenID4VCI 1.0 (pre-authorized code) for wallets."""
