import json

import numpy as np
import pytest
from click.testing import CliRunner

from lmnn_sdp.cli import main

SMALL = ["iris", "--points", "30", "--standardize", "--quiet"]


def invoke(*arguments):
    return CliRunner().invoke(main, list(map(str, arguments)), catch_exceptions=False)


@pytest.fixture(scope="module")
def proof(tmp_path_factory):
    path = tmp_path_factory.mktemp("proofs") / "proof.npz"
    result = invoke("prove", *SMALL, "--out", path)
    assert result.exit_code == 0
    assert result.output.startswith("PROVED [")
    assert "Optimal" in result.output
    return path


def test_a_proof_is_checked(proof):
    result = invoke("check", *SMALL, proof)
    assert result.exit_code == 0
    assert result.output.startswith("PROVED [")
    assert "3 nearest neighbours, mu = 0.5, reg = 0.0" in result.output


def test_reports_as_json(proof, tmp_path):
    report = json.loads(invoke("prove", *SMALL, "--json", "--out", tmp_path / "p.npz").output)
    assert report["status"] == "OPTIMAL"
    checked = json.loads(invoke("check", *SMALL, "--json", tmp_path / "p.npz").output)
    assert checked["proved"]
    assert (checked["lower"], checked["upper"]) == (report["lower"], report["upper"])
    refused = json.loads(invoke("check", *SMALL, "--mu", 0.3, "--json", proof).output)
    assert refused == {"proved": False, "words": "it is a proof for mu = 0.5, not 0.3"}


def test_the_interval_in_rational_arithmetic_is_within(proof):
    plain = json.loads(invoke("check", *SMALL, "--json", proof).output)
    found = json.loads(invoke("check", *SMALL, "--json", "--exact", proof).output)
    assert plain["lower"] <= found["lower"] <= found["upper"] <= plain["upper"]
    assert found["words"].endswith("in rational arithmetic")


def test_other_data_are_told_by_the_digest(proof):
    result = invoke("check", "iris", "--points", 30, "--quiet", proof)
    assert result.exit_code == 1
    assert result.output == "REFUTED: it is for other data, the digest says\n"


def test_a_damaged_file_is_refuted(proof, tmp_path):
    content = proof.read_bytes()
    for name, damaged in {"short": content[: len(content) // 2], "long": content + b"0" * 64, "empty": b""}.items():
        (tmp_path / name).write_bytes(damaged)
        result = invoke("check", *SMALL, tmp_path / name)
        assert result.exit_code == 1
        assert result.output.startswith("REFUTED: ")


def test_flipped_bytes_never_prove_anything_else(proof, tmp_path):
    rng = np.random.default_rng(0)
    content = proof.read_bytes()
    good = invoke("check", *SMALL, proof).output
    for _ in range(40):
        damaged = bytearray(content)
        damaged[rng.integers(len(content))] ^= 1 << rng.integers(8)
        (tmp_path / "damaged.npz").write_bytes(damaged)
        result = invoke("check", *SMALL, tmp_path / "damaged.npz")
        assert result.output == good or (result.exit_code == 1 and result.output.startswith("REFUTED: "))


def test_an_early_stop_is_proved_too_and_exits_with_1(tmp_path):
    result = invoke("prove", *SMALL, "--tol", 0, "--time-limit", 1e-9, "--out", tmp_path / "p.npz")
    assert result.exit_code == 1
    assert invoke("check", *SMALL, tmp_path / "p.npz").exit_code == 0


def test_wrong_input_exits_with_2(proof, tmp_path):
    assert invoke("check", *SMALL, tmp_path / "missing.npz").exit_code == 2
    assert invoke("prove", *SMALL).exit_code == 2
    (tmp_path / "file").touch()
    assert invoke("prove", *SMALL, "--out", tmp_path / "file" / "p.npz").exit_code == 2
