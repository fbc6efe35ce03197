"""Hostile pictures become bounded arrays of pixels: decoding happens in a child process (threats 63 and 64)."""
