"""What runs the networks: one module a runtime, each with one `Backend`."""
