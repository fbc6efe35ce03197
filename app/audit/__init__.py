"""The hash-chained audit log: nothing succeeds without its row."""
