"""Model files: a manifest of names, digests and licences, and the store that loads nothing that does not match it."""

from ml.models.store import ModelEntry, ModelStore

__all__ = ["ModelEntry", "ModelStore"]
