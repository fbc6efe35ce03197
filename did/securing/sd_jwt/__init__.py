"""SD-JWT (RFC 9901) and the SD-JWT VC profile of it: issuing, presenting, verifying."""

from did.securing.sd_jwt.disclosure import Disclosure, hash_for
from did.securing.sd_jwt.issue import NEVER_DISCLOSABLE, issue
from did.securing.sd_jwt.key_binding import KeyBinding, verify_key_binding
from did.securing.sd_jwt.parse import UnverifiedSdJwt, parse
from did.securing.sd_jwt.process import Processed, process

__all__ = [
    "NEVER_DISCLOSABLE",
    "Disclosure",
    "KeyBinding",
    "Processed",
    "UnverifiedSdJwt",
    "hash_for",
    "issue",
    "parse",
    "process",
    "verify_key_binding",
]
