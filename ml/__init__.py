"""Evidence in, findings out: the ML gate. It has no database and no HTTP, and imports no other room."""
