import pytest
import torch

from arae_core.figures import roc_curves
from arae_core.metrics import auroc, roc_curve


def test_a_panel_a_class_and_a_curve_a_method():
    anomalous = torch.tensor([False, True, False, True])
    scores = {"standard": torch.tensor([0.0, 1.0, 2.0, 3.0]), "robust": torch.tensor([0.0, 2.0, 1.0, 3.0])}
    curves, areas = ({method: measured(values, anomalous) for method, values in scores.items()}
                     for measured in (roc_curve, auroc))
    figure = roc_curves({"frog": curves, "cat": curves}, {"frog": areas, "cat": areas})
    first, second = figure.axes
    assert [ax.get_title() for ax in figure.axes] == ["frog", "cat"]
    assert [text.get_text() for text in first.get_legend().get_texts()] == ["standard 0.75", "robust 1.00"]
    diagonal, standard, robust = first.lines
    assert list(diagonal.get_xdata()) == list(diagonal.get_ydata()) == [0, 1]
    assert list(robust.get_ydata()) == curves["robust"][1].tolist() and standard.get_color() != robust.get_color()
    assert second.lines[1].get_color() == standard.get_color()

    for nothing in ({}, {"frog": {}}):
        pytest.raises(ValueError, roc_curves, nothing, {}).match("no ROC curve")
