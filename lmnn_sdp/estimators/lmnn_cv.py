"""LMNN with k, mu and the number of components chosen by cross-validation, each fold solved along a warm path."""

from __future__ import annotations

import math
import time
import warnings
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
import numpy.typing as npt
from joblib import Parallel, delayed
from sklearn.exceptions import ConvergenceWarning, FitFailedWarning
from sklearn.metrics import check_scoring
from sklearn.model_selection import check_cv
from sklearn.neighbors import KNeighborsClassifier
from sklearn.utils.validation import check_consistent_length

from lmnn_sdp.estimators.inputs import labelled
from lmnn_sdp.estimators.lmnn import LMNN
from lmnn_sdp.numerics.types import FloatArray, IntArray
from lmnn_sdp.solvers.cut import leading_rows
from lmnn_sdp.solvers.solution import Solution, Status
from lmnn_sdp.validation import check_components, check_grid, check_mu, is_integer

#: Part by which the means of the same scores in another order may differ.
TIE = 1e-12


class LMNNCV(LMNN):
    """LMNN with k, mu and n_components chosen by the held-out score of a k-NN classifier.

    Every fold is one path, by rising k and mu: each problem begins at the solution before it, and one solve serves
    every number of components. The best setting is then fitted to all data. Solutions of one fold never start those of
    another, so no test point has a say in the metric that is tested on it.

    Few test points give many equal scores. Of the settings whose mean score is the highest, up to the rounding of the
    mean, the simplest is chosen: the smallest k, of those the mu nearest to 0.5 (the smaller of two), of those the
    fewest components. So the order of the grid has no say.

    Parameters
    ----------
    n_neighbors : int or sequence of int, default=(1, 3, 5)
        Target neighbours to try.
    mu : float or sequence of float, default=(0.25, 0.5, 0.75)
        Weights of the push term to try.
    n_components : int, None or a sequence of them, default=None
        Numbers of rows of ``components_`` to try; None stands for the rank of M.
    reg : float, default=0.0
        As in `LMNN`.
    minus_one_is_class : bool, default=False
        As in `LMNN`.
    cv : int, splitter or iterable, default=5
        As in `sklearn.model_selection.GridSearchCV`; an integer stands for stratified folds without shuffling.
    classifier_neighbors : int, default=3
        Neighbours of the k-NN classifier that is scored.
    scoring : str or callable, default=None
        As in `GridSearchCV`; None is the share of right predictions.
    tol : float, default=1e-4
        Relative gap at which every solve stops.
    max_iter : int, default=None
        Rounds or iterations of every solve at most; None for no limit.
    time_limit : float, default=None
        Seconds of every solve at most; None for no limit.
    solver : str, default="auto"
        As in `lmnn_sdp.solve`.
    n_jobs : int, default=None
        Folds at a time, as joblib takes it.
    verbose : bool, default=False
        Show the progress of the last fit on standard error.
    random_state : int, RandomState instance or None, default=None
        As in `LMNN`.

    Attributes
    ----------
    best_params_ : dict
        ``n_neighbors``, ``mu`` and ``n_components`` of the highest mean score; of several the simplest, see above.
    best_score_ : float
        Its mean score over the folds. It was chosen for being high, so it is too high an estimate.
    best_index_ : int
        Its position in ``cv_results_``.
    best_estimator_ : LMNN
        Fitted to all data with it; the other attributes of `LMNN` are this one's.
    cv_results_ : dict of arrays
        As of `GridSearchCV`, with ``mean_relative_gap`` beside them: the mean proved gap of the solves, before the cut
        to ``n_components``. The time of a solve is shared by the numbers of components that it served.
    n_splits_ : int
        Folds.

    Examples
    --------
    >>> from lmnn_sdp import LMNNCV
    >>> from lmnn_sdp.datasets import load
    >>> data = load("balance_scale")
    >>> search = LMNNCV(n_neighbors=(1, 3), mu=(0.5, 0.9), tol=1e-2).fit(data.X, data.y)
    >>> sorted(search.best_params_)
    ['mu', 'n_components', 'n_neighbors']
    """

    def __init__(
        self,
        *,
        n_neighbors: Any = (1, 3, 5),
        mu: Any = (0.25, 0.5, 0.75),
        n_components: Any = None,
        reg: float = 0.0,
        minus_one_is_class: bool = False,
        cv: Any = 5,
        classifier_neighbors: int = 3,
        scoring: Any = None,
        tol: float = 1e-4,
        max_iter: int | None = None,
        time_limit: float | None = None,
        solver: str = "auto",
        n_jobs: int | None = None,
        verbose: bool = False,
        random_state: int | np.random.RandomState | None = None,
    ) -> None:
        self.n_neighbors = n_neighbors
        self.mu = mu
        self.n_components = n_components
        self.reg = reg
        self.minus_one_is_class = minus_one_is_class
        self.cv = cv
        self.classifier_neighbors = classifier_neighbors
        self.scoring = scoring
        self.tol = tol
        self.max_iter = max_iter
        self.time_limit = time_limit
        self.solver = solver
        self.n_jobs = n_jobs
        self.verbose = verbose
        self.random_state = random_state

    def fit(self, X: npt.ArrayLike, y: npt.ArrayLike, groups: npt.ArrayLike | None = None) -> LMNNCV:
        """Search the grid, then fit the best setting to all data.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            One row a point; finite numbers.
        y : array-like of shape (n_samples,)
            Class labels: strings, integers or booleans.
        groups : array-like of shape (n_samples,), default=None
            What belongs together, for a splitter such as `sklearn.model_selection.GroupKFold` that keeps points of one
            group on one side of each split.

        Returns
        -------
        LMNNCV
            Itself, fitted.

        Raises
        ------
        ValueError
            As `LMNN.fit`; also for an empty grid, and where every fit of the search fails.

        Warns
        -----
        ConvergenceWarning
            If any solve stopped before the gap reached ``tol``.
        FitFailedWarning
            If some fits fail, as where a class has too few points in one fold; they score nan and rank last.
        """
        X, y = labelled(self, X, y)
        grid = {name: check_grid(getattr(self, name), name) for name in ("n_neighbors", "mu", "n_components")}
        for rows in grid["n_components"]:
            check_components(rows, X.shape[1])
        for mu in grid["mu"]:
            check_mu(mu)
        check_consistent_length(X, groups)
        splits = list(check_cv(self.cv, y, classifier=True).split(X, y, groups))
        paths = Parallel(n_jobs=self.n_jobs)(delayed(_path)(self, grid, X, y, *split) for split in splits)
        self._warn(paths)
        self.cv_results_ = _results(grid, paths)
        self.n_splits_ = len(splits)
        best = np.flatnonzero(self.cv_results_["rank_test_score"] == 1).tolist()
        self.best_index_ = min(best, key=lambda index: _plainness(**self.cv_results_["params"][index]))
        self.best_score_ = float(self.cv_results_["mean_test_score"][self.best_index_])
        self.best_params_ = self.cv_results_["params"][self.best_index_]
        self.best_estimator_ = self._single(**self.best_params_).fit(X, y)
        for name, value in vars(self.best_estimator_).items():
            if name.endswith("_"):
                setattr(self, name, value)
        return self

    def _single(self, **chosen: Any) -> LMNN:
        """An `LMNN` with one setting of the grid, and with what both have as parameters."""
        shared = self.get_params(deep=False).keys() & LMNN().get_params().keys()
        return LMNN(**({name: getattr(self, name) for name in shared} | chosen))

    def _warn(self, paths: list[list[Fit]]) -> None:
        """One warning for all solves that failed, and one for all that stopped early."""
        fits = [fit for path in paths for fit in path]
        failed = [fit for fit in fits if fit.failure]
        if len(failed) == len(fits):
            raise ValueError(f"every fit of the search failed; the first: {failed[0].failure}")
        if failed:
            message = f"{len(failed)} of {len(fits)} fits of the search failed and score nan; the first: "
            warnings.warn(message + failed[0].failure, FitFailedWarning, stacklevel=3)
        short = [(fit.gap, fit.status.value) for fit in fits if fit.status is not None and not fit.status.solved]
        if short:
            message = f"{len(short)} of {len(fits)} fits of the search are not at tol={self.tol:g}"
            worst, reason = max(short)
            warnings.warn(
                f"{message}; the widest proved relative gap is {worst:.1e}. {reason}",
                ConvergenceWarning,
                stacklevel=3,
            )


def _plainness(n_neighbors: Any, mu: float, n_components: int | None) -> tuple[float, ...]:
    """What the settings of equal score are ordered by."""
    return _size(n_neighbors), abs(mu - 0.5), mu, _size(n_components)


def _size(count: Any) -> float:
    """A number; infinite for ``"auto"`` and None, which stand for as many as there can be."""
    return float(count) if is_integer(count) else math.inf


@dataclass(frozen=True)
class Fit:
    """One setting on one fold: held-out score, proved gap before the cut, status, seconds, and why it failed if so."""

    score: float
    gap: float
    status: Status | None
    fit_seconds: float
    score_seconds: float
    failure: str = ""


def _path(
    search: LMNNCV,
    grid: dict[str, tuple[Any, ...]],
    X: FloatArray,
    y: npt.NDArray[np.generic],
    train: IntArray,
    test: IntArray,
) -> list[Fit]:
    """All settings on one fold, each solve begun at the one before it in mu, or at the first of the k before."""
    fits: dict[tuple[Any, Any], list[Fit]] = {}
    first_of_k: Solution | None = None
    for k in sorted(grid["n_neighbors"], key=_size):
        start, first_of_k = first_of_k, None
        for mu in sorted(grid["mu"]):
            begin = time.perf_counter()
            try:
                solution = _solved(search, X[train], y[train], k, mu, start)
            except ValueError as error:  # such as too few points of a class, or a singular pull, in this fold alone
                failure = Fit(math.nan, math.nan, None, time.perf_counter() - begin, 0.0, str(error))
                fits[k, mu] = [failure] * len(grid["n_components"])
                continue
            start, first_of_k = solution, first_of_k or solution
            seconds = (time.perf_counter() - begin) / len(grid["n_components"])
            fits[k, mu] = [_scored(search, solution, rows, X, y, train, test, seconds) for rows in grid["n_components"]]
    return [fit for k in grid["n_neighbors"] for mu in grid["mu"] for fit in fits[k, mu]]


def _solved(
    search: LMNNCV, X: FloatArray, y: npt.NDArray[np.generic], k: int, mu: float, start: Solution | None
) -> Solution:
    """One problem, begun at a solution of another where the solver can."""
    solution = search._solve(search._problem(X, y, k, mu), start if search._can_begin else None)
    if solution.status is Status.INTERRUPTED:
        raise KeyboardInterrupt  # which the solver took as a wish to keep its best metric so far
    return solution


def _scored(
    search: LMNNCV,
    solution: Solution,
    n_components: int | None,
    X: FloatArray,
    y: npt.NDArray[np.generic],
    train: IntArray,
    test: IntArray,
    seconds: float,
) -> Fit:
    """The held-out score of k-NN behind the leading rows of the solution's map."""
    L = leading_rows(solution, n_components)
    begin = time.perf_counter()
    knn = KNeighborsClassifier(search.classifier_neighbors).fit(X[train] @ L.T, y[train])
    score = float(check_scoring(knn, search.scoring)(knn, X[test] @ L.T, y[test]))
    return Fit(score, solution.relative_gap, solution.status, seconds, time.perf_counter() - begin)


def _results(grid: dict[str, tuple[Any, ...]], paths: list[list[Fit]]) -> dict[str, Any]:
    """Scores, seconds and gaps under the names that scikit-learn gives them."""
    settings = [dict(zip(grid, values, strict=True)) for values in product(*grid.values())]
    results: dict[str, Any] = {"params": settings}
    for name in grid:
        column = np.empty(len(settings), dtype=object)
        column[:] = [setting[name] for setting in settings]
        results[f"param_{name}"] = np.ma.MaskedArray(column)
    scores = np.array([[fit.score for fit in path] for path in paths])
    results |= {f"split{fold}_test_score": row for fold, row in enumerate(scores)}
    measured = {
        "test_score": scores,
        "fit_time": np.array([[fit.fit_seconds for fit in path] for path in paths]),
        "score_time": np.array([[fit.score_seconds for fit in path] for path in paths]),
    }
    for name, values in measured.items():
        results |= {f"mean_{name}": values.mean(axis=0), f"std_{name}": values.std(axis=0)}
    mean = np.nan_to_num(results["mean_test_score"], nan=-np.inf)
    above = [np.count_nonzero((mean > value) & ~np.isclose(mean, value, rtol=TIE, atol=0)) for value in mean]
    results["rank_test_score"] = np.array(above, dtype=np.int32) + np.int32(1)
    results["mean_relative_gap"] = np.array([[fit.gap for fit in path] for path in paths]).mean(axis=0)
    return results
