"""W3C Data Integrity 1.0 proofs; one module per cryptosuite, one reader for proofs of every suite."""

from did.securing.data_integrity.issue import add_proof
from did.securing.data_integrity.proof import Proof, read_proofs
from did.securing.data_integrity.suites import SUITES
from did.securing.data_integrity.verify import ProofExpectation, verify_proofs

__all__ = ["SUITES", "Proof", "ProofExpectation", "add_proof", "read_proofs", "verify_proofs"]
