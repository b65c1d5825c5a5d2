"""The golden models' weights, under the name that tests know."""

from segmenter.golden.weights import state

__all__ = ["state"]
