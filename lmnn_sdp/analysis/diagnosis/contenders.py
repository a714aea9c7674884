"""Methods that a diagnosis compares, from the simplest to the one with the most parameters."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import Enum
from typing import Any

from sklearn.decomposition import PCA
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.neighbors import KNeighborsClassifier, NeighborhoodComponentsAnalysis
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from lmnn_sdp.estimators.lmnn import LMNN
from lmnn_sdp.estimators.multi_metric import MultiMetricLMNN

VARIANCE = 0.9  # share that the principal components of the quick test keep
TOL = 1e-3  # relative gap of each fit: below a tenth, errors on new points no longer change
NCA_STEPS = 50
SVM_STEPS = 100_000  # libsvm has no other limit, and ends within seconds


class Advice(Enum):
    """What to do; the value is written for the user."""

    KEEP = "Keep k-NN on the features as they are: nothing that was tried is seen to beat it."
    STANDARDIZE = "Standardise the features, then k-NN: nothing that was tried is seen to beat that."
    PROJECT = "Project, then k-NN: a learned metric is not seen to add to it."
    LEARN = "Learn a metric: all that is simpler is seen to be beaten."
    ANOTHER = "Take another classifier: k-NN under every metric that was tried is seen to be beaten."
    NO_SIGNAL = "Do not learn yet: no method is seen to do better than always naming the largest class."
    TOO_SMALL = "Too few points to judge: a difference would drown in the splits."
    NO_TIME = "The time was too short to judge."

    @property
    def judged(self) -> bool:
        """Whether methods were compared at all."""
        return self not in (Advice.TOO_SMALL, Advice.NO_TIME)


@dataclass(frozen=True)
class Setting:
    """What all contenders share.

    Attributes
    ----------
    n_neighbors : int
        Target neighbours of LMNN.
    classifier_neighbors : int
        Points that vote.
    mu, reg : float
        Of LMNN.
    standardize : bool
        Whether learners see standardised features.
    dimensions : int or None
        Principal components that learners see; None for the features themselves.
    rows : int
        Rows of the map of low rank.
    block_reg : float
        Trace penalty of several metrics of standardised features: within a class a feature may be constant.
    unit : float
        Mean variance of the features as they are.
    fit_limit : float
        Seconds of one fit of LMNN at most.
    """

    n_neighbors: int
    classifier_neighbors: int
    mu: float
    reg: float
    standardize: bool
    dimensions: int | None
    rows: int
    block_reg: float
    unit: float
    fit_limit: float

    @property
    def penalty(self) -> float:
        """Trace penalty of several metrics, in the units that learners see."""
        return self.block_reg if self.standardize else float(f"{self.block_reg * self.unit:.1e}")


@dataclass(frozen=True)
class Part:
    """A step of a pipeline, and how a user would write it.

    Attributes
    ----------
    model : estimator
    source : str
    """

    model: Any
    source: str


@dataclass(frozen=True)
class Contender:
    """A method.

    Attributes
    ----------
    key : str
        Short name, for JSON.
    title : str
        Name for readers.
    advice : Advice
        What is recommended where it wins.
    parts : callable
        Steps of its pipeline in a setting.
    flags : str or None
        Options of ``lmnn-sdp solve`` that learn the same metric, formatted with the setting; None if there are none.
    first : float
        Seconds that a first small fit may take before any was timed; of ours it may compile the kernels.
    """

    key: str
    title: str
    advice: Advice
    parts: Callable[[Setting], list[Part]]
    flags: str | None = None
    first: float = 0.1

    @property
    def ours(self) -> bool:
        """Whether its fits keep the limit of time of the setting."""
        return self.flags is not None

    @property
    def order(self) -> float:
        """Seconds grow with that power of the points, or slower (of ours 0.6 to 0.8, experiments/scaling.py)."""
        return 1.0 if self.ours else 2.0

    def pipeline(self, setting: Setting) -> Any:
        """A fresh classifier."""
        return make_pipeline(*(part.model for part in self.parts(setting)))

    def code(self, setting: Setting) -> str:
        """The same in Python."""
        sources = [part.source for part in self.parts(setting)]
        whole = sources[0] if len(sources) == 1 else f"make_pipeline({', '.join(sources)})"
        return f"{whole}.fit(X, y)"


def scaled() -> Part:
    """Zero mean and unit variance."""
    return Part(StandardScaler(), "StandardScaler()")


def components(kept: float | int) -> Part:
    """Principal components: so many, or as many as hold that share of the variance."""
    return Part(PCA(kept, svd_solver="full"), f"PCA({kept})")


def vote(setting: Setting) -> Part:
    """The nearest neighbours, which vote."""
    k = setting.classifier_neighbors
    return Part(KNeighborsClassifier(k), f"KNeighborsClassifier({k})")


def front(setting: Setting) -> list[Part]:
    """What learners see."""
    reduced = [] if setting.dimensions is None else [components(setting.dimensions)]
    return [*([scaled()] if setting.standardize else []), *reduced]


def lmnn(setting: Setting, **options: Any) -> Part:
    """A metric of ours; the source names what differs from the defaults."""
    own: dict[str, Any] = {"n_neighbors": setting.n_neighbors, "mu": setting.mu, "reg": setting.reg}
    usual = {"n_neighbors": 3, "mu": 0.5, "reg": 0.0}
    told = {name: value for name, value in own.items() if value != usual[name]} | options
    model = LMNN(**own, **options, tol=TOL, time_limit=setting.fit_limit)
    return Part(model, f"LMNN({', '.join(f'{name}={value!r}' for name, value in told.items())})")


def metric_a_class(setting: Setting) -> Part:
    """Several metrics of ours, which classify by themselves."""
    own: dict[str, Any] = {"n_neighbors": setting.n_neighbors, "mu": setting.mu, "reg": setting.penalty}
    own["classifier_neighbors"] = setting.classifier_neighbors
    usual = {"n_neighbors": 3, "mu": 0.5, "classifier_neighbors": 3}
    told = {name: value for name, value in own.items() if value != usual.get(name)}
    model = MultiMetricLMNN(**own, tol=TOL, time_limit=setting.fit_limit)
    return Part(model, f"MultiMetricLMNN({', '.join(f'{name}={value!r}' for name, value in told.items())})")


def nca() -> Part:
    """scikit-learn's metric learner."""
    model = NeighborhoodComponentsAnalysis(max_iter=NCA_STEPS, random_state=0)
    return Part(model, "NeighborhoodComponentsAnalysis(random_state=0)")


def machine(kernel: str) -> Part:
    """A support vector machine."""
    return Part(SVC(kernel=kernel, max_iter=SVM_STEPS), f'SVC(kernel="{kernel}")')


#: From the simplest on: the first that no other is seen to beat is recommended.
CONTENDERS = (
    Contender("raw", "k-NN on raw features", Advice.KEEP, lambda s: [vote(s)]),
    Contender("standardised", "k-NN standardised", Advice.STANDARDIZE, lambda s: [scaled(), vote(s)]),
    Contender(
        "pca",
        "PCA to 90 %",
        Advice.PROJECT,
        lambda s: [*front(replace(s, dimensions=None)), components(VARIANCE), vote(s)],
    ),
    Contender(
        "lda",
        "LDA",
        Advice.PROJECT,
        lambda s: [*front(s), Part(LinearDiscriminantAnalysis(), "LinearDiscriminantAnalysis()"), vote(s)],
    ),
    Contender(
        "diagonal",
        "diagonal LMNN",
        Advice.LEARN,
        lambda s: [*front(s), lmnn(s, structure="diagonal"), vote(s)],
        "--structure diagonal",
        3.0,
    ),
    Contender("lmnn", "full LMNN", Advice.LEARN, lambda s: [*front(s), lmnn(s), vote(s)], "", 3.0),
    Contender(
        "low_rank",
        "low-rank LMNN",
        Advice.LEARN,
        lambda s: [*front(s), lmnn(s, n_components=s.rows), vote(s)],
        "--components {rows}",
        3.0,
    ),
    Contender(
        "multi",
        "class-wise LMNN",
        Advice.LEARN,
        lambda s: [*front(s), metric_a_class(s)],
        "--metrics class --reg {penalty:g}",
        3.0,
    ),
    Contender("nca", "NCA", Advice.LEARN, lambda s: [*front(s), nca(), vote(s)], None, 1.0),
    Contender("linear_svm", "linear SVM", Advice.ANOTHER, lambda s: [*front(s), machine("linear")], None, 1.0),
    Contender("rbf_svm", "RBF SVM", Advice.ANOTHER, lambda s: [*front(s), machine("rbf")], None, 1.0),
)
