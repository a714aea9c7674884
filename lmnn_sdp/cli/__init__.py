"""The command line ``lmnn-sdp``."""

from lmnn_sdp.cli.commands import cli, main

__all__ = ["cli", "main"]
