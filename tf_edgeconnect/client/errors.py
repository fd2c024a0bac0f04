"""Kept until the client is a backend."""

from tf_edgeconnect.errors import ServingError as ServingError
