"""numpydoc's own checks of every public object and its public methods; exits with 1 where one fails.

Left out are checks that would make a reader read more and learn nothing: an extended summary (ES01), an example (EX01)
and a "See Also" (SA01) for every method, a verb at the beginning where a noun says what is returned (SS05), and
"Yields" where a function returns an iterator (YD01). Parameters and returns (PR01, RT01) need their sections where
there is more than one sentence to say; fields of dataclasses and values of enumerations stand under "Attributes".
"""

import dataclasses
import enum
import inspect
import sys
from collections.abc import Iterator

from numpydoc.validate import validate

import lmnn_sdp
from lmnn_sdp import datasets, plots

LEFT_OUT = {"ES01", "EX01", "SA01", "SS05", "YD01"}
SECTIONS = {"PR01", "RT01"}


def main() -> None:
    """Print what is wrong."""
    names = sorted(set(public()))
    wrong = [f"{name}: {code} {text}" for name in names for code, text in errors(name)]
    print("\n".join([*wrong, f"{len(names)} public objects, {len(wrong)} numpydoc errors"]))
    sys.exit(bool(wrong))


def public() -> Iterator[str]:
    """Dotted names of all that users import, and of the methods and properties that are ours."""
    for module in (lmnn_sdp, datasets, plots):
        for name in module.__all__:
            found = getattr(module, name)
            if callable(found):
                yield f"{module.__name__}.{name}"
            if inspect.isclass(found):
                yield from (f"{module.__name__}.{name}.{member}" for member in members(found))


def members(cls: type) -> Iterator[str]:
    """Public methods and properties of a class that this package wrote."""
    for name, member in inspect.getmembers(cls):
        function = member.fget if isinstance(member, property) else member
        ours = callable(function) and str(getattr(function, "__module__", "")).startswith("lmnn_sdp")
        if ours and not name.startswith("_"):
            yield name


def errors(name: str) -> list[tuple[str, str]]:
    """Codes and texts of what numpydoc finds, without what is left out."""
    result = validate(name)
    module, _, attribute = name.rpartition(".")
    short = "\n" not in result["docstring"].strip() or is_record(getattr(sys.modules.get(module), attribute, None))
    skipped = LEFT_OUT | (SECTIONS if short else set())
    return [(code, text) for code, text in result["errors"] if code not in skipped]


def is_record(found: object) -> bool:
    """Whether it is a class of named fields or values."""
    return inspect.isclass(found) and (dataclasses.is_dataclass(found) or issubclass(found, enum.Enum))


if __name__ == "__main__":
    main()
