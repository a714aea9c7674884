"""Tells what another package is, in that package's environment: ``python peer_probe.py package < job.json``.

The job holds data and maps as lists; the answer goes to standard output as JSON. Nothing of lmnn_sdp is needed here,
but for the stub of GPyOpt, which stands in experiments.
"""

import inspect
import json
import sys
import warnings
from pathlib import Path

import numpy as np

sys.path.append(str(Path(__file__).resolve().parents[2] / "experiments"))


def own_methods(cls):
    """Public methods that are not scikit-learn's."""
    owner = {name: next(c for c in cls.__mro__ if name in vars(c)) for name in dir(cls) if not name.startswith("_")}
    return sorted(name for name, c in owner.items() if not c.__module__.startswith("sklearn"))


def learned(model):
    """Attributes that a fit has set."""
    return sorted(name for name in vars(model) if name.endswith("_") and not name.startswith("_"))


def estimator(cls, model):
    """Names of an estimator, and whether it names its output features."""
    return {
        "parameters": list(inspect.signature(cls).parameters),
        "attributes": learned(model),
        "methods": own_methods(cls),
        "set_output": hasattr(model, "set_output"),
        "components": list(model.components_.shape),
    }


def metric_learn(X, y, L, weights, pairs):
    from metric_learn import LMNN
    from metric_learn.lmnn import _sum_outer_products

    model = LMNN(max_iter=5).fit(X, y)
    k, targets = 3, model._select_targets(X, y)
    pull = _sum_outer_products(X, targets.ravel(), np.repeat(np.arange(len(X)), k))
    losses = [model._loss_grad(X, L, pull, k, r, targets, y)[1] for r in weights]
    told = estimator(LMNN, model)
    indexed = LMNN(max_iter=5, preprocessor=X).fit(np.arange(len(X)), y)
    model.components_ = indexed.components_ = L
    metric = model.get_metric()
    both = [(X[a], X[b]) for a, b in pairs]
    small = LMNN(n_neighbors=3, max_iter=5).fit(X[:6], np.repeat([0, 1], 3))
    return told | {
        "targets": targets.tolist(),
        "losses": losses,
        "transform": model.transform(X).tolist(),
        "pair_distance": model.pair_distance(np.array(both)).tolist(),
        "pair_score": model.pair_score(np.array(both)).tolist(),
        "score_pairs": model.score_pairs(np.array(both)).tolist(),
        "indexed": indexed.pair_distance(pairs).tolist(),
        "metric": [metric(a, b) for a, b in both],
        "metric_squared": [metric(a, b, squared=True) for a, b in both],
        "matrix": model.get_mahalanobis_matrix().tolist(),
        "low_rank": list(LMNN(n_components=2, max_iter=5).fit(X, y).components_.shape),
        "iterations": LMNN(max_iter=7, min_iter=0, convergence_tol=0).fit(X, y).n_iter_,
        "by_convergence_tol": [LMNN(min_iter=0, convergence_tol=tol).fit(X, y).n_iter_ for tol in (1e9, 1e-3)],
        "own_targets": small._select_targets(X[:6], np.repeat([0, 1], 3)).tolist(),
    }


def pylmnn(X, y, L, weights, pairs):
    from harness.peer_worker import without_gpyopt

    without_gpyopt()
    import pylmnn as package
    from pylmnn import LargeMarginNearestNeighbor as Peer
    from pylmnn.lmnn import _select_target_neighbors

    seen = []
    model = Peer(store_opt_result=True, max_iter=5, callback=lambda *a: seen.append([a[0].size, int(a[1])])).fit(X, y)
    told = estimator(Peer, model)
    targets = _select_target_neighbors(X, y, 3)
    pull = model._compute_grad_static(X, targets)

    def loss(w):
        return model._loss_grad_lbfgs(L.ravel(), X, y, np.unique(y), targets, (1 - w) / w * pull, False)[0]

    few, labels = X[:9], np.array([0, 0, 0, 1, 1, 1, 1, 1, 2])
    told |= {
        "functions": sorted(n for n, f in vars(package).items() if inspect.isfunction(f)),
        "pipeline": list(inspect.signature(package.make_lmnn_pipeline).parameters),
        "targets": targets.tolist(),
        "losses": [loss(w) for w in weights],
        "low_rank": list(Peer(n_components=2, max_iter=5).fit(X, y).components_.shape),
        "callback": seen,
        "lowered": int(Peer(n_neighbors=3, max_iter=5).fit(few, labels).n_neighbors_),
        "result": sorted(model.opt_result_),
    }
    model.components_ = L
    return told | {"transform": model.transform(X).tolist()}


def mlpack(X, y, L, weights, pairs):
    from mlpack import lmnn

    def learn(**options):
        return lmnn(input_=X, labels=y, k=3, optimizer="lbfgs", max_iterations=20, seed=1, **options)

    results = learn()
    return {
        "parameters": list(inspect.signature(lmnn).parameters),
        "outputs": sorted(results),
        "output": results["output"].tolist(),
        "transformed": results["transformed_data"].tolist(),
        "low_rank": list(learn(rank=2)["output"].shape),
        "without_push": float(np.linalg.norm(learn(regularization=0.0)["output"])),
        "without_pull": float(np.linalg.norm(learn(regularization=1.0)["output"])),
    }


def snippet(code, X, y):
    """Names that a piece of code sets, by the shapes of the arrays among them."""
    names = {"X": X, "y": y}
    exec(code, names)
    return {name: list(value.shape) for name, value in names.items() if isinstance(value, np.ndarray)}


PACKAGES = {"metric-learn": metric_learn, "PyLMNN": pylmnn, "mlpack": mlpack}

if __name__ == "__main__":
    warnings.simplefilter("ignore")  # theirs
    job = json.load(sys.stdin)
    arrays = {name: np.array(job[name]) for name in ("X", "y", "L", "pairs")}
    found = PACKAGES[sys.argv[1]](weights=job["weights"], **arrays)
    found["snippet"] = snippet(job["snippet"], arrays["X"], arrays["y"])
    print("\n" + json.dumps(found))
