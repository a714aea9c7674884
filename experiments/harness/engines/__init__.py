"""Rows of the experiment with engines, and the model of what a pass costs on more workers."""
