"""Credentials as data: the W3C data model, its pinned contexts, and the canonical forms that are signed."""
