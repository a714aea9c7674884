"""Cards for notebooks: well-formed, escaped, without scripts, and true to the numbers, also in odd cases."""

import math
import re
from dataclasses import replace
from xml.etree import ElementTree

import numpy as np
import pytest
import sklearn
from hypothesis import given
from hypothesis import strategies as st
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from lmnn_sdp import LMNN, LMNNCV, Comparison, MultiMetricLMNN, Problem, Status, audit, compare, solve
from lmnn_sdp.datasets import load
from lmnn_sdp.display.intervals import bound_text, gap_text, interval_text
from lmnn_sdp.display.svg import HEIGHT, WIDTH, convergence
from lmnn_sdp.solvers.solution import HistoryRow

DATA = load("wine").standardized()
PROBLEM = Problem.from_data(DATA.X, DATA.y)


def parsed(html):
    assert "<script" not in html
    assert "http" not in html
    return "".join(ElementTree.fromstring(html).itertext())


@pytest.fixture(scope="module")
def solution():
    return solve(PROBLEM)


def test_a_solution_shows_interval_status_and_picture(solution):
    html = solution._repr_html_()
    text = parsed(html)
    for part in ("OPTIMAL", *interval_text(solution.lower_bound, solution.objective), gap_text(solution.relative_gap)):
        assert part in text
    assert html.count("<svg") == 1


@pytest.mark.parametrize(
    "change",
    [
        {"history": (), "status": Status.INTERRUPTED},
        {"solver": "<b>&"},
        {"history": (HistoryRow(0, 0.0, 2.0, 2.0, 1, 1, 1),)},
        {"history": (HistoryRow(0, 0.0, 2.0, -math.inf, 1, 1, 1),)},
        {"history": tuple(HistoryRow(i, 0.01 * i, 2.0, 2 - 1 / (i + 1), 1, 1, 1) for i in range(20_000))},
    ],
)
def test_odd_solutions(solution, change):
    html = replace(solution, **change)._repr_html_()
    parsed(html)
    assert len(html) < 20_000


@given(st.lists(st.tuples(st.floats(0, 1e6), st.floats(0, 1)), min_size=1, max_size=30))
def test_everything_lies_inside_the_picture(points):
    rows = [HistoryRow(i, s, 1.0, 1.0 - gap, 1, 1, 1) for i, (s, gap) in enumerate(sorted(points))]
    root = ElementTree.fromstring(convergence(rows))
    for element in root.iter():
        for name, most in (("cx", WIDTH), ("x", WIDTH), ("cy", HEIGHT), ("y", HEIGHT)):
            if name in element.attrib:
                assert 0 <= float(element.attrib[name]) <= most
    assert not re.search("nan|inf", " ".join(e.get("d", "") for e in root.iter()))


@given(st.floats(1e-6, 1e9), st.floats(0, 1))
def test_a_printed_interval_holds_the_real_one(upper, gap):
    lower = upper * (1 - gap)
    low, high = map(float, interval_text(lower, upper))
    assert low <= lower * (1 + 1e-15)
    assert high >= upper * (1 - 1e-15)


def test_an_audit_shows_the_excess():
    found = audit(PROBLEM, np.eye(13))
    text = parsed(found._repr_html_())
    assert "excess in" in text
    assert bound_text(found.objective) in text


def test_the_estimator_adds_its_card_to_scikit_learns_diagram():
    model = LMNN(n_components=2)
    assert "LMNN solution" not in model._repr_html_()
    model.fit(DATA.X, DATA.y)
    html = model._repr_html_()
    assert "Learned metric" in html
    assert "sk-" in html
    assert "2 x 13" in html
    assert "Learned metric" in model._repr_mimebundle_()["text/html"]
    with sklearn.config_context(display="text"):
        assert "text/html" not in model._repr_mimebundle_()


def test_a_problem_shows_its_size_and_parameters():
    text = parsed(PROBLEM._repr_html_())
    for part in ("178 of 13 features", "3, of 59, 71, 48 points", "62,574", "0.5"):
        assert part in text
    assert "penalty" not in text
    odd = Problem.from_data(DATA.X, DATA.y, blocks="class", reg=0.5, weights=np.linspace(0.5, 2, 178))
    text = parsed(odd._repr_html_())
    for part in ("3 of 13 x 13", "tr(R) = 6.5", "0.5 to 2"):
        assert part in text
    many = Problem.from_data(np.arange(40.0)[:, None], np.arange(40) // 4, n_neighbors=1)
    assert "10, of 4 to 4 points" in parsed(many._repr_html_())


def test_a_certificate_shows_the_interval_and_what_makes_up_the_gap(solution):
    certificate = solution.certificate
    text = parsed(certificate._repr_html_())
    assert "PROVED" in text
    for part in (*interval_text(certificate.lower_bound, certificate.objective), "complementarity", "repaired"):
        assert part in text
    assert "NO BOUND" in parsed(replace(certificate, lower_bound=-math.inf)._repr_html_())


def test_a_comparison_shows_verdict_and_interval():
    found = compare(DATA.X, DATA.y, n_splits=4)
    text = parsed(found._repr_html_())
    low, high = found.interval
    for part in (found.verdict.name.replace("_", " "), f"{100 * low:+.2f} % to {100 * high:+.2f} %", "4: 124 points"):
        assert part in text
    assert gap_text(found.largest_gap) in text
    same = Comparison(
        wrong_before=np.array([1, 1]),
        wrong_after=np.array([1, 1]),
        n_train=10,
        n_test=5,
        gaps=np.full(2, np.nan),
        statuses=(None, None),
        seconds=np.ones(2),
        classifier_neighbors=1,
        standardize=False,
    )
    text = parsed(same._repr_html_())
    assert "unknown" in text
    assert "none proved" in text


@pytest.mark.parametrize("learner", [LMNN(), LMNNCV(n_neighbors=1, mu=0.5, cv=2), MultiMetricLMNN(tol=1e-2)])
def test_a_pipeline_shows_the_proof_in_the_box_of_its_step(learner):
    steps = [StandardScaler(), learner]
    if hasattr(learner, "transform"):
        steps.append(KNeighborsClassifier(3))
    model = make_pipeline(*steps)
    with sklearn.config_context(display="diagram"):
        assert "optimum in" not in model._repr_html_()
        model.fit(DATA.X, DATA.y)
        html = model._repr_html_()
        assert html.count("OPTIMAL: optimum in [") == 1
        low, high = interval_text(model[1].lower_bound_, model[1].objective_)
        assert f"[{low}, {high}], gap {gap_text(model[1].relative_gap_)}" in html
        assert type(learner).__name__ in html
    with sklearn.config_context(display="text"):
        assert "text/html" not in model._repr_mimebundle_()
