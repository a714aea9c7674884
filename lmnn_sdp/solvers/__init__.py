"""Solvers, what they hand back, and `solve`, the one door to all of them; one method a file."""
