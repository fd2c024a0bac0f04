"""A local development server with the interface of TF Serving.

An exported SavedModel enters; its signatures answer over gRPC and REST, as TF Serving
would answer them. For production run TF Serving itself, see serving/README.md.
"""
