"""The Assay service: what a request, a command or a worker does, on top of the did, ml and contracts libraries."""
