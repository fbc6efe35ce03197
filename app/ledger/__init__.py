"""The chain outbox: what must be written on chain, recorded in the transaction that caused it and sent exactly once."""
