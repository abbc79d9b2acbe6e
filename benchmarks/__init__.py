"""How fast the practice is, beside how fast it could be: `make bench` measures both in one run."""
