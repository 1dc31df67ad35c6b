"""ROC curves: how many anomalies are found, for how many false alarms, at every threshold."""

from collections.abc import Mapping

from torch import Tensor

from .style import Picture, looks, panels_in_rows, styled

Curve = tuple[Tensor, Tensor]  # false positive and true positive rates, as `metrics.roc_curve` gives them


@styled
def roc_curves(
    panels_of: Mapping[str, Mapping[str, Curve]],
    areas: Mapping[str, Mapping[str, float]],
    *,
    width: float = 7.5,
) -> Picture:
    """A panel a class, a curve a method, each with its area (AUROC) in the panel's legend.

    panels_of: class to method to its curve; areas: class to method to the number beside its name. The dotted diagonal
    is what a score gets that knows nothing. Raises ValueError if there is nothing to show.
    """
    if not panels_of or not all(panels_of.values()):
        raise ValueError("no ROC curve to show")
    columns, most = min(len(panels_of), 3), max(map(len, panels_of.values()))
    figure, axes = panels_in_rows(len(panels_of), columns, width, width / columns + 0.24 * most + 0.4)
    for ax, (name, curves) in zip(axes, panels_of.items()):
        look = looks(list(curves))
        ax.plot([0, 1], [0, 1], color="#777777", linestyle=":", linewidth=1.2)
        for method, (false, true) in curves.items():
            label = f"{method} {areas[name][method]:.2f}"
            ax.plot(false.tolist(), true.tolist(), label=label, **look[method])
        ax.set(title=name, xlabel="false alarms", xlim=(-0.01, 1.01), ylim=(-0.01, 1.01), aspect="equal")
        ax.legend(
            loc="upper center", bbox_to_anchor=(0.45, -0.3), fontsize=9, borderaxespad=0.0, handlelength=1.6
        )
    for ax in axes[::columns]:
        ax.set_ylabel("anomalies found")
    return figure
