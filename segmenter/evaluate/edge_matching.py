"""Which edge pixels of two maps belong together: an exact minimum-cost correspondence, compiled by numba.

The rule is the Berkeley benchmark's (Martin, Fowlkes and Malik, TPAMI 2004; Arbelaez et al., TPAMI 2011): one pixel of
a map goes with at most one of the other, at most ``radius`` pixels apart; a pair costs its distance, in hundredths
rounded to whole numbers, a pixel that stays alone ``OUTLIER_COST`` times the radius. The benchmark's own code hangs the
lonely pixels on a sparse random graph, so that its outcome depends on a seed; here each pixel may simply stay alone.

The problem is solved by shortest augmenting paths with dual prices (Jonker and Volgenant, Computing 1987). A path never
leaves the connected component of the graph of pixels within reach, so many small searches take the place of a large
one. All numbers are whole: equal input gives equal output on every machine.
"""

from __future__ import annotations

import heapq
import math
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from segmenter.kernels import compiled
from segmenter.prompts import Bitmap

OUTLIER_COST = 100
UNITS = 100  # whole numbers a pixel of distance
ALONE = -1
FAR = 1 << 40  # above every sum of costs

Whole = NDArray[np.int32]
Long = NDArray[np.int64]


def correspond(first: Bitmap, second: Bitmap, radius: float) -> tuple[Bitmap, Bitmap]:
    """The pixels of each of two edge maps HxW that have a partner in the other, ``radius`` pixels away at most.

    The pairing has the least cost of all (see the module), which is also as many pairs as there can be.
    """
    if first.shape != second.shape:
        raise ValueError(f"edge maps of {first.shape} and {second.shape} pixels cannot be compared")
    if np.count_nonzero(first) > np.count_nonzero(second):  # searches start from the side that has less to place
        other, one = correspond(second, first, radius)
        return one, other
    rows, columns = np.argwhere(first).astype(np.int32), np.argwhere(second).astype(np.int32)
    index = np.full(second.shape, ALONE, np.int32)
    index[second] = np.arange(len(columns), dtype=np.int32)
    partner = _assign(*_neighbours(rows, index, _offsets(radius)), len(columns), _alone(radius))
    found = partner >= 0
    matched, taken = np.zeros_like(first), np.zeros_like(second)
    matched[tuple(rows[found].T)] = True
    taken[tuple(columns[partner[found]].T)] = True
    return matched, taken


def _alone(radius: float) -> int:
    """What a pair must save: both of its pixels would stay alone."""
    return 2 * math.ceil(OUTLIER_COST * radius * UNITS)


@lru_cache(maxsize=16)
def _offsets(radius: float) -> Whole:
    """Cost, dy and dx of every place within reach, Kx3, nearest first."""
    reach = math.ceil(radius)
    steps = range(-reach, reach + 1)
    near = [(dy * dy + dx * dx, dy, dx) for dy in steps for dx in steps if dy * dy + dx * dx <= radius * radius]
    return np.array([(round(math.sqrt(square) * UNITS), dy, dx) for square, dy, dx in sorted(near)], np.int32)


@compiled
def _neighbours(rows: Whole, index: Whole, offsets: Whole) -> tuple[Long, Whole, Whole]:
    """The graph in compressed rows: where each row's edges start, their columns and their costs, cheapest first."""
    height, width = index.shape
    starts = np.zeros(len(rows) + 1, np.int64)
    columns, costs = (
        np.empty(16 * len(rows) + len(offsets), np.int32),
        np.empty(16 * len(rows) + len(offsets), np.int32),
    )
    count = 0
    for row in range(len(rows)):
        if count + len(offsets) > columns.size:
            columns = np.concatenate((columns, np.empty_like(columns)))
            costs = np.concatenate((costs, np.empty_like(costs)))
        for place in range(len(offsets)):
            y, x = rows[row, 0] + offsets[place, 1], rows[row, 1] + offsets[place, 2]
            if 0 <= y < height and 0 <= x < width and index[y, x] >= 0:
                columns[count], costs[count] = index[y, x], offsets[place, 0]
                count += 1
        starts[row + 1] = count
    return starts, columns[:count], costs[:count]


@compiled
def _assign(starts: Long, columns: Whole, costs: Whole, width: int, alone: int) -> Whole:
    """The column of each row, or ``ALONE``, at least total cost; a row that stays alone costs ``alone``.

    Prices keep cost - row price - column price >= 0 for every edge and = 0 for every pair.
    """
    rows = len(starts) - 1
    of_row, of_column = np.full(rows, ALONE, np.int32), np.full(width, ALONE, np.int32)
    row_price, column_price = np.zeros(rows, np.int64), np.zeros(width, np.int64)
    _begin(starts, columns, costs, of_row, of_column, row_price)
    distance, reached_from = np.full(width, FAR, np.int64), np.full(width, ALONE, np.int32)
    settled, touched = np.zeros(width, np.bool_), np.empty(width, np.int32)
    for row in range(rows):
        if of_row[row] >= 0 or starts[row] == starts[row + 1]:
            continue
        length, loser, free, count = _shortest_path(
            row, starts, columns, costs, alone, of_column, row_price, column_price,
            distance, reached_from, settled, touched,
        )  # fmt: skip
        for place in range(count):
            column = touched[place]
            if settled[column]:
                column_price[column] += distance[column] - length
                row_price[of_column[column]] -= distance[column] - length
            distance[column], settled[column] = FAR, False
        row_price[row] += length
        _switch(row, loser, free, of_row, of_column, reached_from)
    return of_row


@compiled
def _begin(starts: Long, columns: Whole, costs: Whole, of_row: Whole, of_column: Whole, row_price: Long) -> None:
    """Gives rows a nearest column while it is free; every row's price is its least cost."""
    for row in range(len(of_row)):
        if starts[row] == starts[row + 1]:
            continue
        row_price[row] = costs[starts[row]]
        for edge in range(starts[row], starts[row + 1]):
            if costs[edge] > row_price[row]:
                break
            if of_column[columns[edge]] < 0:
                of_row[row], of_column[columns[edge]] = columns[edge], row
                break


@compiled
def _shortest_path(
    source: int,
    starts: Long,
    columns: Whole,
    costs: Whole,
    alone: int,
    of_column: Whole,
    row_price: Long,
    column_price: Long,
    distance: Long,
    reached_from: Whole,
    settled: NDArray[np.bool_],
    touched: Whole,
) -> tuple[int, int, int, int]:
    """Dijkstra over reduced costs from a row without a column to the nearest end.

    An end is a free column, or a row of the tree (also the source) that is left alone instead. Returns the length, that
    row, that column (or ``ALONE``) and how many columns stand in ``touched``; those ``settled`` have their distance.
    """
    width, count = len(of_column), 0
    row, near = source, np.int64(0)
    length, loser = alone - row_price[source], source
    waiting = [np.int64(0) for _ in range(0)]  # distance * width + column: ties go to the first column
    while True:
        for edge in range(starts[row], starts[row + 1]):
            column = columns[edge]
            further = near + costs[edge] - row_price[row] - column_price[column]
            if further < distance[column] and further < length:
                if distance[column] == FAR:
                    touched[count] = column
                    count += 1
                distance[column], reached_from[column] = further, row
                heapq.heappush(waiting, further * width + column)
        column = ALONE
        while len(waiting) > 0 and column < 0:
            key = heapq.heappop(waiting)
            if not settled[key % width] and distance[key % width] == key // width:
                column = key % width
        if column < 0 or distance[column] >= length:
            return length, loser, ALONE, count
        near = distance[column]
        if of_column[column] < 0:
            return near, loser, column, count
        settled[column] = True
        row = of_column[column]
        if near + alone - row_price[row] < length:
            length, loser = near + alone - row_price[row], row


@compiled
def _switch(source: int, loser: int, free: int, of_row: Whole, of_column: Whole, reached_from: Whole) -> None:
    """Pairs along the path that ends at a free column, or at the column that the loser gives up."""
    column = free
    if free < 0:
        column = of_row[loser]
        of_row[loser] = ALONE
    while column >= 0:
        row = reached_from[column]
        following = of_row[row] if row != source else ALONE
        of_row[row], of_column[column] = column, row
        column = following
