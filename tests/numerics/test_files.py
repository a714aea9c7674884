import errno
import os
import re
import signal
import socket
import stat
import subprocess
import sys
import textwrap

import pytest

from lmnn_sdp.numerics import files
from lmnn_sdp.numerics.files import write_atomically, write_text_atomically


def put(path, content=b"new"):
    write_atomically(path, lambda file: file.write(content))


@pytest.fixture
def old(tmp_path):
    path = tmp_path / "old"
    path.write_bytes(b"old")
    return path


def test_a_file_is_created_and_replaced(tmp_path):
    for content in (b"first", b"2", b""):
        put(tmp_path / "f", content)
        assert (tmp_path / "f").read_bytes() == content
    assert os.listdir(tmp_path) == ["f"]


def test_a_path_may_be_a_string_and_a_name_as_long_as_the_system_allows(tmp_path):
    put(str(tmp_path / ("n" * 255)))
    assert len(os.listdir(tmp_path)[0]) == 255


@pytest.mark.parametrize(
    "fault", [OSError(errno.ENOSPC, "No space left on device"), LookupError(), KeyboardInterrupt()]
)
def test_a_write_that_fails_leaves_the_old_file_and_no_other(old, fault):
    def write(file):
        file.write(b"half")
        raise fault

    with pytest.raises(type(fault)):
        write_atomically(old, write)
    assert old.read_bytes() == b"old"
    assert os.listdir(old.parent) == ["old"]


def test_a_full_disk_is_told_with_the_name_of_the_file(old):
    def full(file):
        raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(OSError, match=rf"No space left on device: '{re.escape(str(old))}'"):
        write_atomically(old, full)


def test_the_temporary_file_is_in_the_same_folder_under_a_name_of_its_own(old):
    seen = []
    for _ in range(2):
        write_atomically(old, lambda file: seen.append(set(os.listdir(old.parent)) - {"old"}))
    first, second = seen
    assert len(first) == len(second) == 1
    assert first != second


def test_a_link_is_followed_to_its_target(old, tmp_path):
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    link, dangling = folder / "link", folder / "dangling"
    link.symlink_to(old)
    dangling.symlink_to(tmp_path / "created")
    put(link)
    put(dangling)
    assert link.is_symlink()
    assert old.read_bytes() == (tmp_path / "created").read_bytes() == b"new"
    assert sorted(os.listdir(folder)) == ["dangling", "link"]


@pytest.mark.parametrize("mode", [0o600, 0o640, 0o666])
def test_a_replaced_file_keeps_its_permissions(old, mode):
    old.chmod(mode)
    put(old)
    assert stat.S_IMODE(old.stat().st_mode) == mode


def test_a_new_file_has_the_permissions_that_the_process_gives(tmp_path):
    before = os.umask(0o027)
    try:
        put(tmp_path / "f")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "f").stat().st_mode) == 0o640


def a_socket(path):
    with socket.socket(socket.AF_UNIX) as opened:
        opened.bind(str(path))


NO_PLAIN_FILES = {
    "folder": os.mkdir,
    "pipe": os.mkfifo,
    "socket": a_socket,
    "device": lambda path: path.symlink_to("/dev/null"),
}


@pytest.mark.parametrize("kind", NO_PLAIN_FILES)
def test_what_is_no_plain_file_is_never_replaced(kind, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # names of sockets are short
    path = tmp_path / "it"
    NO_PLAIN_FILES[kind](path.relative_to(tmp_path) if kind == "socket" else path)
    before = path.stat()
    with pytest.raises(ValueError, match=r"it is no plain file and will not be replaced; name another file"):
        put(path)
    assert path.stat().st_ino == before.st_ino
    assert os.listdir(tmp_path) == ["it"]


def test_a_folder_that_is_missing_is_told(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"none/f is in no folder that exists; create the folder first"):
        put(tmp_path / "none" / "f")


def test_a_write_protected_file_is_not_replaced(old, monkeypatch):
    monkeypatch.setattr(os, "access", lambda path, mode: False)  # root may write to all
    with pytest.raises(PermissionError, match=r"old is write-protected and will not be replaced; name another file"):
        put(old)


KILLED = """
    import sys, time
    from lmnn_sdp.numerics.files import write_atomically
    def write(file):
        file.write(b"half")
        print("writing", flush=True)
        time.sleep(60)
    write_atomically(sys.argv[1], write)
"""


def test_what_a_killed_writer_left_is_removed_by_the_next_write_but_not_what_another_is_writing(old):
    command = [sys.executable, "-c", textwrap.dedent(KILLED), old]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        process.stdout.readline()
        put(old.parent / "other")
        assert len(os.listdir(old.parent)) == 3  # old, other, and what is being written
        process.send_signal(signal.SIGKILL)
        process.wait(30)
    assert old.read_bytes() == b"old"
    put(old)
    assert sorted(os.listdir(old.parent)) == ["old", "other"]


def test_a_temporary_file_that_another_writer_took_for_abandoned_is_made_again(old, monkeypatch):
    real, calls = files.fcntl.flock, []

    def slow(file, operation):
        calls.append(operation)
        if len(calls) == 1:
            next(old.parent.glob(".lmnn_sdp-*")).unlink()
        return real(file, operation)

    monkeypatch.setattr(files.fcntl, "flock", slow)
    put(old)
    assert old.read_bytes() == b"new"
    assert os.listdir(old.parent) == ["old"]


def test_text_is_written_in_utf_8_and_whole_or_not_at_all(old):
    write_text_atomically(old, lambda file: file.write("é\n"))
    assert old.read_bytes() == b"\xc3\xa9\n"

    def write(file):
        file.write("half")
        raise LookupError

    with pytest.raises(LookupError):
        write_text_atomically(old, write)
    assert old.read_bytes() == b"\xc3\xa9\n"
    assert os.listdir(old.parent) == ["old"]
