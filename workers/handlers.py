"""Every handler, registered by import; none of these modules imports torch before its first job."""

from workers import detectors, embeddings, evaluations, exports, images, promotions, proposals, ratings, rounds

__all__ = [
    "detectors",
    "embeddings",
    "evaluations",
    "exports",
    "images",
    "promotions",
    "proposals",
    "ratings",
    "rounds",
]
