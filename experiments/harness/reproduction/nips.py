"""Figure 2 of Weinberger, Blitzer & Saul (NIPS 2005): errors of 3-NN before and after, of the energy and of SVM.

That paper has other splits than the one of 2009, faces in 30 principal components, and k and c by cross-validation,
whose values it does not give. Here k = 3 and mu = 0.5 throughout.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from harness.reproduction.methods import lmnn, pca, svm
from harness.reproduction.protocol import CASES, Case, Split, split

#: Columns of the figure, in percent.
BARS = ("train Eucl.", "train Mahal.", "test Eucl.", "test Mahal.", "test energy", "test SVM")


@dataclass(frozen=True)
class Row:
    """A data set of the paper of 2005.

    Attributes
    ----------
    case : Case
        Its split.
    components : int or None
        Principal components that are kept; None for all features.
    paper : tuple of float
        The bars.
    """

    case: Case
    components: int | None
    paper: tuple[float, ...]

    def split(self, number: int) -> Split:
        """A split in so many components."""
        made = split(self.case, number)
        if self.components is None:
            return made
        return replace(made, X=made.X[:, : self.components], X_test=made.X_test[:, : self.components])


#: The small ones; 7 and 3 images of each face.
ROWS = {
    "BAL": Row(replace(CASES["bal"], n_train=445, n_test=90), None, (14.1, 10.0, 14.4, 9.7, 8.4, 7.8)),
    "FACES": Row(CASES["oFaces"], 30, (8.2, 0.3, 5.9, 2.6, 2.7, 2.2)),
    "WINE": Row(replace(CASES["wine"], n_train=126, n_test=52), None, (30.0, 1.1, 30.1, 2.6, 2.7, 19.0)),
    "IRIS": Row(replace(CASES["iris"], n_train=106, n_test=44), None, (4.3, 3.5, 4.3, 4.7, 5.8, 4.4)),
}


def run(row: Row, splits: int) -> dict[str, Any]:
    """Mean and deviation of every bar over the splits, in percent, and the largest gap."""
    found, gaps = [], []
    for number in range(splits):
        made = row.split(number)
        before, after = pca(made, row.case), lmnn(made, row.case)
        machine = svm(made, row.case)
        gaps.append(after.proof["relative_gap"])
        found.append(
            [
                before.training_error,
                after.training_error,
                before.errors["vote"],
                after.errors["vote"],
                after.errors["energy"],
                machine.errors["vote"],
            ]
        )
    values = 100 * np.array(found, dtype=np.float64)
    return {
        "splits": splits,
        "n_train": row.case.n_train,
        "n_test": row.case.n_test,
        "paper": dict(zip(BARS, row.paper, strict=True)),
        "mean": dict(zip(BARS, values.mean(axis=0).tolist(), strict=True)),
        "sd": dict(zip(BARS, values.std(axis=0, ddof=1).tolist(), strict=True)),
        "largest_gap": max(gaps),
    }
