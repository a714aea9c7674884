"""What users read of the public objects: every parameter and field with its type and meaning, as numpydoc asks."""

import dataclasses
import enum
import inspect
import re

import pytest

import lmnn_sdp
from lmnn_sdp import datasets, plots

ESTIMATORS = (
    lmnn_sdp.LMNN,
    lmnn_sdp.LMNNCV,
    lmnn_sdp.KernelLMNN,
    lmnn_sdp.MultiPassLMNN,
    lmnn_sdp.EnergyClassifier,
    lmnn_sdp.ShrinkingKNN,
    lmnn_sdp.LowRankLMNN,
    lmnn_sdp.StochasticLMNN,
)
PUBLIC = {
    f"{module.__name__}.{name}": getattr(module, name)
    for module in (lmnn_sdp, datasets, plots)
    for name in module.__all__
    if callable(getattr(module, name))
}
METHODS = {
    f"{owner.__name__}.{name}": method
    for owner in ESTIMATORS
    for name, method in inspect.getmembers(owner, inspect.isfunction)
    if not name.startswith("_") and method.__module__.startswith("lmnn_sdp.")
}
CLASSES = {name: found for name, found in PUBLIC.items() if inspect.isclass(found) and not issubclass(found, enum.Enum)}
FUNCTIONS = {name: found for name, found in PUBLIC.items() if inspect.isfunction(found)} | METHODS


def sections(documented):
    """Text under each underlined heading of a docstring."""
    parts = re.split(r"^(\w[\w ]*)\n-+\n", inspect.getdoc(documented), flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def entries(section):
    """Names of a section in order, each with its type and description; ``a, b : type`` names two."""
    parts = re.split(r"^(\S.*)\n", section, flags=re.MULTILINE)
    for head, description in zip(parts[1::2], parts[2::2], strict=True):
        names, _, kind = head.partition(" : ")
        yield from ((name, kind, description.strip()) for name in names.split(", "))


def assert_documented(documented, heading, names):
    found = list(entries(sections(documented).get(heading, "")))
    assert [name for name, _, _ in found] == names
    assert not [name for name, kind, _ in found if not kind], "without a type"
    assert not [name for name, _, description in found if not description.endswith((".", ")"))], "says nothing"


def parameters(function):
    return [name for name in inspect.signature(function).parameters if name != "self"]


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_function_tells_its_parameters_and_what_it_returns(name):
    function = FUNCTIONS[name]
    if parameters(function):
        assert_documented(function, "Parameters", parameters(function))
    returned = sections(function)["Returns"].splitlines()
    assert not returned[0].startswith(" ")
    assert "".join(returned[1:]).strip().endswith("."), "what is returned says nothing"


@pytest.mark.parametrize("name", CLASSES)
def test_a_class_tells_its_fields(name):
    cls = CLASSES[name]
    if dataclasses.is_dataclass(cls):
        assert_documented(cls, "Attributes", [field.name for field in dataclasses.fields(cls)])
    else:
        assert_documented(cls, "Parameters", parameters(cls))


@pytest.mark.parametrize("cls", ESTIMATORS)
def test_an_estimator_tells_what_fit_sets(cls):
    settings = {lmnn_sdp.LMNN: {"tol": 1e-1}, lmnn_sdp.LMNNCV: {"n_neighbors": 1, "mu": 0.5, "cv": 2, "tol": 1e-1}}
    model = cls(**settings.get(cls, {}))
    data = datasets.load("iris")
    learned = {name for name in vars(model.fit(data.X, data.y)) if name.endswith("_")}
    told = [name for owner in cls.__mro__[:2] for name, _, _ in entries(sections(owner).get("Attributes", ""))]
    assert learned <= set(told)
    assert_documented(cls, "Attributes", [name for name, _, _ in entries(sections(cls)["Attributes"])])
