"""Verification sessions: a person's consent and pictures come in, the gate examines them, a decision comes out."""
