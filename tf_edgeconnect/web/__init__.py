"""What `edit` and `serve` answer over HTTP and gRPC, on this machine.

One ASGI application each, which uvicorn runs: the editor's page, and TF Serving's REST
API for development. There is no TLS and nobody logs in.
"""
