"""`python tools/batch.py` is `tf-edgeconnect batch`, straight from a checkout."""

import sys
from pathlib import Path

sys.path[0] = str(Path(__file__).resolve().parents[1])
from tf_edgeconnect.cli.main import main

main(["batch", *sys.argv[1:]])
