"""Dynamic time warping: how far two sequences are apart when either may wait for the other.

Owns one recurrence, done an anti-diagonal at a time: memory grows with the length of a sequence, not with its square.
"""

from __future__ import annotations

from harness.quality.metric import Array


def warped_distance(one: Array, other: Array) -> float:
    """The mean Euclidean distance of the rows paired on the cheapest path from both beginnings to both ends.

    A step goes on in one sequence, in the other or in both, each at the same weight (Sakoe and Chiba 1978, P = 0).
    Of equally cheap ways the one that goes on in both is taken.
    """
    import numpy as np

    rows, columns = len(one), len(other)
    if not rows or not columns:
        raise ValueError("a sequence without rows cannot be warped")
    # cost and pairs of the cheapest path to (i, d - i), at index i + 1: two diagonals are all that the next one needs
    blank = np.full(rows + 1, np.inf), np.zeros(rows + 1)
    before, last = blank, blank
    for diagonal in range(rows + columns - 1):
        low, high = max(0, diagonal - columns + 1), min(rows, diagonal + 1)
        of_one = np.arange(low, high)
        distance = np.sqrt(((one[of_one] - other[diagonal - of_one]) ** 2).sum(axis=1))
        ways = ((before, low), (last, low), (last, low + 1))  # from (i-1, j-1), (i-1, j), (i, j-1)
        costs = np.stack([way[0][start : start + high - low] for way, start in ways])
        pairs = np.stack([way[1][start : start + high - low] for way, start in ways])
        chosen = costs.argmin(axis=0)[None, :]
        cost, count = np.full(rows + 1, np.inf), np.zeros(rows + 1)
        if diagonal == 0:
            cost[1], count[1] = distance[0], 1
        else:
            cost[low + 1 : high + 1] = np.take_along_axis(costs, chosen, 0)[0] + distance
            count[low + 1 : high + 1] = np.take_along_axis(pairs, chosen, 0)[0] + 1
        before, last = last, (cost, count)
    return float(last[0][rows] / last[1][rows])
