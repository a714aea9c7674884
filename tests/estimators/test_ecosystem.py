"""Every estimator in scikit-learn's machinery around it: frames out, metadata routing, diagrams, precomputed graphs."""

import numpy as np
import pandas as pd
import pytest
import sklearn
from sklearn.base import clone
from sklearn.compose import ColumnTransformer
from sklearn.datasets import load_wine
from sklearn.decomposition import TruncatedSVD
from sklearn.exceptions import UnsetMetadataPassedError
from sklearn.metrics import get_scorer
from sklearn.model_selection import GridSearchCV, cross_validate
from sklearn.neighbors import KNeighborsClassifier, KNeighborsTransformer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from lmnn_sdp import (
    LMNN,
    LMNNCV,
    EnergyClassifier,
    KernelLMNN,
    LowRankLMNN,
    MultiMetricLMNN,
    MultiPassLMNN,
    ShrinkingKNN,
    StochasticLMNN,
)

X, Y = load_wine(return_X_y=True)
X = StandardScaler().fit_transform(X)
FRAME = pd.DataFrame(X, columns=load_wine().feature_names)
TRANSFORMERS = [
    LMNN(tol=1e-2),
    LMNNCV(n_neighbors=1, mu=0.5, cv=2, tol=1e-2),
    KernelLMNN(n_components=5, tol=1e-2),
    LowRankLMNN(n_components=2, random_state=0),
    MultiPassLMNN(n_passes=2, tol=1e-2),
    StochasticLMNN(random_state=0, max_iter=20),
]
CLASSIFIERS = [MultiMetricLMNN(tol=1e-2), EnergyClassifier(LMNN(tol=1e-2)), ShrinkingKNN(3)]


def name_of(estimator):
    return type(estimator).__name__


pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


@pytest.mark.parametrize("estimator", TRANSFORMERS, ids=name_of)
def test_frames_come_out_where_asked_also_of_a_column_transformer(estimator):
    """Names, index and values, by the estimator's own `set_output`, the global setting and a column transformer."""
    rows = FRAME.set_index(FRAME.index + 1000)
    plain = clone(estimator).fit(FRAME, Y).transform(rows)
    assert isinstance(plain, np.ndarray)
    with sklearn.config_context(transform_output="pandas"):
        out = clone(estimator).fit(FRAME, Y).transform(rows)
    assert out.index.equals(rows.index)
    np.testing.assert_allclose(out.to_numpy(), plain, atol=1e-12)
    split = ColumnTransformer([("metric", clone(estimator), list(FRAME.columns[:6]))], remainder="passthrough")
    wide = split.set_output(transform="pandas").fit(FRAME, Y).transform(rows)
    learned = [column for column in wide.columns if column.startswith("metric__")]
    assert learned == [f"metric__{name}" for name in split.named_transformers_["metric"].get_feature_names_out()]
    assert [column for column in wide.columns if column.startswith("remainder__")] == [
        f"remainder__{name}" for name in FRAME.columns[6:]
    ]


def test_weights_are_routed_to_lmnn_through_pipelines_and_searches():
    weights = np.where(Y == 0, 3.0, 1.0)
    direct = LMNN(tol=1e-6).fit(X, Y, sample_weight=weights)
    with sklearn.config_context(enable_metadata_routing=True):
        lmnn = LMNN(tol=1e-6).set_fit_request(sample_weight=True)
        share = get_scorer("accuracy").set_score_request(sample_weight=False)
        model = make_pipeline(lmnn, KNeighborsClassifier(3)).fit(X, Y, sample_weight=weights)
        assert model[0].objective_ == pytest.approx(direct.objective_, rel=1e-5)
        assert model[0].objective_ != pytest.approx(LMNN(tol=1e-6).fit(X, Y).objective_, rel=1e-2)
        seen = cross_validate(model, X, Y, params={"sample_weight": weights}, scoring=share, cv=2)
        assert min(seen["test_score"]) > 0.9
        search = GridSearchCV(model, {"lmnn__n_neighbors": [1, 2]}, scoring=share, cv=2).fit(
            X, Y, sample_weight=weights
        )
        k = search.best_params_["lmnn__n_neighbors"]
        again = LMNN(n_neighbors=k, tol=1e-6).fit(X, Y, sample_weight=weights)
        assert search.best_estimator_[0].objective_ == pytest.approx(again.objective_, rel=1e-5)


def test_weights_that_nobody_asked_for_are_refused():
    with sklearn.config_context(enable_metadata_routing=True):
        model = make_pipeline(LMNN(tol=1e-2), KNeighborsClassifier(3))
        with pytest.raises(UnsetMetadataPassedError, match="sample_weight"):
            model.fit(X, Y, sample_weight=np.ones(len(Y)))


@pytest.mark.parametrize("estimator", TRANSFORMERS + CLASSIFIERS, ids=name_of)
def test_diagrams_and_texts_of_every_estimator(estimator):
    before = sklearn.get_config()["display"]
    try:
        sklearn.set_config(display="diagram")
        assert name_of(estimator) in estimator._repr_html_()
        fitted = clone(estimator).fit(X, Y)
        html = fitted._repr_html_()
        assert name_of(estimator) in html
        assert "text/html" in fitted._repr_mimebundle_()
        assert ("optimum in" in html) == hasattr(fitted, "solution_") or isinstance(estimator, EnergyClassifier)
        sklearn.set_config(display="text")
        assert set(fitted._repr_mimebundle_()) == {"text/plain"}
        assert name_of(estimator) in repr(fitted)
    finally:
        sklearn.set_config(display=before)


@pytest.mark.parametrize("estimator", TRANSFORMERS, ids=name_of)
def test_a_graph_of_neighbors_votes_as_the_coordinates_do(estimator):
    graph = make_pipeline(
        clone(estimator),
        KNeighborsTransformer(n_neighbors=8, mode="distance"),
        KNeighborsClassifier(5, metric="precomputed"),
    )
    direct = make_pipeline(clone(estimator), KNeighborsClassifier(5))
    half = np.arange(len(Y)) % 2 == 0
    said = [model.fit(X[half], Y[half]).predict(X[~half]) for model in (graph, direct)]
    np.testing.assert_array_equal(*said)


@pytest.fixture(scope="module")
def native():
    """A fitted pipeline, and the same of scikit-learn's own classes: `TruncatedSVD` maps by its components too."""
    model = make_pipeline(StandardScaler(), LMNN(), KNeighborsClassifier(3)).fit(X, Y)
    L = model[1].components_
    stand_in = TruncatedSVD(len(L))
    stand_in.components_, stand_in.n_features_in_ = L, L.shape[1]
    return model, make_pipeline(model[0], stand_in, model[2])


def test_a_class_of_scikit_learn_can_stand_in_for_the_fitted_map(native):
    model, same = native
    np.testing.assert_allclose(same[:-1].transform(X), model[:-1].transform(X), rtol=1e-12, atol=1e-12)
    np.testing.assert_array_equal(same.predict(X), model.predict(X))


def test_it_converts_to_onnx(native):
    skl2onnx = pytest.importorskip("skl2onnx", reason="no requirement: an exporter that users may have")
    onnxruntime = pytest.importorskip("onnxruntime", reason="no requirement: it runs what was exported")
    model, same = native
    exported = skl2onnx.to_onnx(same, X[:1].astype(np.float32), options={"zipmap": False})
    session = onnxruntime.InferenceSession(exported.SerializeToString())
    said, _ = session.run(None, {"X": X.astype(np.float32)})
    assert np.mean(said == model.predict(X)) > 0.99
