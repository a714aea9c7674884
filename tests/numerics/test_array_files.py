"""NPY and NPZ files, also damaged and hostile ones."""

import os
import re
import socket
import struct
import zipfile

import numpy as np
import pytest

from lmnn_sdp.numerics.array_files import check_plain_file, read_arrays

ARRAYS = {
    "floats": np.arange(6.0).reshape(2, 3),
    "fortran": np.asfortranarray(np.arange(6.0).reshape(2, 3)),
    "big endian": np.arange(3, dtype=">i4"),
    "text": np.array(["a", "bcd"]),
    "bytes": np.array([b"a", b"bcd"]),
    "times": np.array(["2020-01-01"], dtype="M8[D]"),
    "flags": np.array([True, False]),
    "scalar": np.array(3.5),
    "empty": np.empty((0, 3)),
}


def same(a, b):
    return a.dtype == b.dtype and a.shape == b.shape and np.array_equal(a, b) and a.flags.writeable


def npy(descr="'<f8'", shape="(2,)", data=b"\0" * 16):
    """Bytes of an NPY file with any header."""
    header = f"{{'descr': {descr}, 'fortran_order': False, 'shape': {shape}, }}\n".encode()
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header + data


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_npz_files_are_read_as_numpy_does(tmp_path, save):
    save(tmp_path / "t.npz", **ARRAYS)
    read = read_arrays(tmp_path / "t.npz")
    assert list(read) == list(ARRAYS)
    assert all(same(read[name], array) for name, array in ARRAYS.items())


@pytest.mark.parametrize("name", ARRAYS)
def test_npy_files_are_read_as_numpy_does(tmp_path, name):
    np.save(tmp_path / "t.npy", ARRAYS[name])
    assert same(read_arrays(str(tmp_path / "t.npy"))["array"], ARRAYS[name])


def test_a_file_without_arrays_is_an_empty_dictionary(tmp_path):
    np.savez(tmp_path / "t.npz")
    assert read_arrays(tmp_path / "t.npz") == {}


BROKEN_NPY = {
    "empty": (b"", "neither NPY nor NPZ"),
    "text": (b"1,2,3", "neither NPY nor NPZ"),
    "version 3": (b"\x93NUMPY\x03\x00", "neither NPY nor NPZ"),
    "cut header": (npy()[:30], "its header is damaged"),
    "no dictionary": (npy().replace(b"'shape'", b"'shade'"), "its header is damaged"),
    "deep header": (npy(shape="(" * 9000), "its header is damaged|too many nested"),
    "cut": (npy()[:-1], r"shape \(2,\) of 8-byte entries, which are not the 15 bytes"),
    "more": (npy() + b"\0", "which are not the 17 bytes that follow"),
    "shape bomb": (npy(shape=f"(1{'0' * 400},)"), r"claims the shape \(10+\.\.\.0+,\) of 8-byte entries"),
    "large shape": (npy(shape="(1000000000000,)"), r"shape \(1000000000000,\) .* not the 16 bytes"),
    "no entries": (npy(shape="(0, 1000000000000000000000)", data=b""), "holds no arrays|more than fits"),
    "long header": (b"\x93NUMPY\x02\x00" + b"\xff" * 4, "its header claims 4,294,967,295 bytes"),
    "negative": (npy(shape="(-2,)"), r"its shape \(-2,\) is none"),
    "objects": (npy(descr="'|O'"), "it holds Python objects, which could run code; keep numbers or text"),
    "records": (npy(descr="[('a', '<f8')]"), r"of the type \[\('a', '<f8'\)\]; keep numbers or text"),
    "no type": (npy(descr="'<f3'"), "of the type '<f3'; keep numbers or text"),
    "wide text": (npy(descr="'<U99999999999999999999'"), "holds no arrays|more than fits"),
}


@pytest.mark.parametrize("case", BROKEN_NPY)
def test_a_broken_npy_file_gives_one_sentence(tmp_path, case):
    content, message = BROKEN_NPY[case]
    path = tmp_path / "t.npy"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=message) as caught:
        read_arrays(path)
    assert str(caught.value).startswith(str(path))
    assert "write it again with numpy.save or numpy.savez" in str(caught.value)
    assert "\n" not in str(caught.value)


def damaged(path, find, replacement, last=True):
    """The file with some bytes replaced where they occur last or first."""
    content = path.read_bytes()
    at = content.rfind(find) if last else content.find(find)
    path.write_bytes(content[:at] + replacement + content[at + len(replacement) :])


def test_a_broken_npz_file_gives_one_sentence(tmp_path):
    path = tmp_path / "t.npz"

    def refused(message):
        with pytest.raises(ValueError, match=message) as caught:
            read_arrays(path)
        assert str(caught.value).startswith(str(path))

    path.write_bytes(b"PK broken")
    refused("File is not a zip file")

    np.savez_compressed(path, X=np.random.default_rng(0).normal(size=100))
    damaged(path, b"X.npy", b"Y.npy")
    refused("'Y.npy' and header b'X.npy' differ")

    np.savez_compressed(path, X=np.random.default_rng(0).normal(size=100))
    content = bytearray(path.read_bytes())
    content[100:120] = b"\xff" * 20
    path.write_bytes(content)
    refused("Error -3 while decompressing|invalid|Bad CRC")

    np.savez(path, X=np.ones(3), y=np.ones(3))
    content = bytearray(path.read_bytes())
    content[content.find(b"PK\x01\x02") + 32 + 1] = 1  # a comment of 256 bytes hides the second array
    path.write_bytes(content)
    refused("its directory has 1 of the 2 members that it lists")

    np.savez(path, X=np.ones(3))
    damaged(path, np.ones(1).tobytes(), np.full(1, 2.0).tobytes())
    refused("Bad CRC-32 for file 'X.npy'")

    for offset, value, message in [(8, 1, "'X.npy' is encrypted"), (10, 99, "compressed by method 99")]:
        np.savez(path, X=np.ones(3))
        content = bytearray(path.read_bytes())
        content[content.rfind(b"PK\x01\x02") + offset] = value
        path.write_bytes(content)
        refused(message)


def test_members_that_claim_more_than_deflate_can_hold_are_refused(tmp_path):
    path = tmp_path / "t.npz"
    np.savez_compressed(path, X=np.zeros(10))
    content = bytearray(path.read_bytes())
    at = content.rfind(b"PK\x01\x02") + 24
    content[at : at + 4] = struct.pack("<I", 2**32 - 2)
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"'X\.npy' claims 4,294,967,294 bytes in \d+"):
        read_arrays(path)


def test_shape_bombs_and_objects_within_an_npz_file_are_refused(tmp_path):
    for content, message in [BROKEN_NPY["large shape"], BROKEN_NPY["objects"]]:
        with zipfile.ZipFile(tmp_path / "t.npz", "w") as file:
            file.writestr("X.npy", content)
        with pytest.raises(ValueError, match=message):
            read_arrays(tmp_path / "t.npz")


def test_only_plain_files_are_read(tmp_path, monkeypatch):
    def refused(path, message):
        with pytest.raises(ValueError, match=f"^{re.escape(str(path))}{message}"):
            check_plain_file(path)

    refused(tmp_path / "none", " does not exist; check the path")
    refused(tmp_path, " is a folder; only plain files are read: copy what it holds into one")
    os.mkfifo(tmp_path / "fifo")
    refused(tmp_path / "fifo", " is a FIFO")
    (tmp_path / "link").symlink_to("/dev/zero")
    refused(tmp_path / "link", " is a device")
    with socket.socket(socket.AF_UNIX) as server:
        monkeypatch.chdir(tmp_path)  # the names of sockets are short
        server.bind("socket")
        refused("socket", " is a socket")
    with pytest.raises(ValueError, match=r"cannot be read .*check the path"):
        check_plain_file("a\0b")
    np.save(tmp_path / "t.npy", np.ones(2))
    (tmp_path / "good").symlink_to(tmp_path / "t.npy")
    assert read_arrays(tmp_path / "good")["array"].tolist() == [1, 1]
