"""The parts of verification: what is asked (`policy`), the checks every format shares, and one module per format."""
