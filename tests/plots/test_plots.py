import matplotlib
import numpy as np
import pytest

from lmnn_sdp import Comparison, plots, solve
from lmnn_sdp.analysis.summaries import largest_difference, margin_histogram, spectrum
from lmnn_sdp.problem.scale import euclidean_scale
from problems import blobs

SWEEP = {
    "title": "points",
    "along": "n",
    "exponent": 1.0,
    "sizes": [10, 20],
    "seconds": [1.0, 2.0],
    "parts": {"passes": [0.5, 1.5], "rest": [0.5, 0.5]},
}


def counted(before, after):
    """A comparison with these counts of errors in 30 points."""
    n = len(before)
    return Comparison(
        wrong_before=np.array(before),
        wrong_after=np.array(after),
        n_train=70,
        n_test=30,
        gaps=np.full(n, np.nan),
        statuses=(None,) * n,
        seconds=np.ones(n),
        classifier_neighbors=3,
        standardize=False,
    )


@pytest.fixture(scope="module")
def solved():
    problem = blobs(n=30, d=2)
    return problem, solve(problem)


def test_every_figure_is_written_as_svg_and_png(solved, tmp_path):
    problem, solution = solved
    history = {"scs": solution.history}
    figures = {
        "convergence": plots.convergence(history, "title"),
        "gaps": plots.convergence(history, one_problem=False),
        "working_set": plots.working_set(history, {"scs": problem.n_triplets}),
        "margins": plots.margins(*margin_histogram(problem, solution)),
        "spectrum": plots.spectrum({"blobs": spectrum(solution)}),
        "plane": plots.plane(problem, solution.M),
        "excess": plots.excess(
            {name: {"a": [(0.1, 1e-2), (1.0, 1e-9), (2.0, -1e-17)], "b": [(0.0, 5.0)], "c": []} for name in "xyz"}
        ),
        "scaling": plots.scaling([SWEEP, SWEEP]),
        "solved": plots.solved({"all": {"a": ([0.1, 2.0, 1e-9], 4), "b": ([], 2)}, "none": {"a": ([], 0)}}),
        "comparison": plots.comparison(counted([3, 4, 6], [1, 2, 7]), "blobs"),
    }
    for name, figure in figures.items():
        for path in plots.save(figure, tmp_path, name):
            assert path.stat().st_size > 1000, path.name


def test_shares_rise_to_what_is_solved():
    axes = plots.solved({"all": {"a": ([2.0, 0.5, 1.0], 4), "b": ([], 2)}}).axes[0]
    first, second = axes.get_lines()
    assert first.get_xdata().tolist() == pytest.approx([1 / 3, 0.5, 1, 2, 3])
    assert first.get_ydata().tolist() == [0, 25, 50, 75, 75]
    assert second.get_ydata().tolist() == [0, 0]
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["a (3 of 4)", "b (0 of 2)"]


def test_the_same_figure_gives_the_same_bytes(solved, tmp_path):
    problem, solution = solved
    files = [
        plots.save(plots.plane(problem, solution.M), tmp_path / side, "plane")[0].read_bytes() for side in ("a", "b")
    ]
    assert files[0] == files[1]


def test_the_callers_style_is_left_alone(solved):
    before = dict(matplotlib.rcParams)
    plots.spectrum({"a": [1.0, 0.5]})
    assert dict(matplotlib.rcParams) == before


def test_a_metric_of_rank_one_can_be_drawn(solved, tmp_path):
    problem, _ = solved
    assert plots.save(plots.plane(problem, np.diag([1.0, 0.0])), tmp_path, "line")[0].exists()


@pytest.mark.parametrize("after", [[3, 4, 6, 6], [1, 2, 4, 4], [0, 1, 1, 2], [9, 9, 9, 8]])
def test_a_comparison_is_titled_with_its_verdict_and_shows_every_split(after):
    found = counted([3, 4, 6, 6], after)
    figure = plots.comparison(found, "blobs")
    assert figure.get_suptitle() == f"blobs: {found.verdict.value}"
    left, right = figure.axes
    shown = [line.get_ydata().tolist() for line in left.lines[:4]]  # then come the bars of the means
    np.testing.assert_allclose(shown, 100 * np.column_stack([found.before.values, found.after.values]))
    dots = right.collections[0].get_offsets()
    np.testing.assert_allclose(dots[:, 0], 100 * found.difference.values)
    assert len(np.unique(dots, axis=0)) == 4  # none hides another
    low, high = right.get_xlim()
    assert low == -high
    assert all(low < end < high for end in 100 * np.array(found.interval or [0.0]))


def test_the_plane_is_for_two_dimensions():
    with pytest.raises(ValueError, match="3 dimensions; this picture is for 2"):
        plots.plane(blobs(n=20, d=3), np.eye(3))


def test_histograms_count_every_triplet(solved):
    problem, solution = solved
    edges, before, after = margin_histogram(problem, solution)
    assert sum(before) == sum(after) == problem.n_triplets
    assert min(abs(edge - 1) for edge in edges) < 1e-12  # the kink is an edge


def test_histograms_of_too_many_triplets_are_refused(solved, monkeypatch):
    monkeypatch.setattr("lmnn_sdp.analysis.summaries.MAX_HISTOGRAM_TRIPLETS", 10)
    with pytest.raises(ValueError, match="too many for a histogram"):
        margin_histogram(*solved)


def test_the_euclidean_scale_is_the_best_on_its_grid(solved):
    problem, _ = solved
    c = euclidean_scale(problem)
    best = problem.objective(c * np.eye(2))
    assert best <= min(problem.objective(c * factor * np.eye(2)) for factor in (0.5, 2**-0.25, 2**0.25, 2))


def test_largest_difference_is_relative():
    assert largest_difference([np.eye(2), np.eye(2) * 2]) == 0.5
    assert largest_difference([np.zeros((2, 2))]) == 0.0
