"""A wallet for the terminal. It knows the service by HTTP alone: nothing here imports another room of the service."""
