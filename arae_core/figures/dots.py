"""Differences between runs as dots, one a seed, each row with its mean and interval: what moves, and how far by chance."""

from collections.abc import Mapping, Sequence

from .style import Picture, panels, styled

Row = tuple[Sequence[float], tuple[float, float, float]]  # a number a seed; mean, low, high


@styled
def difference_dots(
    rows: Mapping[str, Row], *, xlabel: str, groups: Sequence[int] = (), width: float = 7.5
) -> Picture:
    """One row a label, from above: the seeds' numbers, and their mean with its interval; a line marks zero.

    groups: how many rows stand together, in order; a thin line parts them. Raises ValueError without rows.
    """
    if not rows:
        raise ValueError("no rows to show")
    figure, ((ax,),) = panels(1, 1, width, 0.8 + 0.32 * len(rows))
    for place, (numbers, (mean, low, high)) in enumerate(rows.values()):
        colour = "#b2182b" if high < 0 else "#2166ac" if low > 0 else "#666666"
        ax.plot([low, high], [place, place], color=colour, linewidth=1.3, alpha=0.7)
        ax.plot(
            numbers, [place] * len(numbers), "o", color=colour, markersize=4, alpha=0.45, markeredgewidth=0
        )
        ax.plot(mean, place, "|", color=colour, markersize=14, markeredgewidth=2.0)
    ax.axvline(0.0, color="#222222", linewidth=1)
    for last in [sum(groups[: i + 1]) for i in range(len(groups) - 1)]:
        ax.axhline(last - 0.5, color="#bbbbbb", linewidth=0.8)
    ax.set_yticks(range(len(rows)), list(rows))
    ax.set_ylim(len(rows) - 0.5, -0.5)
    ax.set_xlabel(xlabel)
    return figure
