import matplotlib
import numpy as np
import pytest
from matplotlib.colors import to_hex

from lmnn_sdp import Comparison, Problem, plots, solve
from lmnn_sdp.analysis.summaries import largest_difference, margin_histogram, spectrum, violated
from lmnn_sdp.datasets import load
from lmnn_sdp.plots.style import SOLVERS
from lmnn_sdp.problem.scale import euclidean_scale
from lmnn_sdp.solvers.solution import HistoryRow
from problems import blobs

SWEEP = {
    "data": "blobs",
    "fixed": "2 features",
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


def title(axes):
    return axes.get_title(loc="left")


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
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["a: 3 of 4 solved", "b: 0 of 2 solved"]


def test_kinds_that_one_solver_solves_share_its_colour():
    figure = plots.solved({"both": {"newton": ([1.0], 1), "scs": ([1.0], 1)}, "kinds": {"a": ([1.0], 1), "b": ([], 1)}})
    (newton, scs), kinds = (axes.get_lines() for axes in figure.axes)
    with matplotlib.style.context(plots.STYLE):  # C0 is a colour of the style
        own, other, *alike = (to_hex(line.get_color()) for line in (newton, scs, *kinds))
    assert alike == [own, own]
    assert other != own
    assert kinds[0].get_linestyle() != kinds[1].get_linestyle()


def test_a_solver_looks_the_same_in_every_figure():
    rows = [HistoryRow(k, 0.5 + k, 2.0, 1.0, 1, 1, 1) for k in range(2)]
    points = [(0.1, 1e-2)]
    alone = plots.excess({"a": {"pgd": points}, "b": {"scs": points, "pgd": points}})
    curves = plots.convergence({"newton": rows, "pgd": rows})
    looks = [
        (line.get_color(), line.get_marker())
        for axes in (*alone.axes, curves.axes[1])
        for line in axes.lines
        if line.get_label() == SOLVERS["pgd"].label
    ]
    assert len(looks) == 3
    assert len(set(looks)) == 1
    assert len({(own.color, own.marker) for own in SOLVERS.values()}) == len(SOLVERS)


def test_what_is_missing_is_told_below_its_panel():
    panels = {"small": {"a": [(0.1, 1e-2)]}, "large": {"a": [(0.1, 1e-2)]}}
    small, large = plots.excess(panels, {"small": "", "large": "not tried: b"}).axes
    assert small.get_xlabel() == "seconds"
    assert large.get_xlabel() == "seconds\nnot tried: b"


def test_scaling_is_titled_with_what_twice_the_size_costs():
    total, shares = plots.scaling([SWEEP], {"passes": "all points are searched"}).axes
    assert title(total) == "blobs: points $\\times$ 2, seconds $\\times$ 2.0"
    assert shares.get_legend_handles_labels()[1] == ["all points are searched", "rest"]


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
    triplets = problem.all_triplets()
    assert violated(edges, after) == np.sum(problem.margins(solution.L, triplets) < 1 - 1e-6)


def test_margins_of_data_on_a_grid_have_a_bin_each():
    data = load("balance_scale").standardized()
    problem = Problem.from_data(data.X, data.y)
    solution = solve(problem)
    edges, before, after = margin_histogram(problem, solution)
    margins = problem.margins(solution.L, problem.all_triplets())
    step = edges[1] - edges[0]
    places = (margins - edges[0]) / step % 1
    np.testing.assert_allclose(places[margins < edges[-1]], 0.5, atol=1e-2)  # in the middle of a bin
    assert step == pytest.approx(1)
    assert min(before[1:]) > 0
    assert sum(before) == sum(after) == problem.n_triplets
    assert violated(edges, after) == np.sum(margins < 1 - 1e-6)
    drawn = plots.margins(edges, before, after).axes[0]
    assert f"{100 * violated(edges, after) / problem.n_triplets:.2f} % after" in title(drawn)
    own = int(np.argmin(np.abs(np.array(edges[1:]) + edges[:-1] - 2)))  # the bin of the margin itself
    assert drawn.patches[0].get_data().edges[own] == pytest.approx(1)
    assert f"{after[own]:,} at the margin itself" in drawn.texts[0].get_text()


def test_a_spectrum_goes_as_far_as_the_rank(solved):
    _, solution = solved
    assert len(spectrum(solution)) == solution.certificate.rank
    drawn = plots.spectrum({"a": [4.0, 1.0], "b": [1.0]}).axes[0]
    assert title(drawn) == "The metric measures in 1 to 2 directions"
    drawn = plots.spectrum({"a": [4.0, 1.0], "b": [1.0]}, {"a": 2, "b": 3}).axes[0]
    assert title(drawn) == "1 of 2 metrics measure in fewer directions than there are features"
    assert [text.get_text() for text in drawn.get_legend().get_texts()] == ["a: 2 of 2", "b: 1 of 3"]


def test_a_solve_known_at_its_end_only_is_a_filled_and_a_hollow_dot_that_a_line_joins():
    rows = [HistoryRow(0, 0.5, 2.0, 1.0, 1, 1, 1)]
    figure = plots.convergence({"once": rows, "twice": [*rows, HistoryRow(1, 1.0, 1.5, 1.4, 1, 1, 1)]})
    joined, filled, hollow = figure.axes[0].lines[:3]
    assert list(joined.get_xdata()) == [0.5, 0.5]
    assert list(joined.get_ydata()) == [*filled.get_ydata(), *hollow.get_ydata()]
    assert hollow.get_markerfacecolor() == "white" != filled.get_markerfacecolor()
    names = [text.get_text() for text in figure.legends[0].get_texts()]
    assert names == ["once: known at its end only", "twice", "objective", "lower bound"]


def test_the_plane_explains_every_mark_and_counts_the_impostors(solved):
    problem, solution = solved
    figure = plots.plane(problem, solution.M, points=[0])
    names = " ".join(text.get_text() for text in figure.legends[0].get_texts())
    assert all(word in names for word in ("looked at", "target", "margin", "impostor", "from the mean"))
    V = problem.X @ solution.L.T
    squares = np.sum((V - V[0]) ** 2, axis=1)
    near = squares < 1 + squares[problem.targets[0]].max()
    count = np.count_nonzero(near & (problem.codes != problem.codes[0]))
    assert title(figure.axes[1]) == f"After, coordinates Lx: {count} impostors"


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
