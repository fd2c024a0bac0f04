"""`python tools/export.py` is `tf-edgeconnect export`, straight from a checkout."""

import sys
from pathlib import Path

sys.path[0] = str(Path(__file__).resolve().parents[1])
from tf_edgeconnect.cli.main import main

main(["export", *sys.argv[1:]])
