"""coming_from.md against the packages that it speaks of, each in its own environment, and against ours."""

import inspect
import json
import re
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest
from sklearn.exceptions import ConvergenceWarning

from harness import current_stack, peer_process
from harness.paths import ROOT
from lmnn_sdp import LMNN, Problem
from lmnn_sdp.datasets import load

PAGE = (ROOT / "coming_from.md").read_text()
PROBE = ROOT / "tests" / "project" / "peer_probe.py"
DATA = load("wine").standardized()
Y = np.unique(DATA.y, return_inverse=True)[1]
MAP = np.eye(13) + 0.3 * np.random.default_rng(0).normal(size=(13, 13))
WEIGHTS = [0.1, 0.3, 0.5, 0.9]
PAIRS = [[0, 5], [3, 100], [7, 7]]
NONE_OF_OURS = ("not needed", "not there")


def sections(text):
    """Text under each heading of a level: ``# `` for one, ``## `` for two."""
    return {s.partition("\n")[0]: s.partition("\n")[2] for s in re.split(r"^## ", text, flags=re.M)[1:]}


def tables(package):
    """Rows (theirs, ours) of every table of a package's section, by the heading above it."""
    section = next(text for title, text in sections(PAGE).items() if title.startswith(package))
    parts = re.split(r"^### ", section, flags=re.M)[1:]
    return {
        part.partition("\n")[0]: [re.split(r"\s*\|\s*", row)[1:3] for row in re.findall(r"^\| `.*", part, flags=re.M)]
        for part in parts
    }


def theirs(package, heading):
    return [re.fullmatch(r"`(\w+)`", row[0])[1] for row in tables(package)[heading]]


def snippets(package):
    """The code before and after."""
    section = next(text for title, text in sections(PAGE).items() if title.startswith(package))
    return re.findall(r"```python\n(.*?)```", section, flags=re.S)


def probed(package, monkeypatch):
    """What the package says of itself, from its environment."""
    python = peer_process.environment(package)
    if not peer_process.available(python):
        pytest.skip(f"{package} is not installed in {python.parent.parent.name}; make peers-env sets it up")
    job = {"X": DATA.X.tolist(), "y": Y.tolist(), "L": MAP.tolist(), "weights": WEIGHTS, "pairs": PAIRS}
    job["snippet"] = snippets(package)[0]
    done = subprocess.run(
        [str(python), str(PROBE), package], input=json.dumps(job), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


@pytest.fixture(scope="module")
def probe():
    """Answers of each package, asked once."""
    answers = {}

    def ask(package):
        if package not in answers:
            with pytest.MonkeyPatch.context() as monkeypatch:
                answers[package] = probed(package, monkeypatch)
        return answers[package]

    return ask


@pytest.fixture(scope="module")
def problem():
    return Problem.from_data(DATA.X, Y)


@pytest.fixture(scope="module")
def fitted():
    return LMNN().fit(DATA.X, Y)


@pytest.fixture
def mapped(fitted):
    """Our estimator with a map that others are given as well."""
    model = LMNN().fit(DATA.X, Y)
    model.components_ = MAP
    return model


def at(problem, mu):
    return Problem.from_data(problem.X, problem.y, mu=mu)


@pytest.mark.parametrize("package", ["metric-learn", "PyLMNN", "mlpack"])
def test_what_the_page_calls_ours_is_ours(package, fitted):
    ours = set(inspect.signature(LMNN).parameters) | {name for name in dir(fitted) if not name.startswith("_")}
    for row in [row for table in tables(package).values() for row in table]:
        if row[1] in NONE_OF_OURS:
            assert row[0].strip("`") not in ours, f"{row[0]} is here after all"
        else:
            assert re.fullmatch(r"`(\w+).*`", row[1])[1] in ours, row
    for name in re.findall(r"^New here: (.*)\.$", PAGE, flags=re.M):
        assert set(re.findall(r"`(\w+)`", name)) <= ours


@pytest.mark.parametrize("package", ["metric-learn", "PyLMNN", "mlpack"])
def test_the_code_after_runs_and_gives_what_the_code_before_gave(package, probe):
    names = {"X": DATA.X, "y": Y}
    exec(compile(snippets(package)[1], "coming_from.md", "exec"), names)
    before = probe(package)["snippet"]
    assert len(names["Z"]) == before["Z"][0]
    assert before.keys() <= {name for name, value in names.items() if isinstance(value, np.ndarray)}
    if "distances" in before:
        assert list(names["distances"].shape) == before["distances"]
    if package == "PyLMNN":
        assert list(names["Z"].shape) == before["Z"]


@pytest.mark.parametrize("package", ["metric-learn", "PyLMNN", "mlpack"])
def test_the_page_speaks_of_the_version_in_its_environment(package, monkeypatch):
    assert current_stack.pinned(package).replace("==", " ") in sections(PAGE)


@pytest.mark.parametrize(
    ("package", "heading"),
    [
        ("metric-learn", "Parameters"),
        ("metric-learn", "Attributes"),
        ("metric-learn", "Methods"),
        ("PyLMNN", "Parameters"),
        ("PyLMNN", "Attributes"),
        ("PyLMNN", "Methods"),
        ("PyLMNN", "Functions"),
        ("mlpack", "Parameters"),
        ("mlpack", "Outputs"),
    ],
)
def test_the_page_names_all_there_is(package, heading, probe):
    names = theirs(package, heading)
    assert len(names) == len(set(names))
    assert set(names) == set(probe(package)[heading.lower()])


@pytest.mark.parametrize("package", ["metric-learn", "PyLMNN"])
def test_target_neighbours_are_the_same(package, probe, problem):
    told = np.sort(probe(package)["targets"], axis=1)
    assert np.array_equal(told, np.sort(problem.targets, axis=1))


@pytest.mark.parametrize("package", ["metric-learn", "PyLMNN"])
def test_only_ours_names_its_features(package, probe, fitted):
    assert not probe(package)["set_output"]
    assert hasattr(fitted, "set_output")
    assert len(fitted.get_feature_names_out()) == len(fitted.components_)


@pytest.mark.parametrize("package", ["metric-learn", "PyLMNN"])
def test_n_components_is_the_number_of_rows(package, probe, fitted):
    assert probe(package)["components"] == [13, 13]
    assert len(fitted.components_) == fitted.solution_.certificate.rank
    assert probe(package)["low_rank"] == list(LMNN(n_components=2).fit(DATA.X, Y).components_.shape)


@pytest.mark.parametrize("package", ["metric-learn", "PyLMNN"])
def test_transform_is_the_same_map(package, probe, mapped):
    assert np.allclose(probe(package)["transform"], mapped.transform(DATA.X), rtol=1e-12, atol=1e-12)


def test_regularization_weighs_the_pull(probe, problem):
    for r, loss in zip(WEIGHTS, probe("metric-learn")["losses"], strict=True):
        assert at(problem, 1 - r).value(MAP) == pytest.approx(loss, rel=1e-9)


def test_pairs_and_matrix_of_the_same_map_are_the_same(probe, mapped):
    told, pairs = probe("metric-learn"), np.array(PAIRS)
    metric = mapped.get_metric()
    same = {
        "pair_distance": mapped.pair_distance(DATA.X[pairs]),
        "score_pairs": mapped.pair_distance(DATA.X[pairs]),
        "indexed": mapped.pair_distance(DATA.X[pairs]),
        "pair_score": mapped.pair_score(DATA.X[pairs]),
        "metric": [metric(*DATA.X[pair]) for pair in pairs],
        "metric_squared": [metric(*DATA.X[pair], squared=True) for pair in pairs],
        "matrix": mapped.get_mahalanobis_matrix(),
    }
    for name, ours in same.items():
        assert np.allclose(told[name], ours, rtol=1e-12, atol=1e-12), name


def test_steps_and_tolerance_of_metric_learn(probe):
    told = probe("metric-learn")
    assert told["iterations"] < 7  # its limit counts the start as well
    assert told["by_convergence_tol"][0] < told["by_convergence_tol"][1]  # in units of the objective: 1e9 stops at once
    with pytest.warns(ConvergenceWarning, match="gap"):
        assert LMNN(max_iter=1).fit(DATA.X, Y).n_iter_ == 1


def test_a_class_of_k_points_is_an_error_here_and_has_points_as_their_own_targets_there(probe):
    targets = probe("metric-learn")["own_targets"]
    assert any(i in row for i, row in enumerate(targets))
    with pytest.raises(ValueError, match="at least 4 points in each class"):
        LMNN(n_neighbors=3).fit(DATA.X[:6], [0, 0, 0, 1, 1, 1])


def test_pylmnn_squares_the_hinges_that_it_finds(probe, problem):
    told = probe("PyLMNN")
    targets = np.array(told["targets"])
    hinges = problem.hinges(MAP)
    i, _, l = hinges.triplets.T
    Z = DATA.X @ MAP.T
    radius = 1 + np.sum((Z - Z[targets[:, -1]]) ** 2, axis=1)
    apart = np.sum((Z[i] - Z[l]) ** 2, axis=1)
    found = (apart < radius[i]) | (apart < radius[l])
    assert np.sum(~found) > 0  # some are missed
    pull, push = problem.terms(MAP).pull, float(np.sum(hinges.values[found] ** 2))
    for w, loss in zip(WEIGHTS, told["losses"], strict=True):
        assert (1 - w) / w * pull + push == pytest.approx(loss, rel=1e-9)
        assert loss != pytest.approx(at(problem, w).value(MAP) / w, rel=1e-2)  # which it would be without the squares


def test_what_pylmnn_calls_back_and_keeps(probe):
    told = probe("PyLMNN")
    assert told["callback"][0] == [13 * 13, 1]
    rows = []
    LMNN(callback=rows.append).fit(DATA.X, Y)
    assert rows[0].objective >= rows[-1].objective
    assert {"fun", "message", "success"} <= set(told["result"])


def test_pylmnn_lowers_k_and_leaves_out_single_points(probe):
    assert probe("PyLMNN")["lowered"] == 2
    labels = [0, 0, 0, 1, 1, 1, 1, 1, 2]
    for k in (2, "auto"):
        with pytest.raises(ValueError, match="class 2 has 1"):
            LMNN(n_neighbors=k).fit(DATA.X[:9], labels)
    assert Problem.from_data(DATA.X[:8], labels[:8], "auto").n_neighbors == 2


def test_a_metric_that_the_data_do_not_determine_is_an_error_here():
    with pytest.raises(ValueError, match="reg > 0"):
        LMNN(n_neighbors=2).fit(DATA.X[:8], [0, 0, 0, 1, 1, 1, 1, 1])
    LMNN(n_neighbors=2, reg=0.01).fit(DATA.X[:8], [0, 0, 0, 1, 1, 1, 1, 1])


def test_the_parameters_of_pylmnns_pipeline_begin_with_those_of_its_estimator(probe):
    told = probe("PyLMNN")
    assert told["pipeline"][: len(told["parameters"])] == told["parameters"]


def test_mlpack_maps_from_the_right_and_weighs_the_push(probe):
    told = probe("mlpack")
    assert np.allclose(told["transformed"], DATA.X @ np.array(told["output"]), rtol=1e-9, atol=1e-9)
    assert told["low_rank"] == [13, 2]
    assert told["without_push"] < 1e-6 < 1 < told["without_pull"]


def test_the_experiment_reads_mlpacks_map_from_the_right(probe, monkeypatch):
    probe("mlpack")
    options = {"optimizer": "lbfgs", "max_iterations": 20}
    L = peer_process.fit("mlpack", DATA, options, time_limit=60).L
    assert np.allclose(L.T, probe("mlpack")["output"], rtol=1e-9, atol=1e-9)


def test_the_start_does_not_matter_here(problem):
    from lmnn_sdp import solve

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        early = solve(problem, max_iter=1)
    first, second = solve(problem), solve(problem, start=early)
    assert first.lower_bound <= second.objective
    assert second.lower_bound <= first.objective


def test_every_attempt_of_a_first_fit_is_told(monkeypatch):
    done = []
    monkeypatch.setattr(current_stack, "_install", lambda python, *names: done.append(names) or "")
    candidate = current_stack.Candidate("raise ImportError('six')", current_stack.CANDIDATES["PyLMNN"].remedies)
    monkeypatch.setattr(current_stack, "IRIS", "")
    attempts = current_stack._attempts(Path(sys.executable), candidate)
    assert [a.added for a in attempts] == [(), ("six",), ("six", "a stub for GPyOpt")]
    assert {a.error for a in attempts} == {"ImportError: six"}
    assert done == [("six",)]
    works = current_stack.Candidate("pass", candidate.remedies)
    assert [a.error for a in current_stack._attempts(Path(sys.executable), works)] == [""]
