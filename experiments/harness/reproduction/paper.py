"""Table 1 of Weinberger & Saul (2009, page 227), in percent, and Figure 3; None where the paper has no number."""

from __future__ import annotations

from dataclasses import dataclass

COLUMNS = ("mnist", "letters", "20news", "isolet", "yFaces", "bal", "oFaces", "wine", "iris")
N = None

#: Test errors by row.
ERRORS: dict[str, tuple[float | None, ...]] = {
    "kNN Euclidean": (2.12, 4.68, 48.57, 8.98, 29.19, 18.33, 6.03, 25.00, 4.87),
    "kNN PCA": (2.43, 4.68, 18.22, 8.60, 10.79, 18.33, 2.80, 25.00, 4.87),
    "kNN LDA": (6.16, 4.63, 16.15, 5.90, 4.80, 10.82, 10.01, 2.17, 4.00),
    "kNN RCA": (5.93, 4.34, 16.06, 5.71, 4.83, 12.31, 10.02, 2.28, 3.71),
    "kNN MMC": (N, N, N, N, N, 15.66, 15.91, 30.96, 3.55),
    "kNN NCA": (N, N, N, N, N, 5.33, 2.60, 28.67, 4.32),
    "LMNN PCA": (1.72, 3.60, 14.98, 4.36, 5.90, 11.16, 3.28, 8.72, 4.37),
    "LMNN LDA": (6.16, 3.61, 16.98, 5.84, 5.08, 10.84, 40.72, 2.11, 3.79),
    "LMNN energy": (1.37, 2.67, 22.09, 3.40, 10.11, 9.14, 3.16, 7.67, 3.68),
    "LMNN multiple passes": (1.69, 2.80, 13.83, 4.30, 5.52, 5.86, 4.83, 7.59, 4.26),
    "LMNN multiple metrics": (1.18, 3.06, 12.82, 4.04, 4.05, 10.72, 3.11, 8.72, 4.66),
    "multiclass SVM": (1.20, 3.21, 8.04, 3.40, 15.22, 1.92, 1.90, 22.24, 3.45),
}
#: Processor seconds and active constraints, of one metric and of several.
CPU_ONE = (12_300, 120, 4_200, 1_200, 480, 6, 66, 14, 2)
CPU_SEVERAL = (31_380, 840, 4_440, 5_040, 840, 8, 149, 16, 5)
ACTIVE_ONE = (540_037, 135_715, 676_482, 64_396, 86_994, 41_522, 3_843, 10_194, 574)
ACTIVE_SEVERAL = (305_114, 18_588, 101_803, 135_832, 30_135, 31_717, 70, 748, 1_548)


@dataclass(frozen=True)
class Bars:
    """Of one method in Figure 3: the labels of its bars on the first five columns, in percent.

    Attributes
    ----------
    name : str
        Under the bars.
    training : tuple of float
        Leave-one-out errors of the vote on the training points.
    test : tuple of float
        As in Table 1, in fewer digits; only yFaces' PCA is another number there.
    """

    name: str
    training: tuple[float, ...]
    test: tuple[float, ...]


#: By the row of Table 1.
FIGURE_3 = {
    "kNN PCA": Bars("pca", (1.9, 4.7, 18.0, 12.1, 10.0), (2.4, 4.7, 18.2, 8.6, 10.5)),
    "kNN LDA": Bars("lda", (6.6, 4.7, 15.4, 2.1, 0.0), (6.2, 4.6, 16.2, 5.9, 4.8)),
    "kNN RCA": Bars("rca", (6.1, 4.3, 15.2, 2.2, 3.0), (5.9, 4.3, 16.1, 5.7, 4.8)),
    "LMNN PCA": Bars("lmnn", (1.2, 3.5, 11.5, 1.1, 2.7), (1.7, 3.6, 15.0, 4.4, 5.9)),
    "LMNN multiple passes": Bars("mp-lmnn", (1.2, 2.6, 12.0, 0.8, 2.4), (1.7, 2.8, 13.8, 4.3, 5.5)),
    "LMNN multiple metrics": Bars("mm-lmnn", (0.0, 1.6, 8.5, 0.0, 1.3), (1.2, 3.1, 12.8, 4.0, 4.1)),
    "multiclass SVM": Bars("svm", (0.0, 0.0, 0.1, 0.1, 0.0), (1.2, 3.2, 8.0, 3.4, 15.2)),
}
