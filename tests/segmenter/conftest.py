"""Models that several tests of the segmenter share."""

import pytest

from segmenter.golden.models import rebuilt
from segmenter.modeling.segmenter import Sam
from tests.segmenter.golden import SMALL


@pytest.fixture(scope="module")
def small() -> Sam:
    """The golden files' small model, with its weights."""
    return rebuilt(SMALL)
