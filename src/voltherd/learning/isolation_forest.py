"""Isolation forest: grown by scikit-learn, asked by NumPy; the trees travel as arrays.

A row that random cuts single out early is rare.  With h the mean depth at which the trees isolate a
row and c(n) the mean depth of an unsuccessful search among n rows, the score is 2^(-h / c(n)).

Source: Liu, Ting and Zhou, Isolation Forest, ICDM (2008) 413.
"""

from dataclasses import dataclass
from typing import Final, final

import numpy as np
from jaxtyping import Float, Float32, Int

from voltherd.learning.extra import need_learn

TREES: Final = 200
ROWS: Final = 256
"""Rows that each tree sees, as in the source."""
TOGETHER: Final = 512
"""Rows sorted at once: what the trees are at stays in cache."""
EULER: Final = 0.5772156649015329
Table = Float[np.ndarray, "rows features"]


@final
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class IsolationForest:
    """Trees side by side, filled up to one size.

    Attributes:
        feature: That a node asks; -1 at a leaf.
        threshold: At most this goes left.
        left: Node that is next then.
        right: Node that is next otherwise.
        depth: At a leaf, its depth and what its rows would add; 0 elsewhere.
        rows: That each tree saw.
    """

    feature: Int[np.ndarray, "trees nodes"]
    threshold: Float[np.ndarray, "trees nodes"]
    left: Int[np.ndarray, "trees nodes"]
    right: Int[np.ndarray, "trees nodes"]
    depth: Float[np.ndarray, "trees nodes"]
    rows: int


def fit_isolation_forest(rows: Table, seed: int) -> IsolationForest:
    """Grow a forest on healthy rows.

    Raises:
        UsageError: scikit-learn is not installed.
    """
    need_learn()
    from sklearn.ensemble import IsolationForest as Grown

    seen = min(ROWS, len(rows))
    grown = Grown(n_estimators=TREES, max_samples=seen, random_state=seed).fit(rows)
    trees = [one.tree_ for one in grown.estimators_]
    nodes = max(tree.node_count for tree in trees)

    def laid(name: str, rest: float) -> np.ndarray:
        table = np.full((len(trees), nodes), rest)
        for at, tree in enumerate(trees):
            table[at, : tree.node_count] = getattr(tree, name)
        return table

    feature = laid("feature", -1.0)
    left, right = laid("children_left", 0.0), laid("children_right", 0.0)
    inner = feature >= 0
    kept = [np.where(inner, one, 0.0).astype(np.int64) for one in (left, right)]
    return IsolationForest(
        feature=np.where(inner, feature, -1.0).astype(np.int64),
        threshold=laid("threshold", 0.0),
        left=kept[0],
        right=kept[1],
        depth=_leaf_depths(kept[0], kept[1], inner, laid("n_node_samples", 0.0)),
        rows=seen,
    )


def _leaf_depths(
    left: Int[np.ndarray, "trees nodes"],
    right: Int[np.ndarray, "trees nodes"],
    inner: np.ndarray,
    count: Float[np.ndarray, "trees nodes"],
) -> Float[np.ndarray, "trees nodes"]:
    """Go down from the roots; parents are numbered before their children."""
    depth = np.zeros(count.shape)
    every = np.arange(len(depth))
    for node in range(count.shape[1]):
        there = every[inner[:, node]]
        for child in (left, right):
            depth[there, child[there, node]] = depth[there, node] + 1.0
    return np.where(inner, 0.0, depth + unsuccessful_search(count))


def unsuccessful_search(rows: Float[np.ndarray, "*shape"]) -> Float[np.ndarray, "*shape"]:
    """Give the mean depth of an unsuccessful search in a binary tree of so many rows.

    >>> unsuccessful_search(np.array([1.0, 2.0, 256.0])).round(2)
    array([ 0.  ,  1.  , 10.24])
    """
    many = np.maximum(rows, 3.0)
    depth = 2.0 * (np.log(many - 1.0) + EULER) - 2.0 * (many - 1.0) / many
    return np.where(rows > 2.0, depth, np.where(rows == 2.0, 1.0, 0.0))


def isolation_score(model: IsolationForest, rows: Table) -> Float[np.ndarray, "rows"]:
    """Give the score of each row, towards 1 for what is singled out early."""
    told = [
        _mean_depth(model, rows[first : first + TOGETHER].astype(np.float32))
        for first in range(0, len(rows), TOGETHER)
    ]
    scale = unsuccessful_search(np.array([float(model.rows)]))[0]
    return np.asarray(2.0 ** (-np.concatenate([np.empty(0), *told]) / scale))


def _mean_depth(
    model: IsolationForest, rows: Float32[np.ndarray, "rows features"]
) -> Float[np.ndarray, "rows"]:
    """Let every tree sort every row; like scikit-learn, they compare in single precision."""
    tree, row = np.arange(len(model.feature))[None], np.arange(len(rows))[:, None]
    node = np.zeros((len(rows), len(model.feature)), dtype=np.int64)
    asked = model.feature[tree, node]
    while (asked >= 0).any():
        goes_left = rows[row, asked] <= model.threshold[tree, node]
        after = np.where(goes_left, model.left[tree, node], model.right[tree, node])
        node = np.where(asked >= 0, after, node)
        asked = model.feature[tree, node]
    return np.asarray(model.depth[tree, node].mean(axis=1))
