"""The runner: a disk that is full, twenty kills, and results of other code."""

import errno
import json
import os
import subprocess
import sys
from itertools import count

import pytest

import reproduce
from harness.reproduction import store
from harness.reproduction.methods import Outcome
from harness.reproduction.store import Task
from lmnn_sdp.datasets.local_files import VARIABLE

ASKED = ("--only", "iris", "--methods", "lda", "rca", "--splits", "20")
RESULTS = 40  # of these
FEW = ("--only", "iris", "--methods", "lda", "--splits", "6")


@pytest.fixture
def script(monkeypatch, tmp_path):
    """The script in this process, into a folder."""
    monkeypatch.setenv(VARIABLE, str(tmp_path))  # iris needs no files

    def run(out, asked=FEW):
        monkeypatch.setattr(sys, "argv", ["reproduce.py", *asked, "--out", str(out)])
        reproduce.main()

    return run


def whole(folder):
    """The results in a folder by their place; one that is not whole fails here."""
    found = {}
    for path in sorted(folder.glob("*/*.json")):
        record = json.loads(path.read_text())
        assert store.read(folder, Task(**record["task"])) == record
        found[path.relative_to(folder)] = record["outcome"]["errors"]
    return found


def cells(out):
    """What the result file says, without times."""
    runs = json.loads((out / "reproduce.json").read_text())["runs"]
    return [(run["column"], run["method"], run["split"], run["errors"]) for run in runs]


@pytest.mark.parametrize("reason", [errno.ENOSPC, errno.EDQUOT])
def test_a_full_disk_stops_it_in_words_and_it_goes_on_when_there_is_room(script, monkeypatch, tmp_path, reason):
    folder = tmp_path / "reproduction" / store.code()
    writes, synced = count(), os.fsync

    def full_after_four(descriptor):
        if next(writes) > 3:
            raise OSError(reason, os.strerror(reason))
        synced(descriptor)

    with monkeypatch.context() as disk:
        disk.setattr(os, "fsync", full_after_four)
        with pytest.raises(SystemExit) as stopped:
            script(tmp_path)
    # a text as exit code: Python prints it alone and ends with 1
    assert stopped.value.code.startswith(f"{folder} takes no more results: {os.strerror(reason)}. ")
    assert "make room" in stopped.value.code
    kept = whole(folder)
    assert len(kept) == 4
    assert not list(folder.rglob("*.part"))
    script(tmp_path)
    after = whole(folder)
    assert len(after) == 6
    assert kept.items() <= after.items()


def test_no_room_for_the_table_alone_is_told_too(script, monkeypatch, tmp_path):
    script(tmp_path)
    before = (tmp_path / "reproduce.json").read_text()

    def full(descriptor):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(SystemExit, match=r"takes no table: No space left on device\. All results are whole"):
        script(tmp_path)
    assert (tmp_path / "reproduce.json").read_text() == before


def test_results_of_other_code_are_named_in_one_line_and_not_used(script, capsys, tmp_path):
    for name, numbers in (("0123456789ab", (0, 1)), ("fedcba987654", (0,))):
        for number in numbers:
            store.keep(tmp_path / "reproduction" / name, Task("iris", "lda", number), Outcome({"vote": 0.99}), 1.0)
    (tmp_path / "reproduction" / "empty").mkdir()
    script(tmp_path)
    told = capsys.readouterr().err.splitlines()
    named = [line for line in told if "of other code" in line]
    assert named == [
        f"results of other code in {tmp_path / 'reproduction'} are not used: 0123456789ab (2), fedcba987654 (1)"
    ]
    assert all(errors["vote"] < 0.5 for *_, errors in cells(tmp_path))
    assert len(whole(tmp_path / "reproduction" / store.code())) == 6


def test_results_of_this_code_alone_are_no_news(script, capsys, tmp_path):
    script(tmp_path)
    script(tmp_path)
    assert "other code" not in capsys.readouterr().err


#: One process that imports once and forks the script again and again; each is killed soon after so many results.
KILLER = """
import os, random, signal, sys, time
from pathlib import Path
import reproduce
from harness.reproduction.protocol import CASES, split
split(CASES["iris"], 0)  # all is imported before the first child
folder, kills, results = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
sys.argv = ["reproduce.py", *sys.argv[4:]]
draw = random.Random(0)
for least in sorted(draw.sample(range(results), kills)):
    child = os.fork()
    if not child:
        reproduce.main()
        os._exit(0)
    while len(list(folder.glob("*/*/*.json"))) < least:
        time.sleep(0.002)
    time.sleep(draw.uniform(0, 0.03))
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    print(len(list(folder.glob("*/*/*.json"))), flush=True)
"""


@pytest.mark.slow
def test_after_twenty_kills_every_result_is_whole_and_the_table_the_same(script, tmp_path):
    killed, straight = tmp_path / "killed", tmp_path / "straight"
    arguments = [killed / "reproduction", 20, RESULTS, *ASKED, "--out", killed]
    done = subprocess.run(
        [sys.executable, "-c", KILLER, *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
    )
    assert done.returncode == 0, done.stderr
    counts = list(map(int, done.stdout.split()))
    assert len(counts) == 20
    assert counts == sorted(counts)
    folder = killed / "reproduction" / store.code()
    left = whole(folder)
    assert len(left) == counts[-1]
    script(killed, ASKED)
    script(straight, ASKED)
    assert left.items() <= whole(folder).items()
    assert cells(killed) == cells(straight)
    assert not list(folder.rglob("*.part"))
