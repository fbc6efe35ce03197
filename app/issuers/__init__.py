"""The issuer's identities: its keys, its did:ethr and did:web, and the documents that name them."""
