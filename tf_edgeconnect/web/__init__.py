"""The servers of `edit` and `serve`, for this machine: no TLS, no accounts.

Each is an ASGI application that uvicorn runs: the editor's page, and TF Serving's REST
API for development, with gRPC beside it.
"""
