"""Liveness: the active challenge, the track that answers it, and signs of injected pictures."""
