/**
 * The outbox: every edit lies on this device before it is sent, and leaves it only when the server has it or a person says so.
 * Edits of one image are sent in order; an edit that the server refuses waits for a person while the others go on.
 */
import { computed, signal } from "@preact/signals";
import { newId } from "../../core/ids";
import { ApiError, reachable, signedIn } from "../http";
import type { Annotation, AnnotationChanges, AnnotationIn } from "../types";
import type { Reply } from "./delivery";
import { annotationOf, type Entry, nextToSend, type Operation, renamed, withDependents } from "./entry";
import type { EntryStore, NewEntry } from "./store";

const FIRST_MS = 1_000;
const LONGEST_MS = 30_000;

export type SaveStatus =
  | { kind: "saved" }
  | { kind: "saving" }
  /** On this device, on its way to the server. */
  | { kind: "device"; count: number }
  /** On this device; the server cannot be reached or wants a sign-in. */
  | { kind: "waiting"; count: number }
  | { kind: "attention"; count: number }
  /** The browser refuses to store: nothing may be promised. */
  | { kind: "unsafe" };

export interface OutboxParts {
  store: EntryStore;
  deliver(entry: Entry): Promise<Reply>;
  /** Runs `work` while no other tab does; tells the other tabs afterwards is the caller's part. */
  alone(work: () => Promise<void>): Promise<void>;
  /** Tells the other tabs that the entries on this device have changed. */
  tell(): void;
}

/** The browser could neither store the edit nor send it: the caller must keep it on screen. */
export class NotSaved extends Error {
  constructor(cause: unknown) {
    super("The edit could not be saved on this device and the server did not take it.", { cause });
    this.name = "NotSaved";
  }
}

export class Outbox {
  readonly entries = signal<readonly Entry[]>([]);
  /** Edits of other accounts on this device; they are kept, never sent under this one. */
  readonly foreignCount = signal(0);
  readonly status = computed<SaveStatus>(() => this.#status());
  readonly #writing = signal(0);
  readonly #failing = signal(false);
  readonly #unsafe = signal(false);
  readonly #listeners = new Set<(operation: Operation, reply: Reply, imageId: string) => void>();
  /** The revisions that our own edits made, by annotation. */
  readonly #made = new Map<string, number>();
  #actorId: string | undefined;
  /** Rises with every change that this tab makes to the entries. */
  #version = 0;
  #flushing: Promise<void> | undefined;
  #again = false;
  #attempts = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(readonly parts: OutboxParts) {}

  /** Names the account that is signed in, loads what it left behind here, and starts to send it. */
  async open(actorId: string): Promise<void> {
    this.#actorId = actorId;
    await this.reload();
    void this.flush();
  }

  close(): void {
    clearTimeout(this.#timer);
    this.#actorId = undefined;
  }

  /** Reads the entries again: another tab has changed them. */
  async reload(): Promise<void> {
    try {
      let all: Entry[];
      let version: number;
      do {
        version = this.#version;
        all = await this.parts.store.all();
        // An edit kept while this read was under way may be missing from it: read again.
      } while (version !== this.#version);
      this.entries.value = all.filter((entry) => entry.actorId === this.#actorId);
      this.foreignCount.value = all.length - this.entries.value.length;
      this.#unsafe.value = false;
    } catch (cause) {
      console.error("this device's storage cannot be read", cause);
      this.#unsafe.value = true;
    }
  }

  /** Keeps an accepted mask. Resolves once it is on disk; throws NotSaved if it is nowhere. */
  accept(projectId: string, imageId: string, annotation: AnnotationIn): Promise<void> {
    return this.#keep(projectId, imageId, { kind: "create", annotation });
  }

  /** Keeps a change of category or attributes; `annotation` is the one that is shown (its revision guards against others). */
  change(
    projectId: string,
    imageId: string,
    annotation: { id: string; revision?: number },
    changes: AnnotationChanges,
  ): Promise<void> {
    const revision = annotation.revision ?? 0;
    return this.#keep(projectId, imageId, { kind: "change", annotationId: annotation.id, changes, revision });
  }

  remove(projectId: string, imageId: string, annotationId: string): Promise<void> {
    return this.#keep(projectId, imageId, { kind: "remove", annotationId });
  }

  restore(projectId: string, imageId: string, annotationId: string): Promise<void> {
    return this.#keep(projectId, imageId, { kind: "restore", annotationId });
  }

  /** Keeps that a proposal was accepted, or that this was taken back. */
  decide(projectId: string, imageId: string, annotationId: string, accepted: boolean): Promise<void> {
    return this.#keep(projectId, imageId, { kind: "decide", annotationId, accepted });
  }

  complete(projectId: string, imageId: string, complete: boolean): Promise<void> {
    return this.#keep(projectId, imageId, { kind: "complete", complete });
  }

  pendingFor(imageId: string): readonly Entry[] {
    return this.entries.value.filter((entry) => entry.imageId === imageId);
  }

  /** Calls back for every edit that the server has confirmed; returns the way to stop. */
  onSaved(listener: (operation: Operation, reply: Reply, imageId: string) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Sends an edit that needed attention again as it is. */
  async retry(key: number): Promise<void> {
    const entry = this.entries.value.find((candidate) => candidate.key === key);
    if (entry) await this.#replace([freed(entry)]);
    void this.flush();
  }

  /** Keeps a mask that came second beside the one that came first, as an annotation of its own. */
  async keepBeside(key: number): Promise<void> {
    const [entry] = this.entries.value.filter((candidate) => candidate.key === key);
    if (entry?.operation.kind !== "create") return;
    const from = entry.operation.annotation.id;
    const to = newId();
    const family = withDependents(this.entries.value, key);
    await this.#replace(family.map((member) => freed({ ...member, operation: renamed(member.operation, from, to) })));
    void this.flush();
  }

  /** Gives an edit up, with everything that builds on it; returns them so that `putBack` can undo it. */
  async discard(key: number): Promise<Entry[]> {
    const family = withDependents(this.entries.value, key);
    await this.#replace(
      [],
      family.map((entry) => entry.key),
    );
    return family;
  }

  async putBack(entries: readonly Entry[]): Promise<void> {
    await this.#replace(entries);
    void this.flush();
  }

  /** Sends what waits, oldest first. Calls while it runs make it run once more. */
  flush(): Promise<void> {
    clearTimeout(this.#timer);
    if (this.#flushing) {
      this.#again = true;
      return this.#flushing;
    }
    if (!this.entries.value.some((entry) => entry.state === "waiting")) return Promise.resolve();
    this.#flushing = this.#flushUntilQuiet();
    return this.#flushing;
  }

  async #flushUntilQuiet(): Promise<void> {
    try {
      do {
        this.#again = false;
        await this.parts.alone(() => this.#sendAll());
      } while (this.#again);
    } finally {
      // In the same step as the last look at `again`, so that no call can fall between the two.
      this.#flushing = undefined;
    }
  }

  async #sendAll(): Promise<void> {
    await this.reload();
    const pausing = new Set<string>();
    const failures: ApiError[] = [];
    for (;;) {
      const entry = nextToSend(this.entries.value, pausing);
      if (!entry || entry.actorId !== this.#actorId) break;
      const failure = await this.#sendOne(entry);
      if (!failure) continue;
      failures.push(failure);
      pausing.add(entry.imageId);
      // Nothing else would fare better now: the server is away, or it wants a sign-in first.
      if (failure.status === 0 || failure.status === 401) break;
    }
    this.#failing.value = failures.length > 0;
    if (failures.length === 0) this.#attempts = 0;
    else if (failures.every((failure) => failure.status !== 401)) this.#later();
  }

  /** Returns the failure that will pass; one that will not is written to the entry instead. */
  async #sendOne(entry: Entry): Promise<ApiError | undefined> {
    // Another tab may have discarded it since it was read.
    if (!(await this.parts.store.get(entry.key))) {
      await this.reload();
      return undefined;
    }
    try {
      const reply = await this.parts.deliver(this.#upToDate(entry));
      await this.#confirm(entry, reply);
      return undefined;
    } catch (cause) {
      if (!(cause instanceof ApiError)) throw cause;
      if (cause.passing || cause.status === 401) return cause;
      const state = cause.status === 409 || cause.status === 412 ? "conflict" : "refused";
      const { status, code, detail } = cause;
      await this.#replace([{ ...entry, state, failure: { status, code, detail } }]);
      return undefined;
    }
  }

  /** An edit that was being stored while an earlier one of ours was confirmed still names the revision before. */
  #upToDate(entry: Entry): Entry {
    const { operation } = entry;
    if (operation.kind !== "change") return entry;
    const revision = Math.max(operation.revision, this.#made.get(operation.annotationId) ?? 0);
    return { ...entry, operation: { ...operation, revision } };
  }

  async #confirm(entry: Entry, reply: Reply): Promise<void> {
    const id = annotationOf(entry.operation);
    if (reply && "revision" in reply) this.#made.set(reply.id, reply.revision);
    const advanced = reply && "revision" in reply ? advance(this.entries.value, id, reply) : [];
    await this.#replace(advanced, [entry.key]);
    for (const listener of this.#listeners) listener(entry.operation, reply, entry.imageId);
  }

  async #keep(projectId: string, imageId: string, operation: Operation): Promise<void> {
    if (!this.#actorId) throw new NotSaved(new Error("nobody is signed in"));
    const entry: NewEntry = {
      schema: 1,
      actorId: this.#actorId,
      projectId,
      imageId,
      operation,
      state: "waiting",
      queuedAt: new Date().toISOString(),
    };
    this.#writing.value++;
    try {
      const kept = await this.parts.store.add(entry);
      this.#merge([kept], []);
      this.#unsafe.value = false;
    } catch (cause) {
      await this.#sendUnkept(entry, cause);
      return;
    } finally {
      this.#writing.value--;
    }
    this.parts.tell();
    void this.flush();
  }

  /** The browser refuses to store (quota, private window): the server is then the only safe place. */
  async #sendUnkept(entry: NewEntry, cause: unknown): Promise<void> {
    this.#unsafe.value = true;
    try {
      const reply = await this.parts.deliver({ ...entry, key: 0 });
      for (const listener of this.#listeners) listener(entry.operation, reply, entry.imageId);
    } catch {
      throw new NotSaved(cause);
    }
  }

  async #replace(changed: readonly Entry[], removed: readonly number[] = []): Promise<void> {
    await this.parts.store.put(changed, removed);
    this.#merge(changed, removed);
    this.parts.tell();
  }

  #merge(changed: readonly Entry[], removed: readonly number[]): void {
    this.#version++;
    const byKey = new Map(this.entries.value.map((entry) => [entry.key, entry]));
    for (const entry of changed) byKey.set(entry.key, entry);
    for (const key of removed) byKey.delete(key);
    this.entries.value = [...byKey.values()].sort((one, other) => one.key - other.key);
  }

  #later(): void {
    const pause = Math.min(LONGEST_MS, FIRST_MS * 2 ** this.#attempts) * (0.75 + Math.random() / 2);
    this.#attempts++;
    this.#timer = setTimeout(() => void this.flush(), pause);
  }

  #status(): SaveStatus {
    const waiting = this.entries.value.filter((entry) => entry.state === "waiting").length;
    const attention = this.entries.value.length - waiting;
    if (this.#unsafe.value) return { kind: "unsafe" };
    if (attention > 0) return { kind: "attention", count: attention };
    if (this.#writing.value > 0) return { kind: "saving" };
    if (waiting === 0) return { kind: "saved" };
    const stuck = this.#failing.value || !reachable.value || !signedIn.value;
    return { kind: stuck ? "waiting" : "device", count: waiting };
  }
}

function freed(entry: Entry): Entry {
  const { failure: _, ...rest } = entry;
  return { ...rest, state: "waiting" };
}

/** Later changes of the same annotation take over the revision that our own earlier edit has made. */
function advance(entries: readonly Entry[], id: string | undefined, reply: Annotation): Entry[] {
  const advanced: Entry[] = [];
  for (const entry of entries) {
    const { operation } = entry;
    if (operation.kind === "change" && operation.annotationId === id) {
      advanced.push({ ...entry, operation: { ...operation, revision: reply.revision } });
    }
  }
  return advanced;
}
