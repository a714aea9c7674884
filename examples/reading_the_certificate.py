"""Reading the certificate
=======================

What it says, what it rests on, and how to check it with ten lines of NumPy.

The certificate is an interval [lower bound, objective]. The objective is a sum over all triplets (i, j, l): point i,
a target neighbour j of its class, and a point l of another class, which should be further from i than j by a margin
of 1. The lower bound is a sum of multipliers alpha, one a triplet. It holds for EVERY metric if

    0 <= alpha <= mu    and    S = (1 - mu) C - sum_t alpha_t A_t    has no negative eigenvalue,

where C sums (x_i - x_j)(x_i - x_j)' over the target pairs and A_t = (x_i - x_l)(x_i - x_l)' - (x_i - x_j)(x_i - x_j)'.
So a proof is a list of triplets with their multipliers, and whoever has it needs to trust no solver.

What you see. Left and middle: every triplet that violates its margin or is near it, counted in the legend, after a
descent that was stopped early and at the optimum. At the optimum they form a staircase: triplets beyond their margin
have alpha = 0 (idle), those that violate it have alpha = mu, and only at the margin itself may alpha lie between. Each
point off the staircase costs some of the gap, and the residuals tell how much: `push_slackness` is what violated
triplets with alpha < mu cost, `margin_slackness` what idle ones with alpha > 0 cost, and `complementarity` is <S, M>;
together they are the gap. On the right is that last one at the optimum: the directions in which the metric measures
are those in which the slack S is zero, and the reverse.
"""

from dataclasses import asdict

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_wine
from sklearn.preprocessing import StandardScaler

from _common import interval, save_picture, scientific
from lmnn_sdp import Problem, Solution, certify, solve

MU = 0.5
NEAR = 0.5  # draw triplets up to this far beyond their margin


def outer_sum(X, a, b, weights):
    """Sum of w (x_a - x_b)(x_a - x_b)' over pairs of points."""
    D = X[a] - X[b]
    return (D * weights[:, None]).T @ D


def dual_slack(problem: Problem, triplets, alpha):
    """The matrix S that must have no negative eigenvalue."""
    i, j, l = triplets.T
    push = outer_sum(problem.X, i, l, alpha) - outer_sum(problem.X, i, j, alpha)
    points, targets = problem.target_pairs()
    return (1 - MU) * outer_sum(problem.X, points, targets, np.ones(len(points))) - push


def staircase(problem: Problem, solution: Solution):
    """Margin d(i, l) - d(i, j) and multiplier of every triplet that is near its margin or violates it."""
    near = problem.hinges(solution.components, slack=NEAR)
    known = dict(zip(problem.keys(solution.triplets).tolist(), solution.alpha, strict=True))
    alpha = np.array([known.get(key, 0.0) for key in problem.keys(near.triplets).tolist()])
    return 1 - near.values, alpha


def draw_staircase(axes, margins, alpha, title, total):
    """Multipliers against margins, by what the triplets are."""
    at_margin = np.abs(margins - 1) < 1e-6
    kinds = {
        "violated, below the margin 1": (margins < 1) & ~at_margin,
        "at the margin": at_margin,
        f"idle, up to {NEAR} beyond it": (margins > 1) & ~at_margin,
    }
    for color, (name, members) in zip(("C1", "C0", "#777777"), kinds.items(), strict=True):
        label = f"{name}: {np.count_nonzero(members)}"
        axes.scatter(margins[members], alpha[members], s=12, color=color, alpha=0.6, linewidth=0, label=label)
    axes.plot([margins.min(), 1, 1, 1 + NEAR], [MU, MU, 0, 0], color="black", linewidth=0.7, zorder=0)
    axes.set(xlabel="margin: d to the impostor less d to the target", ylim=(-0.03, 1.55 * MU), title=title)
    axes.set_yticks([0, MU / 2, MU], ["0", "mu/2", "mu"])
    rest = f"Triplets drawn. The other {total - len(margins):,} are idle too."
    axes.legend(loc="upper left", markerscale=1.8, title=rest, title_fontsize=8.5, alignment="left")


X, y = load_wine(return_X_y=True)
problem = Problem.from_data(StandardScaler().fit_transform(X), y, n_neighbors=3, mu=MU)
early = solve(problem, solver="pgd", max_iter=100, warn=False)  # plain descent, stopped on purpose
best = solve(problem, tol=1e-9)

# where the descent stands after so many steps depends on how a processor rounds, so less of it is printed
for name, solution, unit in (("early", early, "50"), ("optimum", best, "0.001")):
    certificate = solution.certificate
    print(f"{name}: {interval(certificate.lower_bound, certificate.objective, unit)}")
    parts = [asdict(certificate.residuals)[part] for part in ("complementarity", "push_slackness", "margin_slackness")]
    print(f"  gap {certificate.absolute_gap:.1e} = {' + '.join(f'{part:.1e}' for part in parts)}")

S = dual_slack(problem, best.triplets, best.alpha)
feasible = best.alpha.min() >= 0 and best.alpha.max() <= MU and np.linalg.eigvalsh(S)[0] >= 0
proved = np.floor(1000 * best.alpha.sum()) / 1000
print(f"by hand: {len(best.alpha)} multipliers, feasible: {feasible}, so no metric is below {proved}")

# a forged proof: the multipliers are repaired before they count, and the bound they prove is what is left
forged = certify(problem, best.M, best.triplets, 1.05 * best.alpha)
print(f"multipliers raised by 5 %: {forged.lower_bound:.4f} proved, dual_psd {forged.residuals.dual_psd:.3f}")

figure, (left, middle, right) = plt.subplots(1, 3, figsize=(10.2, 4.0), width_ratios=(1, 1, 0.75))
middle.sharex(left)
draw_staircase(
    left, *staircase(problem, early), f"Stopped early, gap {early.relative_gap:.0%}: scattered", problem.n_triplets
)
draw_staircase(
    middle, *staircase(problem, best), f"Optimum, gap {scientific(best.relative_gap)}: a staircase", problem.n_triplets
)
left.set_ylabel("multiplier alpha")

metric, slack = np.linalg.eigvalsh(best.M)[::-1], np.linalg.eigvalsh(S)  # S M = 0: where one is positive the other is 0
directions = np.arange(1, len(metric) + 1)
right.bar(directions, metric / metric.max(), color="C2", label="metric M, upwards")
right.bar(directions, -slack / slack.max(), color="C3", label="slack S, downwards")
right.axhline(0, color="black", linewidth=0.7)
right.set(xlabel="direction", ylabel="eigenvalue, relative to the largest")
right.set_title("Where M measures, S is zero")
right.set_xticks(directions[::2])
right.set_yticks([-1, -0.5, 0, 0.5, 1], ["1", "0.5", "0", "0.5", "1"])
right.legend()
save_picture(figure)
