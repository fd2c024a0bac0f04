"""`python tools/records.py` is `tf-edgeconnect records`, straight from a checkout."""

import sys
from pathlib import Path

sys.path[0] = str(Path(__file__).resolve().parents[1])
from tf_edgeconnect.cli.main import main

main(["records", *sys.argv[1:]])
