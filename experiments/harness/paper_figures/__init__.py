"""Figures of Weinberger & Saul (2009) made again, a file each."""
