"""Every handler, registered by import; none of these modules imports torch before its first job."""

from workers import detectors, embeddings, exports, images, promotions, proposals, ratings

__all__ = ["detectors", "embeddings", "exports", "images", "promotions", "proposals", "ratings"]
