"""Progress in a terminal, a log file and a notebook."""

import io
import sys
from types import SimpleNamespace

import pytest

from lmnn_sdp.display.progress import Progress
from lmnn_sdp.solvers.solution import HistoryRow


def row(seconds, gap=0.5):
    return HistoryRow(3, seconds, 2.0, 2.0 * (1 - gap), 10, 5, 2)


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_a_log_file_gets_a_line_now_and_then(capsys):
    with Progress("scs", tol=1e-6) as progress:
        for seconds in (0.5, 1.5, 2.0, 7.0):
            progress(row(seconds))
    lines = capsys.readouterr().err.splitlines()
    assert [line.split()[1] for line in lines] == ["1.5", "7.0"]
    assert "gap 5.0e-01 (tol 1.0e-06)" in lines[0]


def test_a_terminal_has_one_line_that_ends_even_in_an_error(monkeypatch):
    monkeypatch.setattr(sys, "stderr", Terminal())

    def fail():
        with Progress() as progress:
            for seconds in (1.5, 2.0, 2.05):
                progress(row(seconds))
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    text = sys.stderr.getvalue()
    assert text.count("\n") == 1
    assert text.endswith("\n")
    assert all(len(part) <= 81 for part in text.split("\r"))


def test_a_notebook_has_one_output_that_is_replaced(monkeypatch):
    shown = []
    handle = SimpleNamespace(update=lambda bundle, raw: shown.append(bundle["text/plain"]))

    def display(bundle, raw, display_id):
        shown.append(bundle["text/plain"])
        return handle

    shell = SimpleNamespace(kernel=object())
    stub = SimpleNamespace(get_ipython=lambda: shell, display=SimpleNamespace(display=display))
    monkeypatch.setitem(sys.modules, "IPython", stub)
    with Progress() as progress:
        progress(row(1.5))
        progress(row(9.0, 0.25))
    assert len(shown) == 2
    assert "gap 2.5e-01" in shown[-1]


def test_a_stream_that_fails_ends_progress_and_not_the_solve(monkeypatch):
    stream = io.StringIO()
    stream.close()
    monkeypatch.setattr(sys, "stderr", SimpleNamespace(isatty=lambda: False, write=stream.write, flush=stream.flush))
    with Progress() as progress:
        progress(row(1.5))
        progress(row(9.0))


@pytest.mark.parametrize("stream", [None, Terminal()])
def test_quiet_says_nothing(monkeypatch, stream):
    monkeypatch.setattr(sys, "stderr", stream)
    with Progress(quiet=stream is not None) as progress:
        progress(row(5.0))
    assert stream is None or stream.getvalue() == ""
