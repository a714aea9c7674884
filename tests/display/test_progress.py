"""Progress in a terminal, a log file and a notebook."""

import fcntl
import io
import os
import pty
import struct
import subprocess
import sys
import termios
import textwrap
from contextlib import contextmanager

import pytest
from tqdm import tqdm

from lmnn_sdp.display.progress import Progress
from lmnn_sdp.solvers.solution import HistoryRow


def row(seconds, gap=0.5):
    return HistoryRow(3, seconds, 2.0, 2.0 * (1 - gap), 10, 5, 2)


def follow(*seconds, **options):
    with Progress(**options) as progress:
        for second in seconds:
            progress(row(second))


class Terminal(io.StringIO):
    def isatty(self):
        return True


class Cell(io.StringIO):
    """Standard error in a notebook: no terminal, and of ipykernel's making."""

    __module__ = "ipykernel.iostream"


@contextmanager
def terminal(monkeypatch, columns, rows):
    """Standard error in a terminal of that size; gives a function that ends it and tells what was written."""
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
    stream = os.fdopen(slave, "w")

    def written():
        print("\0", end="", file=stream, flush=True)  # the kernel hands over in parts
        text = b""
        while not text.endswith(b"\0"):
            text += os.read(master, 2**16)
        return text[:-1].decode().replace("\r\n", "\n")

    monkeypatch.setattr(sys, "stderr", stream)
    yield written
    stream.close()
    os.close(master)


def test_a_log_file_gets_a_line_now_and_then(capsys):
    follow(0.5, 1.5, 2.0, 7.0, 1000.0, 1049.0, 1051.0, name="scs", tol=1e-6)
    text = capsys.readouterr().err
    assert [line.split()[1] for line in text.splitlines()] == ["1.5", "7.0", "1000.0", "1051.0"]
    assert text.startswith("scs:     1.5 s   gap 5.0e-01 (tol 1.0e-06)   objective 2   round 3   working set 10\n")
    assert "\r" not in text


def test_a_log_file_tells_where_a_followed_solve_ended(capsys):
    follow(0.5, 0.9)
    assert capsys.readouterr().err == ""
    follow(1.5, 2.0)
    assert [line.split()[0] for line in capsys.readouterr().err.splitlines()] == ["1.5", "2.0"]


def test_a_terminal_has_one_line_that_ends_even_in_an_error(monkeypatch):
    def fail():
        with Progress() as progress:
            for seconds in (1.5, 2.0, 2.1):
                progress(row(seconds))
            raise RuntimeError

    with terminal(monkeypatch, 100, 30) as written:
        with pytest.raises(RuntimeError):
            fail()
        text = written()
    assert text.count("\n") == 1
    assert text.endswith("working set 10\n")
    assert [float(line.split()[0]) for line in text.split("\r") if line.strip()][-1] == 2.1


@pytest.mark.parametrize("columns", [9, 20, 40, 60, 79, 200])
def test_a_narrow_terminal_drops_whole_parts_and_never_wraps(monkeypatch, columns):
    with terminal(monkeypatch, columns, 30) as written:
        follow(1.5, 3.0, name="s", tol=1e-6)
        lines = written().rstrip("\n").split("\r")
    whole = "s:     3.0 s   gap 5.0e-01 (tol 1.0e-06)   objective 2   round 3   working set 10"
    shown = lines[-1].rstrip()
    assert max(map(len, lines)) < columns
    assert whole.startswith(shown)
    assert columns < 13 or whole[len(shown) :][:3] in ("", "   ")


def test_a_terminal_of_no_size_is_a_log_file(monkeypatch):
    with terminal(monkeypatch, 0, 0) as written:
        follow(1.5, 7.0)
        assert written().count("gap 5.0e-01") == 2


def test_a_notebook_has_one_line_that_is_replaced(monkeypatch):
    monkeypatch.setattr(sys, "stderr", Cell())
    follow(1.5, 9.0)
    text = sys.stderr.getvalue()
    assert text.count("\n") == 1
    assert text.split("\r")[-1].strip() == "9.0 s   gap 5.0e-01   objective 2   round 3   working set 10"


def test_it_keeps_clear_of_the_callers_own_bar(monkeypatch):
    with terminal(monkeypatch, 100, 30) as written:
        with tqdm(total=2, desc="data sets") as bar:
            follow(1.5, 2.0)
            bar.update()
        text = written()
    assert text.index("data sets") < text.index("\n") < text.index("gap 5.0e-01")  # a line of its own below the bar


def test_neither_thread_nor_lock_between_processes_stays_behind():
    code = """
    import io, multiprocessing, sys, threading
    from lmnn_sdp.display.progress import Progress
    from lmnn_sdp.solvers.solution import HistoryRow

    sys.stderr = io.StringIO()
    sys.stderr.isatty = lambda: True
    with Progress() as progress:
        progress(HistoryRow(3, 1.5, 2.0, 1.0, 10, 5, 2))
    assert "gap 5.0e-01" in sys.stderr.getvalue()
    assert threading.active_count() == 1
    multiprocessing.set_start_method("spawn")
    """
    subprocess.run([sys.executable, "-W", "error", "-c", textwrap.dedent(code)], check=True)


@pytest.mark.parametrize("kind", [io.StringIO, Terminal, Cell])
def test_a_stream_that_is_closed_ends_progress_and_not_the_solve(monkeypatch, kind):
    monkeypatch.setattr(sys, "stderr", kind())
    with Progress() as progress:
        progress(row(1.5))
        sys.stderr.close()
        progress(row(9.0))
        progress(row(99.0))
    follow(1.5, 9.0)


@pytest.mark.parametrize("stream", [None, io.StringIO(), Terminal()])
def test_quiet_says_nothing(monkeypatch, stream):
    monkeypatch.setattr(sys, "stderr", stream)
    follow(5.0, quiet=stream is not None)
    assert stream is None or stream.getvalue() == ""
