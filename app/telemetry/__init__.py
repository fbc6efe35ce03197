"""What an operator sees of a running service: structured logs and metrics, neither with personal data."""
