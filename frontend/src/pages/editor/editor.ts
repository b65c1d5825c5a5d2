/** The editor's state and what can be done to it; components read its signals and call its methods. */
import { batch, computed, effect, type ReadonlySignal, signal } from "@preact/signals";
import type { AnnotationRecord, Geometry } from "../../core/document";
import { type Corners, cornersBetween, type Point } from "../../core/geometry";
import type { Prompt } from "../../core/prompts";
import { contains } from "../../core/rle";

import { type Annotation, ApiError, api, type Image, imageUrl } from "../../data/api";
import { fetchEmbedding } from "../../data/embeddings";
import { type ProjectEvent, subscribe } from "../../data/events";
import { detailOf } from "../../data/http";
import { outbox } from "../../data/outbox";
import { me } from "../../data/session";
import type { Draft, ShownMask } from "../../render/layers";
import { type Act, isBrush, type ToolName } from "../../tools/tool";
import { navigate, paths } from "../../ui/router";
import { toast } from "../../ui/toasts";
import { discardPainting, paint, savePainting } from "./brushing";
import { Editing } from "./editing";
import { type Effort, EffortClock } from "./effort";
import { Holding } from "./holding";
import { Painting } from "./painting";
import { Sight } from "./picture";
import { Prompting } from "./prompting";
import { Engine } from "./readiness";
import type { Extra } from "./records";
import { Review } from "./review";
import { candidatesToShow, draftToShow, masksToShow } from "./showing";
import { measureReady } from "./timing";
import { Workspace } from "./workspace";

/** A finished mask, however it was made; `base` is what it replaces. */
export type Made = Pick<
  AnnotationRecord,
  keyof Geometry | "id" | "source" | "prompts" | "chosenCandidate" | "predictedIou" | "modelVersionId"
> & { readonly base: AnnotationRecord | null };

const warn = (words: string) => toast(words, { kind: "negative" });

export class Editor {
  readonly workspace: Workspace;
  readonly engine = new Engine();
  readonly prompting = new Prompting(
    this.engine,
    () => this.workspace.version.peek()?.id ?? null,
    (words) => warn(`That prompt got no answer: ${words}`),
  );
  readonly painting = new Painting();
  readonly editing: Editing;
  readonly sight = new Sight();
  readonly picture = this.sight.picture;
  readonly view = this.sight.view;
  readonly image = signal<Image | null>(null);
  /** Why the image cannot be shown; null while nothing is wrong. */
  readonly trouble = signal<string | null>(null);
  readonly review: Review;
  readonly holding = new Holding();
  readonly tool = signal<ToolName>("click");
  /** Category of the masks to come. */
  readonly categoryId = signal<string | null>(null);
  readonly band = signal<Corners | null>(null);
  readonly shownMasks: ReadonlySignal<readonly ShownMask[]> = computed(() => masksToShow(this));
  readonly shownDraft: ReadonlySignal<Draft | null> = computed(() => draftToShow(this));
  /** The candidates to choose from, in the order they are shown. */
  readonly candidates: ReadonlySignal<readonly number[]> = computed(() => candidatesToShow(this));
  readonly hasDraft: ReadonlySignal<boolean> = computed(() => (this.prompting.draft.value?.steps.length ?? 0) > 0);
  /** Something on the canvas that is not saved yet. */
  readonly unfinished: ReadonlySignal<boolean> = computed(() => this.hasDraft.value || this.painting.strokes.value > 0);
  private readonly clock = new EffortClock(performance.now());
  private readonly stops: (() => void)[] = [];
  private accepting: Promise<void> | null = null;
  private opening = 0;

  constructor(readonly projectId: string) {
    this.workspace = new Workspace(projectId);
    this.editing = new Editing(projectId, warn, () => void this.reloadAnnotations());
    this.review = new Review(this.editing, ({ box }) => this.sight.reveal(box));
    this.stops.push(
      subscribe(projectId, { event: (event) => this.heard(event), open: (resumed) => resumed || this.catchUp() }),
      effect(() => {
        if (this.engine.client.generation.value > 1) this.prompting.replay();
      }),
      effect(() => {
        if (this.engine.state.value.kind === "ready") measureReady();
      }),
    );
  }

  dispose(): void {
    for (const stop of this.stops) stop();
    this.holding.dispose();
    this.editing.dispose();
    this.engine.dispose();
  }

  // --- images

  async open(imageId: string): Promise<void> {
    const turn = ++this.opening;
    this.leave();
    this.workspace.adoptNewer();
    void this.holding.open(imageId);
    const around = this.workspace.project.peek() ? Promise.resolve() : this.loadAround();
    const annotations = api.annotations(imageId);
    // Both are awaited below; this only keeps the browser from calling an early failure unhandled.
    Promise.all([around, annotations]).catch(() => undefined);
    try {
      const listed = this.workspace.images.peek().find((other) => other.id === imageId);
      const usable = listed?.state === "ready" && listed.embedding.state === "ready";
      const image = usable ? listed : await api.image(imageId);
      if (turn !== this.opening) return;
      this.image.value = image;
      const shown = this.sight.show(image);
      await around;
      if (turn === this.opening) this.openEngine(image);
      const [list] = await Promise.all([annotations, shown]);
      if (turn !== this.opening) return;
      this.editing.open(imageId, list);
      void this.findConfident(list);
    } catch (error) {
      if (turn === this.opening) this.trouble.value = error instanceof Error ? error.message : String(error);
    }
  }

  private async loadAround(): Promise<void> {
    await this.workspace.load();
    void this.workspace.loadImages().catch(() => warn("The list of images could not be loaded."));
  }

  /** Tries again whatever failed: the image, the decoder or the embedding. */
  async retry(): Promise<void> {
    const image = this.image.peek();
    if (!image || this.trouble.peek()) return this.open(image?.id ?? this.wanted());
    try {
      if (this.workspace.version.peek()) await this.workspace.lookForNewer();
      else await this.workspace.load();
      const fresh = await api.image(image.id);
      if (this.engine.client.state.peek().kind === "failed") await this.engine.client.restart();
      if (!this.unfinished.peek()) this.workspace.adoptNewer();
      this.image.value = fresh;
      this.openEngine(fresh);
    } catch (error) {
      warn(`That did not help: ${detailOf(error)}`);
    }
  }

  go(by: 1 | -1): void {
    const next = this.workspace.neighbour(this.image.peek()?.id ?? "", by);
    if (next) this.goTo(next);
  }

  goTo(image: Image): void {
    navigate(paths.editor(this.projectId, image.id));
  }

  /** Marks the image complete and opens the next one that is not. */
  async completeAndNext(): Promise<void> {
    await this.accept();
    const image = this.image.peek();
    if (!image || this.unfinished.peek()) return; // a mask that could not be made is not left behind
    await this.setComplete(image, true);
    await this.nextImage();
  }

  /** Leaves the image to others: it stays in the queue, but is not offered to this person again. */
  async skip(): Promise<void> {
    const image = this.image.peek();
    if (!image) return;
    if (this.unfinished.peek()) return warn("Accept or discard the unfinished mask first (Enter or Esc)");
    let next: string | undefined;
    try {
      next = (await api.nextImage(this.projectId, image.id, true))?.image_id;
    } catch (error) {
      return warn(`The image was not skipped: ${detailOf(error)}`);
    }
    const back = { label: "Go back to it", run: () => this.goTo(image) };
    toast(next ? "Skipped: others get this image" : "Skipped: no other image is waiting for you", { action: back });
    navigate(next ? paths.editor(this.projectId, next) : paths.project(this.projectId));
  }

  /** Opens the next image that waits for work and that nobody else holds; without a server the next in the row. */
  async nextImage(): Promise<void> {
    const image = this.image.peek();
    if (!image) return;
    const { images, total, completeCount } = this.workspace;
    let next = this.workspace.nextOpen(image.id)?.id;
    try {
      next = (await api.nextImage(this.projectId, image.id, false))?.image_id;
    } catch (error) {
      if (!(error instanceof ApiError) || !error.passing) throw error;
    }
    const all = images.peek().length === total.peek() && completeCount.peek() === total.peek();
    if (next) navigate(paths.editor(this.projectId, next));
    else if (all) toast("Every image is complete", { kind: "positive" });
    else toast("No image is waiting: the others are complete, or somebody is working on them");
  }

  /** Lets the newer model version answer for this image, after saving what was made with the one before. */
  async useNewer(): Promise<void> {
    await this.accept();
    const image = this.image.peek();
    if (!image || this.unfinished.peek()) return;
    // In one step: no click may be answered by one version and saved under the other.
    this.workspace.adoptNewer();
    this.openEngine(image);
  }

  async setComplete(image: Image, complete: boolean): Promise<void> {
    const changed = { ...image, complete };
    this.workspace.replace(changed);
    if (this.image.peek()?.id === image.id) this.image.value = changed;
    await outbox.complete(this.projectId, image.id, complete).catch((error: Error) => warn(error.message));
  }

  // --- prompts and masks

  /** `time`: of the person's event, in milliseconds of performance.now(). */
  act(act: Act, time: number): void {
    this.clock.note(time);
    switch (act.kind) {
      case "click":
        this.prompt({ kind: "point", ...act.point, label: act.label }, time);
        break;
      case "box":
        this.prompt({ kind: "box", ...act.corners }, time);
        break;
      case "hover":
        this.hover(act.point);
        break;
      case "select":
        this.select(this.maskAt(act.point)?.id ?? null);
        break;
      case "band":
        this.band.value = cornersBetween(act.from, act.to, this.sight.size);
        break;
      case "no-band":
        this.band.value = null;
        break;
      case "paint":
        paint(this, act);
        break;
      case "painted":
        this.painting.end();
        break;
      case "unpaint":
        this.painting.cancel();
        break;
      case "pan":
        this.sight.pan(act.dx, act.dy);
    }
  }

  /** Saves what is unfinished as an annotation. Resolves when it is in the list; does nothing if there is nothing. */
  accept(): Promise<void> {
    savePainting(this);
    if (!this.hasDraft.peek()) return Promise.resolve();
    this.accepting ??= this.finishDraft().finally(() => {
      this.accepting = null;
    });
    return this.accepting;
  }

  /** Esc: what is unfinished goes, else the selection. */
  discard(): void {
    if (discardPainting(this)) return;
    if (this.prompting.draft.peek()) this.prompting.discard();
    else this.select(null);
  }

  undo(): void {
    if (!this.painting.undo() && !this.prompting.undo()) this.editing.undo();
  }

  redo(): void {
    if (!this.painting.redo() && !this.prompting.redo()) this.editing.redo();
  }

  /** What is unfinished is saved first when the new tool cannot go on with it; the mask stays selected. */
  useTool(tool: ToolName): void {
    if (isBrush(tool)) void this.acceptAndSelect();
    else if (!savePainting(this, true)) return;
    this.tool.value = tool;
    this.band.value = null;
    this.hover(null);
    this.editing.pointedId.value = null;
  }

  select(id: string | null): void {
    if (this.hasDraft.peek() || !savePainting(this)) return;
    this.editing.selectedId.value = id;
  }

  /** Selects the next proposal; strokes under way are saved first. */
  stepProposal(by: 1 | -1): void {
    if (!this.hasDraft.peek() && savePainting(this)) this.review.step(by);
  }

  /** Hides or shows the selected mask. */
  toggleSelected(): void {
    const id = this.editing.selectedId.peek();
    if (id) this.editing.toggleHidden(id);
  }

  remove(id: string | null): void {
    if (!id) return;
    if (this.painting.mask.peek()?.base?.id === id) this.painting.discard();
    this.editing.remove(id);
    toast("Mask deleted", { action: { label: "Undo", run: () => this.editing.undo() } });
  }

  /** Names the selected mask, also while it is refined, or without one the masks to come. */
  categorise(categoryId: string | null): void {
    const selected = this.editing.selected.peek();
    if (selected) this.editing.categorise(selected.id, categoryId);
    else this.categoryId.value = categoryId;
  }

  async createCategory(name: string): Promise<void> {
    try {
      const made = await api.createCategory(this.projectId, { name });
      await this.workspace.loadCategories();
      this.categorise(made.id);
    } catch (error) {
      warn(error instanceof Error ? error.message : String(error));
    }
  }

  cycle(by: 1 | -1): void {
    const order = this.candidates.peek();
    const shown = this.prompting.shown.peek();
    if (!shown || order.length === 0) return;
    const next = order[(order.indexOf(shown.candidate) + by + order.length) % order.length];
    if (next !== undefined) this.prompting.pick(next);
  }

  private wanted(): string {
    return location.pathname.split("/").at(-1) ?? "";
  }

  private leave(): void {
    if (!savePainting(this) || this.hasDraft.peek()) toast("The unfinished mask was discarded");
    batch(() => {
      this.sight.close();
      this.painting.discard();
      this.prompting.discard();
      this.engine.close();
      this.editing.close();
      this.review.reset();
      this.band.value = null;
      this.trouble.value = null;
    });
    this.clock.restart(performance.now());
  }

  private openEngine(image: Image): void {
    const version = this.workspace.version.peek();
    if (version) void this.engine.open(image, version).then(() => this.prefetch(image));
  }

  /** The next image's bytes come while the person is busy with this one. */
  private prefetch(image: Image): void {
    const next = this.workspace.neighbour(image.id, 1);
    const version = this.workspace.version.peek();
    if (!next?.pixel_digest || next.state !== "ready" || !version || this.image.peek()?.id !== image.id) return;
    new globalThis.Image().src = imageUrl(next, "pixels");
    if (next.embedding.state === "ready") {
      fetchEmbedding(version.encoder_digest, next.pixel_digest).catch((error: Error) => console.warn(error.message));
    }
  }

  private prompt(prompt: Prompt, time: number): void {
    if (this.accepting) void this.accepting.then(() => this.prompt(prompt, time));
    else this.prompting.add(prompt, this.editing.selected.peek(), time);
  }

  private hover(point: Point | null): void {
    if (this.tool.peek() === "select") {
      this.editing.pointedId.value = (point && this.maskAt(point)?.id) ?? null;
      return;
    }
    this.prompting.hover(this.editing.selected.peek() ? null : point);
  }

  /** The smallest visible mask under a point: parts lie over wholes. */
  maskAt(point: Point): AnnotationRecord | null {
    const hidden = this.editing.hidden.peek();
    const under = this.review.listed
      .peek()
      .filter((record) => !hidden.has(record.id) && contains(record.runs, record.size, point));
    return under.sort((one, other) => one.area - other.area)[0] ?? null;
  }

  private async finishDraft(): Promise<void> {
    const image = this.image.peek();
    try {
      const finished = await this.prompting.finish();
      if (!finished) return;
      if (this.image.peek()?.id !== image?.id) throw new Error("another image was opened");
      if (finished.area === 0) throw new Error("it is empty, click on something first");
      const { stability, ...made } = finished;
      batch(() => {
        this.save(made, { stability });
        this.prompting.finished(finished.id);
      });
    } catch (error) {
      warn(`The mask could not be made: ${error instanceof Error ? error.message : String(error)}`);
    }
  }

  /** Puts a finished mask into the list and on its way to the server. */
  save({ base, ...made }: Made, extra: Omit<Extra, keyof Effort>): void {
    const record: AnnotationRecord = {
      ...made,
      // The base may have got another name since the draft began.
      categoryId: base ? (this.editing.find(base.id) ?? base).categoryId : this.categoryId.peek(),
      supersedesId: base?.id ?? null,
      state: "accepted",
      flag: null,
      createdAt: new Date().toISOString(),
      actorId: null,
    };
    this.editing.accept(record, { ...extra, ...this.clock.take(performance.now()) });
  }

  /** A draft of clicks becomes a mask that strokes can change. */
  private async acceptAndSelect(): Promise<void> {
    const id = this.hasDraft.peek() ? this.prompting.draft.peek()?.id : undefined;
    if (!id) return;
    await this.accept();
    if (this.editing.find(id)) this.editing.selectedId.value = id;
  }

  resizeBrush(by: 1 | -1): void {
    this.painting.resize(by, this.sight.size);
  }

  // --- the server's events

  private heard({ kind, subjectId, payload }: ProjectEvent): void {
    const here = subjectId === this.image.peek()?.id;
    if (here && kind === "embedding.ready") this.engine.heard("ready", "");
    if (here && kind === "embedding.failed") this.engine.heard("failed", String(payload.failure ?? "unknown reason"));
    if (here && kind === "image.ready" && !this.picture.peek()) void this.open(subjectId);
    if (kind.startsWith("image.") || kind.startsWith("embedding.")) void this.workspace.refresh(subjectId);
    if (kind.startsWith("category.") || kind === "project.changed") this.refreshCategories();
    if (kind === "assignment.changed") {
      this.holding.heard(subjectId, (payload.holder_id as string | null) ?? null, me.peek()?.id);
    }
    if (kind === "version.promoted" || kind === "project.changed") this.lookForNewer();
    if (kind === "version.promoted") void this.reloadAnnotations(); // a roll-back takes proposals away
    const masks = kind.startsWith("annotation.") && payload.image_id === this.image.peek()?.id;
    const news = masks && this.editing.isNews(subjectId, Number(payload.revision), String(payload.state));
    if (news || (here && kind === "image.proposals")) void this.reloadAnnotations();
  }

  /** Events may have been missed: asks for what they would have told. */
  private catchUp(): void {
    this.engine.heard("ready", "");
    if (!this.workspace.project.peek()) return;
    void this.reloadAnnotations();
    this.lookForNewer();
  }

  private refreshCategories(): void {
    this.workspace.loadCategories().catch((error: Error) => console.warn(error.message));
  }

  private lookForNewer(): void {
    this.workspace.lookForNewer().catch((error: Error) => console.warn(error.message));
  }

  private async reloadAnnotations(): Promise<void> {
    const image = this.image.peek();
    if (!image) return;
    const listed: Annotation[] | null = await api.annotations(image.id).catch(() => null);
    if (!listed || this.image.peek()?.id !== image.id) return;
    this.editing.refresh(image.id, listed);
    void this.findConfident(listed);
  }

  /** Asks which proposals reach the project's limits; without an answer none is called confident. */
  private async findConfident(listed: readonly Annotation[]): Promise<void> {
    const image = this.image.peek();
    if (!image || !listed.some(({ state }) => state === "proposed")) return;
    const proposals = await api.proposals(image.id).catch(() => []);
    if (this.image.peek()?.id !== image.id) return;
    this.review.confident.value = new Set(proposals.filter(({ confident }) => confident).map(({ id }) => id));
  }
}
