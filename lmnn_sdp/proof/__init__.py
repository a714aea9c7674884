"""Proved bounds on the optimum; knows no solver."""
