/** The mask being made: prompts in, candidates out. Each prompt is a step that can be undone; every click is decoded, in order. */
import { batch, computed, type ReadonlySignal, signal } from "@preact/signals";
import { type AnnotationRecord, type Geometry, geometryOf, type Source, type TimedPrompt } from "../../core/document";
import type { Point } from "../../core/geometry";
import { newId } from "../../core/ids";
import { chooseCandidate, type Prompt, promptCount } from "../../core/prompts";
import { type Decoded, DecoderError, type Encoded, type MaskInput } from "../../infer/protocol";
import { Overtaken } from "../../infer/queue";
import type { Engine } from "./readiness";

/** One prompt and the masks that came of it and all before it. */
export interface Step {
  readonly key: number;
  readonly prompts: readonly TimedPrompt[];
  /** Null until the decoder has answered. */
  readonly decoded: Decoded | null;
  /** Which start of the decoder answered: another one does not remember these masks. */
  readonly generation: number;
  /** The candidate that the person picked; null leaves it to the rule. */
  readonly picked: number | null;
  readonly askedAt: number;
}

export interface DraftMask {
  /** Id of the annotation that this becomes. */
  readonly id: string;
  readonly imageKey: string;
  /** The annotation that is being refined. */
  readonly base: AnnotationRecord | null;
  /** The prompts that made `base`, decoded again so that the new ones continue where it ended. */
  readonly ground: readonly Step[];
  readonly beganAt: number;
  readonly steps: readonly Step[];
  readonly undone: readonly Step[];
}

/** A prompt that was answered: when it was given, in milliseconds of performance.now(). */
export interface Answer {
  readonly askedAt: number;
}

/** A mask on screen: which of the decoded candidates. */
export interface ShownCandidate {
  readonly decoded: Decoded;
  readonly candidate: number;
}

/** A draft turned into what is saved. */
export interface Finished extends Geometry {
  readonly id: string;
  readonly base: AnnotationRecord | null;
  readonly source: Source;
  readonly prompts: readonly TimedPrompt[];
  readonly chosenCandidate: number;
  readonly predictedIou: number;
  readonly stability: number;
  /** The version whose decoder answered. */
  readonly modelVersionId: string;
}

/** The API takes no more for one mask. */
const MOST_PROMPTS = 64;

export class Prompting {
  readonly draft = signal<DraftMask | null>(null);
  /** The mask under the pointer before any prompt. */
  readonly preview = signal<ShownCandidate | null>(null);
  /** What the canvas shows of the draft: the newest mask there is. */
  readonly shown: ReadonlySignal<ShownCandidate | null> = computed(() => shownOf(this.draft.value));
  /** The saved mask in whose place the draft is shown; null while there is none. */
  readonly replacedId: ReadonlySignal<string | null> = computed(() =>
    this.shown.value ? (this.draft.value?.base?.id ?? null) : null,
  );
  readonly answered = signal<Answer | null>(null);
  /** A prompt waits for its answer. */
  readonly busy: ReadonlySignal<boolean> = computed(() => this.draft.value?.steps.at(-1)?.decoded === null);
  /** Id of the next mask: its preview already has its colour. */
  readonly nextId = signal(newId());
  private chain: Promise<void> = Promise.resolve();
  private hovered: Point | null = null;
  private lastKey = 0;

  /** `versionId` of the model that answers now; `failed` hears in words why a prompt got no answer. */
  constructor(
    private readonly engine: Engine,
    private readonly versionId: () => string | null,
    private readonly failed: (words: string) => void,
  ) {}

  /** Adds a prompt to the draft, which begins with it if there is none; `base` is then the annotation it refines. */
  add(prompt: Prompt, base: AnnotationRecord | null, askedAt: number): void {
    this.hover(null);
    const now = performance.now();
    const draft = this.draft.peek() ?? this.begin(base, now);
    const before = draft.steps.at(-1)?.prompts ?? promptsOf(draft);
    if (promptCount(before) >= MOST_PROMPTS) {
      this.failed(`one mask takes at most ${MOST_PROMPTS}`);
      return;
    }
    const kept = prompt.kind === "box" ? before.filter((earlier) => earlier.kind !== "box") : before;
    const since = promptsOf(draft).at(-1)?.at_ms ?? 0;
    const prompts = [...kept, { ...prompt, at_ms: since + Math.round(now - draft.beganAt) }];
    const fresh = !this.draft.peek();
    if (fresh) this.nextId.value = newId();
    const step: Step = { key: ++this.lastKey, prompts, decoded: null, generation: 0, picked: null, askedAt };
    this.draft.value = { ...draft, steps: [...draft.steps, step], undone: [] };
    if (fresh) for (const { key } of draft.ground) this.decodeInTurn(draft.id, key);
    this.decodeInTurn(draft.id, step.key);
  }

  /** Takes the last prompt back; false when there is none. */
  undo(): boolean {
    const draft = this.draft.peek();
    const step = draft?.steps.at(-1);
    if (!draft || !step) return false;
    this.draft.value = { ...draft, steps: draft.steps.slice(0, -1), undone: [...draft.undone, step] };
    return true;
  }

  redo(): boolean {
    const draft = this.draft.peek();
    const step = draft?.undone.at(-1);
    if (!draft || !step) return false;
    this.draft.value = { ...draft, steps: [...draft.steps, step], undone: draft.undone.slice(0, -1) };
    if (!step.decoded) this.decodeInTurn(draft.id, step.key);
    return true;
  }

  discard(): void {
    this.hover(null);
    if (!this.draft.peek()) return;
    this.draft.value = null;
    if (this.engine.state.peek().kind === "ready") this.engine.client.forget().catch(ignoreGone);
  }

  pick(candidate: number): void {
    const draft = this.draft.peek();
    const step = draft?.steps.findLast(({ decoded }) => decoded !== null);
    if (draft && step) this.draft.value = withStep(draft, { ...step, picked: candidate });
  }

  /** Asks for the mask under the pointer; null ends it. Nothing is previewed while a draft is there. */
  hover(point: Point | null): void {
    this.hovered = point;
    if (!point || this.draft.peek()?.steps.length || this.engine.state.peek().kind !== "ready") {
      this.engine.client.endPreview();
      this.preview.value = null;
      return;
    }
    void this.previewAt(point);
  }

  /** Run lengths of what is shown, without ending the draft; null when nothing is. */
  async measure(): Promise<Encoded | null> {
    const shown = this.shown.peek();
    return shown && this.engine.client.encode(shown.decoded.decode, shown.candidate);
  }

  /** Waits for the prompts under way and turns the draft into what is saved; null when there is nothing to save. */
  async finish(): Promise<Finished | null> {
    await this.chain;
    const draft = this.draft.peek();
    const shown = this.shown.peek();
    const last = draft?.steps.at(-1);
    if (!draft || !shown || !last?.decoded) return null;
    const encoding = this.engine.client.encode(shown.decoded.decode, shown.candidate);
    this.engine.client.forget().catch(ignoreGone);
    const encoded = await encoding;
    return {
      id: draft.id,
      base: draft.base,
      ...geometryOf(encoded.counts, encoded.size),
      source: last.prompts[0]?.kind === "box" ? "box" : "click",
      prompts: promptsWithCandidates(draft),
      chosenCandidate: shown.candidate,
      predictedIou: shown.decoded.predictedIou[shown.candidate] ?? 0,
      stability: encoded.stability,
      modelVersionId: shown.decoded.maker.versionId,
    };
  }

  /** Ends a draft whose mask is in the document now. */
  finished(id: string): void {
    if (this.draft.peek()?.id === id) this.draft.value = null;
  }

  /** The worker was started anew and has forgotten its masks: decodes all prompts of the draft again. */
  replay(): void {
    const draft = this.draft.peek();
    if (!draft) return;
    const forget = (step: Step): Step => ({ ...step, decoded: null });
    const { ground, steps, undone } = draft;
    this.draft.value = { ...draft, ground: ground.map(forget), steps: steps.map(forget), undone: undone.map(forget) };
    for (const { key } of [...ground, ...steps]) this.decodeInTurn(draft.id, key);
  }

  private begin(base: AnnotationRecord | null, now: number): DraftMask {
    const ground = base && canReplay(base, this.versionId()) ? this.stepsOf(base, now) : [];
    const id = this.nextId.peek();
    return { id, imageKey: this.engine.imageKey, base, ground, beganAt: now, steps: [], undone: [] };
  }

  private stepsOf({ prompts, chosenCandidate }: AnnotationRecord, askedAt: number): Step[] {
    return prompts.map((prompt, index) => ({
      key: ++this.lastKey,
      prompts: prompts.slice(0, index + 1),
      decoded: null,
      generation: 0,
      picked: prompt.candidate ?? (index === prompts.length - 1 ? chosenCandidate : null),
      askedAt,
    }));
  }

  private decodeInTurn(draftId: string, key: number): void {
    this.chain = this.chain
      .then(() => this.decode(draftId, key))
      .catch((error: unknown) => this.giveUp(draftId, key, error));
  }

  private async decode(draftId: string, key: number): Promise<void> {
    const { imageKey } = this.engine;
    await this.engine.whenReady(imageKey);
    const draft = this.draft.peek();
    const order = draft ? [...draft.ground, ...draft.steps] : [];
    const index = order.findIndex((step) => step.key === key);
    const step = order[index];
    if (!draft || draft.id !== draftId || draft.imageKey !== imageKey || !step || step.decoded) return;
    const before = order[index - 1];
    const generation = this.engine.client.generation.peek();
    // The decoder was started anew: `replay` decodes them all again, in order.
    if (before && !(before.decoded && before.generation === generation)) return;
    const decoded = await this.engine.client.decode(imageKey, step.prompts, maskBefore(before, draft));
    const now = this.draft.peek();
    const current = [...(now?.ground ?? []), ...(now?.steps ?? []), ...(now?.undone ?? [])].find(
      (other) => other.key === key,
    );
    if (!now || now.id !== draftId || !current) return;
    batch(() => {
      this.draft.value = withStep(now, { ...current, decoded, generation });
      if (now.ground.includes(current)) return;
      this.answered.value = { askedAt: step.askedAt };
    });
  }

  /** A prompt without an answer must not stay on screen as if it counted. */
  private giveUp(draftId: string, key: number, error: unknown): void {
    const draft = this.draft.peek();
    if (!draft || draft.id !== draftId || ![...draft.ground, ...draft.steps].some((step) => step.key === key)) return;
    if (this.engine.state.peek().kind !== "ready") return;
    const steps = draft.steps.filter((step) => step.key !== key);
    this.draft.value = steps.length > 0 ? { ...draft, steps } : null;
    this.failed(error instanceof Error ? error.message : String(error));
  }

  private async previewAt(point: Point): Promise<void> {
    const prompt: Prompt = { kind: "point", x: point.x, y: point.y, label: 1 };
    try {
      const decoded = await this.engine.client.preview(this.engine.imageKey, [prompt]);
      if (!this.hovered || this.draft.peek()?.steps.length) return;
      this.preview.value = { decoded, candidate: chooseCandidate(decoded.predictedIou, 1) };
    } catch (error) {
      if (!(error instanceof Overtaken || error instanceof DecoderError)) throw error;
    }
  }
}

/** The mask that the decoder refines with the next prompt: the one shown after the last, or the saved one. */
function maskBefore(before: Step | undefined, { base, ground }: DraftMask): MaskInput | null {
  if (before?.decoded)
    return { kind: "decoded", decode: before.decoded.decode, candidate: candidateOf(before, before.decoded) };
  return base && ground.length === 0 ? { kind: "saved", counts: base.counts } : null;
}

/** Whether decoding a mask's prompts again gives that mask: the same model made it from nothing but them. */
function canReplay({ prompts, modelVersionId, source }: AnnotationRecord, versionId: string | null): boolean {
  const prompted = source === "click" || source === "box";
  return prompted && modelVersionId === versionId && prompts.length > 0 && prompts.every(({ kind }) => kind !== "mask");
}

/** What the decoder has heard before the person's own first prompt. */
function promptsOf({ base, ground }: DraftMask): readonly TimedPrompt[] {
  return ground.at(-1)?.prompts ?? (base ? [{ kind: "mask", at_ms: 0 }] : []);
}

function candidateOf(step: Step, decoded: Decoded): number {
  return step.picked ?? chooseCandidate(decoded.predictedIou, promptCount(step.prompts));
}

function shownOf(draft: DraftMask | null): ShownCandidate | null {
  const step = draft?.steps.findLast(({ decoded }) => decoded !== null);
  return step?.decoded ? { decoded: step.decoded, candidate: candidateOf(step, step.decoded) } : null;
}

function withStep(draft: DraftMask, changed: Step): DraftMask {
  const put = (step: Step) => (step.key === changed.key ? changed : step);
  return { ...draft, ground: draft.ground.map(put), steps: draft.steps.map(put), undone: draft.undone.map(put) };
}

/** The prompts of the last step, each with the candidate that was shown after it. */
function promptsWithCandidates(draft: DraftMask): TimedPrompt[] {
  const candidates = new Map<TimedPrompt, number>();
  for (const step of draft.steps) {
    const added = step.prompts.at(-1);
    if (added && step.decoded) candidates.set(added, candidateOf(step, step.decoded));
  }
  return (draft.steps.at(-1)?.prompts ?? []).map((prompt) => {
    const candidate = candidates.get(prompt);
    return candidate === undefined ? prompt : { ...prompt, candidate };
  });
}

function ignoreGone(error: unknown): void {
  if (!(error instanceof DecoderError)) throw error;
}
