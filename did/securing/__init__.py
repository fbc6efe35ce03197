"""How a document is secured: Data Integrity proofs, JOSE, SD-JWT; one folder each."""
