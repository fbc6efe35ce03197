"""What was issued: credentials, their place in a status list, and the verbs that revoke, suspend and reinstate."""
