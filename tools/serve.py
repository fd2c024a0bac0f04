"""`python tools/serve.py` is `tf-edgeconnect serve`, straight from a checkout."""

import sys
from pathlib import Path

sys.path[0] = str(Path(__file__).resolve().parents[1])
from tf_edgeconnect.cli.main import main

main(["serve", *sys.argv[1:]])
