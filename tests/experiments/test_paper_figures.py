"""The figures of the paper made again: each part against a slower or a plainer way to the same numbers."""

import json

import numpy as np
import pytest

import paper
import paper_figures
from harness.paper_figures import circles, stripes
from harness.paper_figures.ellipses import ellipse
from harness.paper_figures.reduction import descent, learned_pca
from harness.paths import RESULTS
from lmnn_sdp import Problem, solve
from lmnn_sdp.datasets import load
from lmnn_sdp.solvers.low_rank import best_map


@pytest.mark.parametrize("kind", [stripes.PLAIN, stripes.Stripes(stripes=5, height=3, offset=7, gap=0.25)])
def test_stripes_alternate_in_both_modes_and_leave_the_gap(kind):
    X, y = kind.draw(4000, np.random.default_rng(1))
    right = X[:, 0] >= kind.offset
    assert np.count_nonzero(right) == 2000
    across = (X[:, 0] - kind.offset * right) * kind.stripes
    assert across.min() >= 0
    assert across.max() <= kind.stripes
    assert np.array_equal(np.floor(across).astype(int) % 2, y)
    from_side = np.minimum(across % 1, 1 - across % 1)
    assert kind.gap / 2 - 1e-9 <= from_side.min() <= kind.gap / 2 + 0.01
    assert 0 <= X[:, 1].min() < X[:, 1].max() <= kind.height
    for side in (right, ~right):
        filled = np.unique(np.floor(across[side]).astype(int), return_counts=True)
        assert filled[0].tolist() == list(range(kind.stripes))
        assert filled[1].min() > 0.7 * 2000 / kind.stripes


def test_training_and_test_points_of_stripes_are_other_draws_and_lmnn_is_proved():
    found = stripes.measure(stripes.Stripes(stripes=4), 200, range(2), ["input space", "LMNN", "RCA"])
    assert found["methods"]["LMNN"]["largest_gap"] <= stripes.TOL
    assert found["methods"]["input space"]["percent"] > 0  # training points would be their own neighbours
    assert found["methods"]["RCA"]["from_horizontal_degrees"][0] > 80  # modes far apart look like noise to it


@pytest.mark.parametrize("seed", range(5))
def test_ellipse_is_the_image_of_the_unit_circle(seed):
    A = np.random.default_rng(seed).normal(size=(2, 2))
    M = A.T @ A
    long, short, degrees = ellipse(M)
    values, Q = np.linalg.eigh(M)
    turn = np.linspace(0, 2 * np.pi, 100_001)
    image = np.column_stack([np.cos(turn), np.sin(turn)]) @ (Q * np.sqrt(values) @ Q.T)
    reach = np.linalg.norm(image, axis=1)
    assert np.isclose(long, reach.max(), rtol=1e-6)
    assert np.isclose(short, reach.min(), rtol=1e-3, atol=1e-6)
    furthest = image[np.argmax(reach)]
    assert abs(np.sin(np.radians(degrees) - np.arctan2(furthest[1], furthest[0]))) < 1e-3
    assert 0 <= degrees < 180
    # any other map of that metric differs by a turn only: its image has the same half axes
    other = np.linalg.norm(np.column_stack([np.cos(turn), np.sin(turn)]) @ A.T, axis=1)
    assert np.isclose(other.max(), long, rtol=1e-6)


@pytest.mark.parametrize(
    "kind", [circles.PLAIN, circles.Circles(staggered=True, ratio=0.8), circles.Circles(points=48)]
)
def test_every_nearest_neighbour_on_the_circles_is_of_the_other_class(kind):
    X, y = kind.draw()
    assert np.bincount(y).tolist() == [kind.points, kind.points]
    distance = np.linalg.norm(X[:, None] - X[None], axis=2)
    np.fill_diagonal(distance, np.inf)
    assert (y[np.argmin(distance, axis=1)] != y).all()
    radii = [np.linalg.norm(X[y == code], axis=1) for code in (0, 1)]
    assert max(np.ptp(radius) for radius in radii) < 1e-12
    assert 1 < radii[1][0] / radii[0][0] < 1.15


@pytest.mark.parametrize("count", [1, 3])
def test_errors_left_one_out_are_those_of_all_pairs(count):
    kind = circles.Circles(points=24)
    X, y = kind.draw()
    model = circles.fit(kind, count)
    assert model.relative_gap_ <= circles.TOL
    metrics, wrong = model.get_mahalanobis_matrices(), []
    for i in range(len(X)):
        distances = [
            np.inf if i == j else (X[i] - X[j]) @ metrics[model.block_of_[j]] @ (X[i] - X[j]) for j in range(len(X))
        ]
        nearest = np.flatnonzero(np.isclose(distances, min(distances), rtol=1e-9))
        wrong.append({bool(flag) for flag in y[nearest] != y[i]})
    ours = circles.wrong_left_one_out(model, X, y)
    assert all(flag in allowed for flag, allowed in zip(ours.tolist(), wrong, strict=True))


def test_two_metrics_on_halves_of_the_circle_are_round():
    found = circles.measure(circles.Circles(points=48), (2,), shapes=True)["counts"][0]
    assert all(long / short < 1.02 for long, short, _ in found["ellipses"])
    assert found["percent"] == 100


def test_learned_pca_keeps_the_most_variance_of_the_mapped_points():
    data = load("wine").standardized()
    L = np.random.default_rng(0).normal(size=(5, 13))
    kept = np.var(data.X @ learned_pca(data.X, L, 2).T, axis=0).sum()
    values = np.linalg.eigvalsh(np.cov((data.X @ L.T).T, bias=True))
    assert np.isclose(kept, values[-2:].sum())


def test_descent_from_one_start_is_as_good_as_that_of_the_estimator():
    data = load("wine").standardized()
    problem = Problem.from_data(data.X, data.y)
    convex = solve(problem, tol=1e-6)
    L, objective = descent(problem, learned_pca(data.X, convex.components, 2))
    assert np.isclose(problem.objective(L.T @ L), objective, rtol=1e-9)
    starts = best_map(problem, convex, 2, 0, np.random.RandomState(0)).starts
    assert convex.lower_bound <= objective <= 1.01 * min(row.end for row in starts)


@pytest.mark.slow
def test_without_mnist_its_figures_are_left_out_with_a_message(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(paper_figures, "SHARED_DATA", tmp_path / "nowhere")
    monkeypatch.setattr("sys.argv", ["paper_figures.py", "--quick", "--out", str(tmp_path)])
    paper_figures.main()
    assert "figures 8 and 13 are left out" in capsys.readouterr().out
    result = json.loads((tmp_path / "paper_figures.json").read_text())
    assert {"stripes", "circles"} <= set(result)
    assert not {"digits_plane", "reduction"} & set(result)


def test_committed_results_are_proved_and_drawn():
    result = json.loads((RESULTS / "paper_figures.json").read_text())
    runs = [result["stripes"]["plain"], *result["stripes"]["variants"]]
    assert max(run["methods"]["LMNN"]["largest_gap"] for run in runs) <= 1e-6
    rows = [row for run in (result["circles"]["plain"], *result["circles"]["variants"]) for row in run["counts"]]
    assert max(row["gap"] for row in rows) <= 1e-6
    assert result["digits_plane"]["gap"] <= 1e-6
    for name, figure in paper.pictures(result).items():
        assert all(axes.get_title(loc="left") for axes in figure.axes)
        if name != "paper_07":  # places in the plane
            assert all(axes.get_ylabel() for axes in figure.axes)
            assert all(axes.get_xlabel() or any(axes.get_xticklabels()) for axes in figure.axes)
