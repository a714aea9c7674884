"""Bars of training and test errors: the paper's labels against its table, and what is drawn against what was run."""

import numpy as np
import pytest

import reproduction
from harness.reproduction import paper
from harness.reproduction.report import Cell


def cell(mean, training):
    """A cell with two numbers that matter here."""
    return Cell(mean, 0.0, 1, training, None, None, None, None, "")


def test_the_papers_test_labels_are_those_of_its_table_but_one():
    other = [
        (row, column)
        for row, bars in paper.FIGURE_3.items()
        for column, label, error in zip(paper.COLUMNS, bars.test, paper.ERRORS[row], strict=False)
        if abs(label - error) > 0.05 + 1e-9
    ]
    assert other == [("kNN PCA", "yFaces")]
    assert all(len(bars.training) == len(bars.test) == 5 for bars in paper.FIGURE_3.values())


def test_every_number_has_its_bar_and_every_other_a_cross():
    cells = {
        "kNN PCA": {"mnist": cell(2.0, None), "letters": cell(4.5, 4.0)},
        "multiclass SVM": {"mnist": cell(9.0, None)},
    }
    figure = reproduction.training_and_test(cells)
    training, test = np.reshape(figure.axes, (2, 5))
    heights = [[bar.get_height() for bar in axes.patches] for axes in (training[0], training[1], test[0], test[1])]
    assert heights == [[], [4.0], [2.0, 9.0], [4.5]]
    for axes, kind, column in ((training[1], "training", 1), (test[4], "test", 4)):
        marks, crosses = axes.lines
        assert marks.get_ydata().tolist() == [getattr(bars, kind)[column] for bars in paper.FIGURE_3.values()]
        assert len(crosses.get_xdata()) == 7 - len(axes.patches)
    (bar,) = training[1].patches
    assert bar.get_x() + bar.get_width() / 2 == pytest.approx(0.0)  # under its name
    assert (
        figure.get_suptitle() == "3 of 4 errors are within a point of the paper's; 66 of its bars have no number here"
    )
