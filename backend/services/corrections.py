"""What the correction of an audited mask does to the annotations, in the transaction that counts it.

The automatic mask still stands, proposed or accepted: a mask that the auditor changed takes its place as a person's
(it supersedes the automatic one, which stays as a row, so the audit's figures do), one left as it is counts as
accepted by the auditor, and where there is no object it is rejected.

A newer version withdrew it meanwhile: the corrected mask is added, unless it says what people have decided already.

A person replaced, rejected or deleted it meanwhile: that decision was taken on the image as it is now, so it stays. The
correction is kept in the audit, where it counts all the same.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

from backend.db.models import Annotation, AuditItem, Image
from backend.errors import Conflict
from backend.services import proposals
from backend.services.annotations import ALIVE, Draft, accept, delete, insert
from backend.uow import UnitOfWork


def draft_of(item: AuditItem, automatic: Annotation, counts: str, seconds: float) -> Draft:
    """The corrected mask as an annotation; what people had said about the automatic one goes over to it."""
    return Draft(
        id=str(uuid.uuid5(proposals.NAMESPACE, f"correction/{item.id}")),
        size=[automatic.height, automatic.width],
        counts=counts,
        source="brush",
        category_id=automatic.category_id,
        parent_id=automatic.parent_id,
        model_version_id=automatic.model_version_id,
        active_seconds=seconds,
        wall_seconds=seconds,
    )


def take_effect(uow: UnitOfWork, item: AuditItem, draft: Draft | None, values: Mapping[str, Any] | None) -> None:
    """Call once, when the entry is done; ``draft`` of :func:`draft_of` and its checked ``values``, None: no object."""
    automatic = uow.session.get_one(Annotation, item.annotation_id, populate_existing=True)
    assert item.actor_id is not None
    if uow.session.get_one(Image, automatic.image_id).state != "ready":
        return
    try:
        with uow.session.begin_nested():
            if draft is None or values is None:
                _reject(uow, automatic, item.actor_id)
            else:
                _keep(uow, automatic, item.actor_id, draft, values)
    except Conflict:
        return  # somebody decided about the automatic mask at this very moment: that stays


def _reject(uow: UnitOfWork, automatic: Annotation, actor_id: str) -> None:
    if automatic.state in ALIVE:
        delete(uow, automatic.id, actor_id)


def _keep(uow: UnitOfWork, automatic: Annotation, actor_id: str, draft: Draft, values: Mapping[str, Any]) -> None:
    if automatic.state in ALIVE and draft.counts == automatic.counts:  # the encoding is canonical: the same pixels
        accept(uow, automatic.id, actor_id)
    elif automatic.state in ALIVE:
        said = {"supersedes_id": automatic.id, "category_id": automatic.category_id}  # of now, not of the draft
        insert(uow, automatic.image_id, actor_id, {**values, **said})
    elif automatic.state == "withdrawn" and proposals.undecided(
        [draft], proposals.decided(uow.session, automatic.image_id)
    ):
        insert(uow, automatic.image_id, actor_id, values)
