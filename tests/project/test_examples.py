"""Every example runs, draws its picture and prints what the gallery quotes; what its text claims is so."""

import doctest
import io
import re
import runpy
import subprocess
import sys
from contextlib import redirect_stdout

import matplotlib.pyplot as plt
import pytest

from harness.paths import ROOT

FOLDER = ROOT / "examples"
NAMES = sorted(path.stem for path in FOLDER.glob("[!_]*.py"))
GALLERY = (FOLDER / "README.md").read_text()
APART = {"metric_in_an_index"}  # faiss brings a BLAS of its own, and tests of threads count those of the process
NUMBER = r"([-+]?\d+(?:\.\d+)?(?:e[-+]?\d+)?)"
pytestmark = pytest.mark.printed


def numbers(text, pattern):
    """The numbers of the first line that matches a pattern, in which # stands for a number."""
    found = re.search(re.escape(pattern).replace(r"\#", NUMBER), text)
    assert found, f"no line like {pattern!r} in {text}"
    return [float(value) for value in found.groups()]


def printed(name, out):
    """Run an example as a program, but in this process where it may; what it printed."""
    script, picture = FOLDER / f"{name}.py", out / f"{name}.png"
    run = run_apart if name in APART else run_here
    lines = run(script, out).splitlines(keepends=True)
    assert lines[-1] == f"picture: {picture}\n"
    assert picture.read_bytes().startswith(b"\x89PNG")
    return "".join(lines[:-1])


def run_here(script, out):
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(io.StringIO()) as stdout, plt.rc_context():
        patch.syspath_prepend(FOLDER)
        patch.setattr(sys, "argv", [str(script), "--out", str(out)])
        runpy.run_path(str(script), run_name="__main__")
    plt.close("all")
    return stdout.getvalue()


def run_apart(script, out):
    command = [sys.executable, "-W", "error", str(script), "--out", str(out)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("name", [pytest.param(name, marks=[pytest.mark.slow] * (name in APART)) for name in NAMES])
def test_it_prints_what_the_gallery_says_and_shows_what_it_claims(name, tmp_path):
    section = GALLERY.split(f"]({name}.py)")[1]
    quoted = re.search(r"```text\n(.*?)```", section, re.DOTALL).group(1)
    got = printed(name, tmp_path)
    assert doctest.OutputChecker().check_output(quoted, got, doctest.ELLIPSIS), got
    CLAIMS[name](got)


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


# What each example claims, of what it printed.


def learning_helps(text):
    plain, learned = numbers(text, "right on new wines: #% Euclidean, #% learned")
    assert learned > plain


def both_descents_end_at_different_places_well_above_the_optimum(text):
    ends = [numbers(text, f"descent from step {step}: #% to #% above")[0] for step in ("0.01", "0.001")]
    assert min(ends) > 10
    assert abs(ends[0] - ends[1]) > 0.1
    assert max(ends) < numbers(text, "Euclidean: #% to #% above")[0] < numbers(text, "NCA: #% to #% above")[0]


def errors_are_those_of_the_optimum_before_the_gap_is_small_and_solvers_agree(text):
    for name in ("wine", "breast_cancer"):
        section = text.split(f"{name}:")[1]
        lines = re.findall(rf"at a gap of {NUMBER}%: {NUMBER} \+- {NUMBER} points", section)
        gap, more, uncertain = map(float, lines[1])
        assert gap >= 1
        assert abs(more) <= 2 * uncertain
    line = "{}: # % errors with the Euclidean distance, # % at the optimum"
    plain, learned = numbers(text, line.format("wine"))
    assert learned < plain - 1
    plain, learned = numbers(text, line.format("breast_cancer"))
    assert learned > plain - 0.2
    one, other, apart = numbers(text, "objectives # and #, metrics # apart")
    assert one == pytest.approx(other, rel=1e-5)
    assert apart < 1e-2


def the_certificate_stands_by_hand_and_residuals_add_up_to_the_gap(text):
    assert "feasible: True" in text
    lower_bound, objective = numbers(text, "optimum: # <= optimum <= #")
    assert lower_bound == numbers(text, "no metric is below #")[0]
    early = numbers(text, "early: # <= optimum <= #")
    assert early[0] < lower_bound < objective < early[1]
    assert numbers(text, "raised by 5 %: # proved")[0] < lower_bound
    for line in re.findall(r"gap .*", text):
        gap, *parts = map(float, re.findall(NUMBER, line))
        assert sum(parts) == pytest.approx(gap, rel=0.1)


def scale_matters_through_the_targets_only(text):
    raw = numbers(text, "wine, raw: # <= optimum <= #")
    assert numbers(text, "standardised, targets of raw: # <= optimum <= #") == pytest.approx(raw, rel=1e-6)
    assert numbers(text, "wine, standardised: # <= optimum <= #")[1] < raw[0]
    assert numbers(text, "wine: # % of the targets")[0] < numbers(text, "iris: # % of the targets")[0]


def the_plane_after_learning_is_the_better_picture_and_too_little_for_ten_digits(text):
    before, after = (numbers(text, f"four digits, {name}: #")[0] for name in ("PCA of the pixels", "PCA after LMNN"))
    assert after < before / 2
    two, many = numbers(text, "ten digits, PCA after LMNN: # % errors in two directions, # % in 30")
    assert two > 10 * many
    whole, _, kept = numbers(text, "objective: # (gap #), # with")
    assert kept > 100 * whole
    best, times = numbers(text, "two rows learned: #, at most # times")
    assert kept / 25 < best < kept / 15
    assert best / whole == pytest.approx(times, rel=0.05)
    assert numbers(text, "four digits, two rows learned: #")[0] < before / 2


def the_energy_is_that_of_the_definition_and_helps_where_votes_are_narrow(text):
    energies = {}
    for label in ("left", "balanced", "right"):
        energies[label], made = numbers(text, f"  {label}: # by the definition, # by EnergyClassifier")
        assert energies[label] == made
    true = re.search(r"tips to the (\w+)", text)[1]
    assert min(energies, key=energies.get) == true
    vote, energy = numbers(text, "balance_scale: # % errors of the vote, # % of the energy")
    assert energy < 0.75 * vote


def a_kernel_halves_the_optimum_and_too_many_coordinates_cost_errors(text):
    line = "{}: # <= optimum <= #, # % errors in one coordinate"
    (*linear, linear_errors), (*kernel, kernel_errors) = (
        numbers(text, line.format(name)) for name in ("LMNN", "KernelLMNN")
    )
    assert kernel[1] < linear[0] / 2
    assert kernel_errors < linear_errors / 2
    lines = [numbers(text, f"\n{m} coordinates: objective #, # % errors") for m in (3, 5, 8, 12, 20, 30, 45, 60)]
    objectives, errors = zip(*lines, strict=True)
    assert list(objectives) == sorted(objectives, reverse=True)
    assert objectives[-1] < objectives[0] / 5
    assert errors[-1] > 2 * errors[0]


def more_metrics_fit_better_and_part_the_circles(text):
    single, several = (numbers(text, f"digits, {name}: # <= optimum <= #") for name in ("one metric", "a metric each"))
    assert several[1] < single[0]
    errors = [numbers(text, f"circles, {name}: # % errors")[0] for name in ("1 metric", "4 metrics", "8 metrics")]
    assert errors == sorted(errors, reverse=True)
    assert errors[0] == 100
    assert errors[-1] < 5


def balance_scale_has_something_to_choose_and_iris_has_not(text):
    ratio = {}
    for name in ("iris", "balance_scale"):
        section = text.split(f"{name}:")[1]
        best, uncertain, k, _ = numbers(f"{name}:{section}", f"{name}: # +- # % errors at k = #, mu = #")
        ratio[name] = (numbers(section, "worst # %")[0] - best) / uncertain
    assert k == 1
    assert ratio["iris"] < 3 < 5 < ratio["balance_scale"]


def the_learned_graph_errs_less_but_for_one_neighbor(text):
    plain, learned = (
        numbers(text, f"{name}: # % errors at k = 1, # % at k = 5, # % at k = 30") for name in ("Euclidean", "learned")
    )
    assert learned[1] < plain[1]
    assert learned[2] < plain[2] - 1
    assert plain[0] < learned[0] + 1


def indices_find_the_neighbors_in_the_learned_coordinates(text):
    found = {line[0]: float(line[1]) for line in re.findall(rf"(.*): {NUMBER} % of the neighbours", text)}
    exact = [share for name, share in found.items() if "HNSW" not in name and "not" not in name]
    assert min(exact) > 99.9
    assert found["ball tree of x, not transformed"] < 75
    assert ("faiss is not installed" in text) == (len(found) == 2)
    assert min(share for name, share in found.items() if "not" not in name) > 99


CLAIMS = {
    "audit_a_metric": both_descents_end_at_different_places_well_above_the_optimum,
    "choosing_k_and_mu": balance_scale_has_something_to_choose_and_iris_has_not,
    "digits_in_2d": the_plane_after_learning_is_the_better_picture_and_too_little_for_ten_digits,
    "energy": the_energy_is_that_of_the_definition_and_helps_where_votes_are_narrow,
    "graph_of_neighbors": the_learned_graph_errs_less_but_for_one_neighbor,
    "kernel_circles": a_kernel_halves_the_optimum_and_too_many_coordinates_cost_errors,
    "metric_in_an_index": indices_find_the_neighbors_in_the_learned_coordinates,
    "metrics_by_class": more_metrics_fit_better_and_part_the_circles,
    "quick_start": learning_helps,
    "raw_and_standardized": scale_matters_through_the_targets_only,
    "reading_the_certificate": the_certificate_stands_by_hand_and_residuals_add_up_to_the_gap,
    "what_the_optimum_buys": errors_are_those_of_the_optimum_before_the_gap_is_small_and_solvers_agree,
}
