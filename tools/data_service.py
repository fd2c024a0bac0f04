"""`python tools/data_service.py` is `tf-edgeconnect data-service` from a checkout."""

import sys
from pathlib import Path

sys.path[0] = str(Path(__file__).resolve().parents[1])
from tf_edgeconnect.cli.main import main

main(["data-service", *sys.argv[1:]])
