"""The first start and every later one: keys, database, chain, contracts, issuer and status list, each step
idempotent."""
