"""Compiled contracts, written by `contracts/tools/compile_artifacts.py`; a package so that they are installed."""
