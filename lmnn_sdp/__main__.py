"""``python -m lmnn_sdp`` is the command line ``lmnn-sdp``."""

from lmnn_sdp.cli import main

main(prog_name="python -m lmnn_sdp")
