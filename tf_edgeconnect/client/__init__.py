"""A client of a served export: arrays, files and folders over gRPC or REST."""

from tf_edgeconnect.client.client import Client
from tf_edgeconnect.client.errors import ServingError

__all__ = ["Client", "ServingError"]
