"""The command line, as ``lmnn-sdp`` and as ``python -m lmnn_sdp``: quiet about Ctrl-C from its first moment."""

import os
import signal
import sys


def main() -> None:
    """Run the command line. While it is imported, Ctrl-C ends the process, since nothing has begun yet."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, _end)
    from lmnn_sdp.cli.main import main as command_line

    if signal.getsignal(signal.SIGINT) is _end:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    command_line()


def _end(*_: object) -> None:
    """Say and exit with what an interrupted command says and exits with, see `lmnn_sdp.cli.exits`."""
    sys.stderr.write("Interrupted.\n")
    os._exit(130)


if __name__ == "__main__":
    main()
