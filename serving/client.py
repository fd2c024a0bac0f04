"""Fills photos through a server: a thin entry to `tf_edgeconnect.client`."""

import sys
from pathlib import Path

sys.path[0] = str(Path(__file__).resolve().parents[1])
from tf_edgeconnect.cli.startup import import_quietly
from tf_edgeconnect.client.command import main

sys.exit(main(before_grpc=import_quietly))
