/** The page's end of the decode worker: order of work, start-up with a watchdog, and a state that tells the truth. */
import { batch, type ReadonlySignal, signal } from "@preact/signals";
import type { Size } from "../core/geometry";
import type { Prompt } from "../core/prompts";
import {
  type Decoded,
  DecoderError,
  type Encoded,
  type MaskInput,
  type Release,
  type Reply,
  type Request,
} from "./protocol";
import { WorkQueue } from "./queue";
import { measureDecode } from "./timing";

export type LoadState =
  | { readonly kind: "idle" }
  | { readonly kind: "downloading" }
  | { readonly kind: "starting" }
  | { readonly kind: "ready"; readonly threads: number }
  | { readonly kind: "failed"; readonly error: DecoderError };

/** Starting with threads can hang without an error (a worker that never boots); then one thread is tried. */
const THREADED_START_MS = 30_000;
const START_MS = 180_000;
const MOST_THREADS = 4;

type Unsent = Request extends infer Each ? (Each extends Request ? Omit<Each, "id"> : never) : never;

interface Open {
  readonly resolve: (reply: Reply) => void;
  readonly reject: (error: DecoderError) => void;
}

interface OpenedImage {
  readonly imageKey: string;
  readonly size: Size;
  readonly bytes: ArrayBuffer;
}

/** How many threads to try: none beyond the first without cross-origin isolation. */
export function usableThreads(): number {
  if (!globalThis.crossOriginIsolated) return 1;
  const asked = Number(new URLSearchParams(globalThis.location?.search).get("threads"));
  const most = Math.min(MOST_THREADS, navigator.hardwareConcurrency || 1);
  return asked >= 1 ? Math.min(asked, most) : most;
}

export class DecoderClient {
  private readonly loadState = signal<LoadState>({ kind: "idle" });
  /** How often a decoder has become ready; masks kept by an earlier one are gone. */
  readonly generation = signal(0);
  private readonly queue = new WorkQueue();
  private readonly open = new Map<number, Open>();
  private worker: Worker | null = null;
  private watchdog: ReturnType<typeof setTimeout> | undefined;
  private nextId = 1;
  private release: Release | null = null;
  private image: OpenedImage | null = null;

  constructor(private readonly makeWorker: () => Worker) {}

  get state(): ReadonlySignal<LoadState> {
    return this.loadState;
  }

  /** Lets the worker compile its runtime while the page still asks what to load. */
  warm(): void {
    if (this.worker) return;
    const threads = usableThreads();
    this.spawn(threads);
    // A failure shows again, with words, when a release is loaded.
    this.send({ kind: "boot", threads }).catch(() => undefined);
  }

  /** Loads a release, unless it is the one that is loaded. Never throws: the state says what became of it. */
  async load(release: Release): Promise<void> {
    const { kind } = this.loadState.peek();
    if (this.release?.digest === release.digest && kind !== "failed" && kind !== "idle") return;
    // The embedding that is open may be another encoder's; whoever changes the release opens the image again.
    if (this.release?.digest !== release.digest) this.image = null;
    this.release = release;
    await this.start(release, usableThreads());
  }

  /** Begins again after a failure, with the picture that was open. */
  async restart(): Promise<void> {
    if (this.release) await this.start(this.release, usableThreads());
  }

  /** Makes an embedding the one that is decoded; `bytes` is copied. Throws DecoderError. */
  async openImage(imageKey: string, size: Size, bytes: ArrayBuffer): Promise<void> {
    this.image = { imageKey, size, bytes };
    await this.queue.add(() => this.send({ kind: "image", imageKey, size, bytes }));
  }

  /** Decodes in order; never dropped. The masks stay in the worker until `forget` or the next image. */
  async decode(imageKey: string, prompts: readonly Prompt[], mask: MaskInput | null): Promise<Decoded> {
    this.queue.dropHover();
    return this.queue.add(async () =>
      measureDecode("decode", decodedOf(await this.send({ kind: "decode", imageKey, prompts, mask, keep: true }))),
    );
  }

  /** Decodes when there is time; rejects with Overtaken when something newer came. */
  async preview(imageKey: string, prompts: readonly Prompt[]): Promise<Decoded> {
    return this.queue.addHover(async () =>
      measureDecode(
        "preview",
        decodedOf(await this.send({ kind: "decode", imageKey, prompts, mask: null, keep: false })),
      ),
    );
  }

  endPreview(): void {
    this.queue.dropHover();
  }

  /** Run lengths of a decoded candidate, exactly what was drawn. */
  async encode(decode: number, candidate: number): Promise<Encoded> {
    return this.queue.add(async () => {
      const reply = await this.send({ kind: "encode", decode, candidate });
      if (reply.kind !== "encoded") throw new DecoderError("runtime", `Unexpected answer "${reply.kind}".`);
      return reply;
    });
  }

  /** Frees the masks that `decode` kept. */
  async forget(): Promise<void> {
    await this.queue.add(() => this.send({ kind: "forget" }));
  }

  dispose(): void {
    this.stop(new DecoderError("runtime", "The editor was closed."));
    this.loadState.value = { kind: "idle" };
  }

  private spawn(threads: number): Worker {
    const worker = this.makeWorker();
    this.worker = worker;
    worker.onmessage = ({ data }: MessageEvent<Reply>) => this.receive(data, threads);
    worker.onerror = (event) => this.fail(new DecoderError("runtime", event.message || "The decode worker stopped."));
    return worker;
  }

  private async start(release: Release, threads: number): Promise<void> {
    const fresh = this.loadState.peek().kind === "idle" ? this.worker : null;
    if (!fresh) this.stop(new DecoderError("runtime", "The decoder was started again."));
    this.loadState.value = { kind: "downloading" };
    const worker = fresh ?? this.spawn(threads);
    try {
      await this.send({ kind: "load", release, threads });
      if (this.image) await this.send({ kind: "image", ...this.image });
    } catch (error) {
      if (this.worker === worker) this.fail(asDecoderError(error));
      return;
    } finally {
      if (this.worker === worker) clearTimeout(this.watchdog);
    }
    if (this.worker !== worker) return;
    batch(() => {
      this.loadState.value = { kind: "ready", threads };
      this.generation.value += 1;
    });
  }

  private receive(reply: Reply, threads: number): void {
    if (reply.kind === "progress") {
      this.loadState.value = { kind: reply.stage };
      if (reply.stage === "starting" && this.release) this.watch(threads, this.release);
      return;
    }
    const open = this.open.get(reply.id);
    this.open.delete(reply.id);
    if (reply.kind === "failed") open?.reject(new DecoderError(reply.code, reply.detail));
    else open?.resolve(reply);
  }

  private watch(threads: number, release: Release): void {
    clearTimeout(this.watchdog);
    this.watchdog = setTimeout(
      () => {
        if (threads > 1) void this.start(release, 1);
        else this.fail(new DecoderError("runtime", "The decoder did not start in time."));
      },
      threads > 1 ? THREADED_START_MS : START_MS,
    );
  }

  private fail(error: DecoderError): void {
    this.stop(error);
    this.loadState.value = { kind: "failed", error };
  }

  private stop(reason: DecoderError): void {
    clearTimeout(this.watchdog);
    this.worker?.terminate();
    this.worker = null;
    for (const { reject } of this.open.values()) reject(reason);
    this.open.clear();
    this.queue.clear(reason);
  }

  private send(request: Unsent): Promise<Reply> {
    const { worker } = this;
    if (!worker) return Promise.reject(new DecoderError("runtime", "The decoder is not running."));
    const id = this.nextId++;
    return new Promise((resolve, reject) => {
      this.open.set(id, { resolve, reject });
      worker.postMessage({ ...request, id });
    });
  }
}

function decodedOf(reply: Reply): Decoded {
  if (reply.kind !== "decoded") throw new DecoderError("runtime", `Unexpected answer "${reply.kind}".`);
  return reply;
}

function asDecoderError(error: unknown): DecoderError {
  return error instanceof DecoderError ? error : new DecoderError("runtime", String(error));
}

/** The worker of the built page; its own file, so that ONNX Runtime never burdens the main thread. */
export function decoderWorker(): Worker {
  return new Worker(new URL("./decoder.worker.ts", import.meta.url), { type: "module", name: "maskmill-decoder" });
}
