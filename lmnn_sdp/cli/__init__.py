"""The command line ``lmnn-sdp``."""

from lmnn_sdp.cli.main import main

__all__ = ["main"]
