"""The trainers of the four stages, and the run that wires them to data and disk."""
