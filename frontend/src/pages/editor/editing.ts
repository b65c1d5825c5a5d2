/** The masks of the open image: what the person did to them, and what the outbox must carry to the server. */
import { computed, effect, type ReadonlySignal, signal } from "@preact/signals";
import {
  type Act,
  type AnnotationRecord,
  accept,
  approve,
  categorise,
  type Document,
  flag,
  type Outcome,
  openDocument,
  redoStep,
  remove,
  undoStep,
} from "../../core/document";
import { InvalidMask } from "../../core/rle";
import type { Annotation, AnnotationIn } from "../../data/api";
import { annotationOf, NotSaved, outbox } from "../../data/outbox";
import { annotationIn, type Extra, overlay, recordOf } from "./records";

export class Editing {
  readonly document = signal<Document>(openDocument([]));
  /** All masks, newest first. */
  readonly records: ReadonlySignal<readonly AnnotationRecord[]> = computed(() => newestFirst(this.document.value));
  readonly selectedId = signal<string | null>(null);
  readonly selected: ReadonlySignal<AnnotationRecord | null> = computed(
    () => this.document.value.annotations.get(this.selectedId.value ?? "") ?? null,
  );
  /** Under the pointer, in the picture or in the list. */
  readonly pointedId = signal<string | null>(null);
  readonly hidden = signal<ReadonlySet<string>>(new Set());
  private readonly bodies = new Map<string, AnnotationIn>();
  private readonly revisions = new Map<string, number>();
  private readonly stops: (() => void)[] = [];
  private imageId = "";
  private stuck = 0;

  /** `warn` hears in words what the person must know; `reload` is asked for when this list can no longer be trusted. */
  constructor(
    private readonly projectId: string,
    private readonly warn: (words: string) => void,
    private readonly reload: () => void,
  ) {
    this.stops.push(
      outbox.onSaved((_, reply) => {
        if (reply && "revision" in reply) this.revisions.set(reply.id, reply.revision);
      }),
      effect(() => this.watchRefusals()),
    );
  }

  dispose(): void {
    for (const stop of this.stops) stop();
  }

  /** Shows an image's masks; nothing of the image before can be undone any more. */
  open(imageId: string, listed: readonly Annotation[]): void {
    this.imageId = imageId;
    this.selectedId.value = null;
    this.pointedId.value = null;
    this.hidden.value = new Set();
    this.document.value = openDocument(this.readAll(listed));
  }

  close(): void {
    this.open("", []);
  }

  /** The server's list came anew: what is shown follows it, what was done stays undoable. */
  refresh(imageId: string, listed: readonly Annotation[]): void {
    if (imageId !== this.imageId) return;
    const fresh = openDocument(this.readAll(listed));
    const { history, told } = this.document.peek();
    this.document.value = { annotations: fresh.annotations, history, told: new Set([...told, ...fresh.told]) };
  }

  accept(record: AnnotationRecord, extra: Extra): void {
    this.bodies.set(record.id, annotationIn(record, extra));
    this.settle(accept(this.document.peek(), record));
    if (record.supersedesId) this.selectedId.value = null;
  }

  remove(id: string): void {
    if (this.selectedId.peek() === id) this.selectedId.value = null;
    if (this.pointedId.peek() === id) this.pointedId.value = null;
    this.settle(remove(this.document.peek(), id));
  }

  categorise(id: string, categoryId: string | null): void {
    this.settle(categorise(this.document.peek(), id, categoryId));
  }

  /** Marks a mask as wrong, in words; null takes the mark away. */
  flag(id: string, words: string | null): void {
    this.settle(flag(this.document.peek(), id, words));
  }

  /** Accepts proposals as they are. */
  approve(ids: readonly string[]): void {
    this.settle(approve(this.document.peek(), ids));
  }

  undo(): boolean {
    return this.settle(undoStep(this.document.peek()));
  }

  redo(): boolean {
    return this.settle(redoStep(this.document.peek()));
  }

  toggleHidden(id: string): void {
    const hidden = new Set(this.hidden.peek());
    if (!hidden.delete(id)) hidden.add(id);
    this.hidden.value = hidden;
  }

  /** The mask as it is now. */
  find(id: string): AnnotationRecord | undefined {
    return this.document.peek().annotations.get(id);
  }

  /** Whether an event about an annotation of this image tells more than this page has done itself. */
  isNews(id: string, revision: number, state: string): boolean {
    if (outbox.pendingFor(this.imageId).some(({ operation }) => annotationOf(operation) === id)) return false;
    const { annotations, told } = this.document.peek();
    if (state !== "accepted" && state !== "proposed") return annotations.has(id);
    const known = this.revisions.get(id);
    return known === undefined ? !told.has(id) : revision > known;
  }

  private settle([document, acts]: Outcome): boolean {
    const changed = document !== this.document.peek();
    this.document.value = document;
    for (const act of acts) void this.tell(act);
    return changed;
  }

  private async tell(act: Act): Promise<void> {
    const { projectId, imageId } = this;
    try {
      if (act.kind === "create") await outbox.accept(projectId, imageId, this.bodyOf(act.record));
      else if (act.kind === "delete") await outbox.remove(projectId, imageId, act.id);
      else if (act.kind === "restore") await outbox.restore(projectId, imageId, act.id);
      else if (act.kind === "decide") await outbox.decide(projectId, imageId, act.id, act.accepted);
      else {
        const shown = { id: act.id, revision: this.revisions.get(act.id) ?? 0 };
        const changes = act.kind === "flag" ? { flag: act.flag } : { category_id: act.categoryId };
        await outbox.change(projectId, imageId, shown, changes);
      }
    } catch (error) {
      if (!(error instanceof NotSaved)) throw error;
      this.warn("The last edit is saved nowhere: this device cannot store it and the server did not take it.");
    }
  }

  private bodyOf(record: AnnotationRecord): AnnotationIn {
    const body = this.bodies.get(record.id);
    if (!body) throw new Error(`annotation ${record.id} was not made here`);
    return body;
  }

  private readAll(listed: readonly Annotation[]): AnnotationRecord[] {
    for (const { id, revision } of listed) this.revisions.set(id, revision);
    const records: AnnotationRecord[] = [];
    for (const annotation of overlay(listed, outbox.pendingFor(this.imageId))) {
      try {
        records.push(recordOf(annotation));
      } catch (error) {
        if (!(error instanceof InvalidMask)) throw error;
        this.warn(`A mask of this image cannot be shown: ${error.message}.`);
      }
    }
    return records;
  }

  /** When an edit that needed attention is gone, it was sent after all or given up: only the server knows which. */
  private watchRefusals(): void {
    const stuck = outbox.entries.value.filter((entry) => entry.imageId === this.imageId && entry.state !== "waiting");
    if (stuck.length < this.stuck) this.reload();
    this.stuck = stuck.length;
  }
}

function newestFirst({ annotations }: Document): AnnotationRecord[] {
  return [...annotations.values()].sort((one, other) => (one.createdAt < other.createdAt ? 1 : -1));
}
