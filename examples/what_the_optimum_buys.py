"""What the optimum buys, and what it does not
===========================================

Held-out error and the metric itself on the way to the optimum.

A plain descent is stopped after 1, 3, 10, ... steps and the default solver at three tolerances. Each metric so had is
judged twice: how often 3-NN errs with it on the half of the data that was held out, and how far it is from the
optimal metric. The horizontal axis is the gap that is proved for it, so time runs to the right.

What you see. On the left, wine gains from a learned metric and breast_cancer does not (dashed: plain Euclidean
distance); in both the error is that of the optimum, within what the splits can tell, long before the gap is small. So
a proof of the optimum is NOT a promise of fewer errors: those depend on k, mu, scaling and the number of points, and
are judged by cross-validation. What the proof does settle is whose fault it is where learning does not help: not that
of a descent that stopped too early, but that of the model.

On the right is what the last digits do buy. While the gap is some per cent the metric is still off by a tenth or more,
in a direction that the solver, its start and its step size decide; at the optimum all of that is gone. Anyone with
the same data gets the same metric from any solver (the last line printed compares two that share no step), and two
objectives can be compared, because neither is an accident of where a descent ended.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_breast_cancer, load_wine
from sklearn.model_selection import StratifiedShuffleSplit
from sklearn.neighbors import KNeighborsClassifier
from sklearn.preprocessing import StandardScaler

from _common import save_picture
from lmnn_sdp import Problem, Solution, certify, solve

STEPS = (3, 10, 20, 40, 80)  # of the descent
TOLERANCES = (1e-2, 1e-4, 1e-6)  # of the default solver
SPLITS = 8


def stops(problem: Problem) -> list[Solution]:
    """Solutions that were stopped earlier or later; the last is the optimum."""
    early = [solve(problem, solver="pgd", max_iter=steps, warn=False) for steps in STEPS]
    return early + [solve(problem, tol=tol) for tol in TOLERANCES]


def held_out_error(components, train, test):
    """Per cent of the test points that 3-NN gets wrong in the coordinates of the metric."""
    (X_train, y_train), (X_test, y_test) = train, test
    knn = KNeighborsClassifier(3).fit(X_train @ components.T, y_train)
    return 100 * np.mean(knn.predict(X_test @ components.T) != y_test)


def judge(train, test):
    """Error of the plain Euclidean distance; proved gap, error and distance to the optimal M of every stop."""
    problem = Problem.from_data(*train)
    found = stops(problem)
    best = found[-1]
    rows = []
    for solution in found:
        # the multipliers of the optimum prove a gap for any metric
        proved = certify(problem, solution.M, best.triplets, best.alpha)
        distance = np.linalg.norm(solution.M - best.M) / np.linalg.norm(best.M)
        rows.append((proved.relative_gap, held_out_error(solution.components, train, test), distance))
    return held_out_error(np.eye(problem.n_features), train, test), np.array(rows)


def halves(X, y):
    """Standardised training and test data of several random splits."""
    for train, test in StratifiedShuffleSplit(SPLITS, train_size=0.4, random_state=0).split(X, y):
        scaler = StandardScaler().fit(X[train])
        yield (scaler.transform(X[train]), y[train]), (scaler.transform(X[test]), y[test])


def mean_and_error(values):
    """Mean over the splits and its standard error."""
    return values.mean(axis=0), values.std(axis=0, ddof=1) / np.sqrt(len(values))


figure, (errors, distances) = plt.subplots(1, 2, figsize=(9.2, 3.9))
for (color, marker), load in {("C0", "o"): load_wine, ("C1", "s"): load_breast_cancer}.items():
    name = load.__name__.removeprefix("load_")
    plain, learned = zip(*[judge(*split) for split in halves(*load(return_X_y=True))], strict=True)
    gap, error, distance = np.moveaxis(np.array(learned), 2, 0)  # each: split, stop
    x = np.median(gap, axis=0)

    level, spread = mean_and_error(np.array(plain))
    errors.axhspan(level - spread, level + spread, color=color, alpha=0.1, linewidth=0)
    errors.axhline(level, color=color, linestyle="--", linewidth=1.2, label=f"{name}, Euclidean")
    errors.errorbar(x, *mean_and_error(error), color=color, marker=marker, capsize=2, label=f"{name}, learned")
    distances.plot(x[:-1], np.median(distance, axis=0)[:-1], color=color, marker=marker)

    print(f"{name}: {level:.1f} % errors with the Euclidean distance, {error[:, -1].mean():.1f} % at the optimum")
    for stop in (0, 3):
        more, uncertain = mean_and_error(error[:, stop] - error[:, -1])
        print(f"  at a gap of {x[stop]:.0%}: {more:+z.1f} +- {uncertain:.1f} points more than at the optimum")

train, _ = next(halves(*load_wine(return_X_y=True)))
problem = Problem.from_data(*train)
newton, scs = solve(problem, solver="newton"), solve(problem, solver="scs")
apart = np.linalg.norm(newton.M - scs.M) / np.linalg.norm(newton.M)
print(f"two solvers: objectives {newton.objective:.3f} and {scs.objective:.3f}, metrics {apart:.0e} apart")

errors.set(xscale="log", xlabel="proved gap (the optimum is to the right)", ylabel="held-out errors, %")
errors.set_title("The optimum buys no fewer errors")
distances.set(
    xscale="log",
    yscale="log",
    xlabel="proved gap (the optimum is to the right)",
    ylabel="|M - optimal M| / |optimal M|",
)
distances.set_title("It buys one answer, the optimal metric")
for axes in (errors, distances):
    axes.invert_xaxis()
errors.fill_between(
    [], [], color="#777777", alpha=0.2, linewidth=0, label=f"bands and bars: standard error, {SPLITS} splits"
)
figure.legend(*errors.get_legend_handles_labels(), loc="outside lower center", ncols=3)
save_picture(figure)
