"""Checks photos, masks, pairing, settings and runs before hours are spent on them.

What a user is about to train on, evaluate or resume enters; findings leave, each one
line that says how bad it is and what to do. One module a family of checks; `training`,
`pairs` and `runs` put them together.
"""

from tf_edgeconnect.doctor.findings import Checkup, Finding
from tf_edgeconnect.doctor.pairs import check_pairs
from tf_edgeconnect.doctor.runs import check_run
from tf_edgeconnect.doctor.training import check_training

__all__ = ["Checkup", "Finding", "check_pairs", "check_run", "check_training"]
