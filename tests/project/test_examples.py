"""Every example runs, draws its picture and prints what the gallery quotes; what its text claims is so."""

import doctest
import re
import subprocess
import sys
from functools import cache

import pytest

from harness.paths import ROOT

FOLDER = ROOT / "examples"
NAMES = sorted(path.stem for path in FOLDER.glob("[!_]*.py"))
GALLERY = (FOLDER / "README.md").read_text()
NUMBER = r"([-+]?\d+(?:\.\d+)?(?:e[-+]?\d+)?)"


@pytest.fixture(scope="module")
def printed(tmp_path_factory):
    """Runs an example once; what it printed."""

    @cache
    def run(name):
        out = tmp_path_factory.mktemp("pictures")
        command = [sys.executable, "-W", "error", FOLDER / f"{name}.py", "--out", out]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
        assert done.returncode == 0, done.stderr
        lines = done.stdout.splitlines(keepends=True)
        picture = out / f"{name}.png"
        assert lines[-1] == f"picture: {picture}\n"
        assert picture.read_bytes().startswith(b"\x89PNG")
        return "".join(lines[:-1])

    return run


def numbers(text, pattern):
    """The numbers of the first line that matches a pattern, in which # stands for a number."""
    found = re.search(re.escape(pattern).replace(r"\#", NUMBER), text)
    assert found, f"no line like {pattern!r} in {text}"
    return [float(value) for value in found.groups()]


@pytest.mark.parametrize("name", NAMES)
def test_it_runs_without_warnings_and_prints_what_the_gallery_says(name, printed):
    section = GALLERY.split(f"]({name}.py)")[1]
    quoted = re.search(r"```text\n(.*?)```", section, re.DOTALL).group(1)
    got = printed(name)
    assert doctest.OutputChecker().check_output(quoted, got, doctest.ELLIPSIS), got


def test_gallery_and_pictures_are_those_of_the_scripts():
    assert sorted(re.findall(r"^## \[.*\]\((\w+)\.py\)$", GALLERY, re.MULTILINE)) == NAMES
    assert sorted(re.findall(r"^!\[.+\]\(pictures/(\w+)\.png\)$", GALLERY, re.MULTILINE)) == NAMES
    assert sorted(re.findall(r"^python examples/(\w+)\.py$", GALLERY, re.MULTILINE)) == NAMES
    pictures = sorted((FOLDER / "pictures").iterdir())
    assert [path.name for path in pictures] == [f"{name}.png" for name in NAMES]
    assert max(path.stat().st_size for path in pictures) < 150_000


def test_examples_use_the_public_interface_only():
    for name in NAMES:
        modules = re.findall(r"^(?:from|import) ([\w.]+)", (FOLDER / f"{name}.py").read_text(), re.MULTILINE)
        ours = {module for module in modules if module.startswith("lmnn_sdp")}
        assert "lmnn_sdp" in ours <= {"lmnn_sdp", "lmnn_sdp.datasets"}
        others = {module.split(".")[0] for module in modules} - {"lmnn_sdp"}
        assert others <= {"_common", "dataclasses", "matplotlib", "numpy", "sklearn"}


def test_quick_start_learns_something(printed):
    plain, learned = numbers(printed("quick_start"), "right on new wines: #% Euclidean, #% learned")
    assert learned > plain


def test_both_descents_end_at_different_places_well_above_the_optimum(printed):
    text = printed("audit_a_metric")
    ends = [numbers(text, f"descent from step {step}: #% to #% above")[0] for step in ("0.01", "0.001")]
    assert min(ends) > 10
    assert abs(ends[0] - ends[1]) > 0.1
    assert max(ends) < numbers(text, "Euclidean: #% to #% above")[0] < numbers(text, "NCA: #% to #% above")[0]


@pytest.mark.parametrize("name", ["wine", "breast_cancer"])
def test_the_error_is_that_of_the_optimum_before_the_gap_is_small(name, printed):
    section = printed("what_the_optimum_buys").split(f"{name}:")[1]
    lines = re.findall(rf"at a gap of {NUMBER}%: {NUMBER} \+- {NUMBER} points", section)
    gap, more, uncertain = map(float, lines[1])
    assert gap >= 1
    assert abs(more) <= 2 * uncertain


def test_wine_gains_from_learning_and_breast_cancer_does_not(printed):
    text = printed("what_the_optimum_buys")
    line = "{}: # % errors with the Euclidean distance, # % at the optimum"
    plain, learned = numbers(text, line.format("wine"))
    assert learned < plain - 1
    plain, learned = numbers(text, line.format("breast_cancer"))
    assert learned > plain - 0.2


def test_two_solvers_find_the_same_metric(printed):
    one, other, apart = numbers(printed("what_the_optimum_buys"), "objectives # and #, metrics # apart")
    assert one == pytest.approx(other, rel=1e-5)
    assert apart < 1e-2


def test_the_certificate_stands_by_hand_and_residuals_add_up_to_the_gap(printed):
    text = printed("reading_the_certificate")
    assert "feasible: True" in text
    lower_bound, objective = numbers(text, "optimum: # <= optimum <= #")
    assert lower_bound == numbers(text, "no metric is below #")[0]
    assert numbers(text, "raised by 5 %: # proved")[0] < lower_bound <= objective
    for line in re.findall(r"gap .*", text):
        gap, *parts = map(float, re.findall(NUMBER, line))
        assert sum(parts) == pytest.approx(gap, rel=0.1)


def test_scale_matters_through_the_targets_only(printed):
    text = printed("raw_and_standardized")
    raw = numbers(text, "wine, raw: # <= optimum <= #")
    assert numbers(text, "standardised, targets of raw: # <= optimum <= #") == pytest.approx(raw, rel=1e-6)
    assert numbers(text, "wine, standardised: # <= optimum <= #")[1] < raw[0]
    assert numbers(text, "wine: # % of the targets")[0] < numbers(text, "iris: # % of the targets")[0]


def test_the_plane_after_learning_is_the_better_picture_and_too_little_for_ten_digits(printed):
    text = printed("digits_in_2d")
    before, after = (numbers(text, f"four digits, {name}: #")[0] for name in ("PCA of the pixels", "PCA after LMNN"))
    assert after < before / 2
    two, many = numbers(text, "ten digits, PCA after LMNN: # % errors in two directions, # % in 30")
    assert two > 10 * many
    whole, _, kept = numbers(text, "objective: # (gap #), # with")
    assert kept > 100 * whole


def test_balance_scale_has_something_to_choose_and_iris_has_not(printed):
    text = printed("choosing_k_and_mu")
    ratio = {}
    for name in ("iris", "balance_scale"):
        section = text.split(f"{name}:")[1]
        best, uncertain, k, _ = numbers(f"{name}:{section}", f"{name}: # +- # % errors at k = #, mu = #")
        ratio[name] = (numbers(section, "worst # %")[0] - best) / uncertain
    assert k == 1
    assert ratio["iris"] < 3 < 5 < ratio["balance_scale"]
