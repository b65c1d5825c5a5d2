"""Every handler, registered by import; none of these modules imports torch before its first job."""

from workers import embeddings, exports, images

__all__ = ["embeddings", "exports", "images"]
