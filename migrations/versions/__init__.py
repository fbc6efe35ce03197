"""One module per revision, in the order that `down_revision` tells."""
