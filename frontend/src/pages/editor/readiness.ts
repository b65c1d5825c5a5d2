/** Whether clicks can be answered, and why not: the decoder of the active model version and the embedding of the open image. */
import { computed, effect, type ReadonlySignal, signal } from "@preact/signals";
import type { Size } from "../../core/geometry";
import type { Image, ModelVersion } from "../../data/api";
import { decoderUrl, EncoderMismatch, fetchEmbedding, isMissing } from "../../data/embeddings";
import { DecoderClient, decoderWorker } from "../../infer/client";
import { DecoderError, type Release } from "../../infer/protocol";

export interface Readiness {
  readonly kind: "loading" | "computing" | "ready" | "mismatch" | "failed";
  /** What the person reads; empty when ready. */
  readonly words: string;
  readonly threads: number;
}

type EmbeddingState =
  | { readonly kind: "none" | "fetching" | "computing" | "open" }
  | { readonly kind: "mismatch" | "failed"; readonly words: string };

/** Without an event the server is asked again after this time. */
const ASK_AGAIN_MS = 2_500;

export class Engine {
  readonly client: DecoderClient;
  readonly state: ReadonlySignal<Readiness>;
  private readonly embedding = signal<EmbeddingState>({ kind: "none" });
  private opening: AbortController | null = null;
  private key = "";
  private wakeUp: (() => void) | null = null;

  constructor(makeWorker: () => Worker = decoderWorker) {
    this.client = new DecoderClient(makeWorker);
    this.client.warm();
    this.state = computed(() => this.describe());
  }

  /** The image that clicks go to. */
  get imageKey(): string {
    return this.key;
  }

  /** Loads the version's decoder. Called as early as possible; the same version again does nothing. */
  async load(version: ModelVersion): Promise<void> {
    await this.client.load(releaseOf(version));
  }

  /** Makes an image the one that answers clicks; its embedding may still be under way. Never throws. */
  async open(image: Image, version: ModelVersion): Promise<void> {
    this.close();
    const { pixel_digest: pixels, height, width } = image;
    if (!pixels || !height || !width) return;
    const opening = new AbortController();
    this.opening = opening;
    this.key = `${version.encoder_digest}/${pixels}`;
    void this.load(version);
    try {
      const bytes = await this.fetch(version.encoder_digest, pixels, image, opening.signal);
      await this.decoderReady(opening.signal);
      if (opening.signal.aborted) return;
      await this.client.openImage(this.key, [height, width] satisfies Size, bytes);
      if (!opening.signal.aborted) this.embedding.value = { kind: "open" };
    } catch (error) {
      if (!opening.signal.aborted) this.embedding.value = failureOf(error);
    }
  }

  /** No image answers clicks any more. */
  close(): void {
    this.opening?.abort();
    this.opening = null;
    this.key = "";
    this.client.endPreview();
    this.embedding.value = { kind: "none" };
  }

  /** The server says that an embedding is there, or that it failed. */
  heard(kind: "ready" | "failed", reason: string): void {
    if (this.embedding.peek().kind !== "computing") return;
    if (kind === "ready") this.wakeUp?.();
    else this.embedding.value = { kind: "failed", words: `This image could not be prepared: ${reason}` };
  }

  /** Resolves when clicks on `key` are answered; rejects when another image was opened. */
  whenReady(key: string): Promise<void> {
    return new Promise((resolve, reject) => {
      let stop = () => {};
      let settled = false;
      stop = effect(() => {
        const { kind } = this.state.value;
        if (settled || (kind !== "ready" && this.key === key)) return;
        settled = true;
        queueMicrotask(() => stop());
        if (this.key === key) resolve();
        else reject(new DecoderError("runtime", "Another image was opened."));
      });
    });
  }

  dispose(): void {
    this.close();
    this.client.dispose();
  }

  private async fetch(encoder: string, pixels: string, image: Image, signal: AbortSignal): Promise<ArrayBuffer> {
    this.embedding.value = { kind: image.embedding.state === "ready" ? "fetching" : "computing" };
    for (;;) {
      try {
        return await fetchEmbedding(encoder, pixels);
      } catch (error) {
        if (signal.aborted || !isMissing(error)) throw error;
        if (image.embedding.state === "failed")
          throw new DecoderError("download", "its embedding could not be computed.");
        this.embedding.value = { kind: "computing" };
        await this.pause(signal);
      }
    }
  }

  private pause(signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(resolve, ASK_AGAIN_MS);
      this.wakeUp = () => {
        clearTimeout(timer);
        resolve();
      };
      signal.addEventListener("abort", () => {
        clearTimeout(timer);
        reject(new DecoderError("runtime", "Another image was opened."));
      });
    });
  }

  private decoderReady(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const stop = effect(() => {
        if (this.client.state.value.kind !== "ready" && !signal.aborted) return;
        queueMicrotask(() => stop());
        resolve();
      });
      signal.addEventListener("abort", () => {
        stop();
        resolve();
      });
    });
  }

  private describe(): Readiness {
    const decoder = this.client.state.value;
    const embedding = this.embedding.value;
    const threads = decoder.kind === "ready" ? decoder.threads : 0;
    if (decoder.kind === "failed") {
      const kind = decoder.error.code === "mismatch" ? "mismatch" : "failed";
      return { kind, words: decoder.error.message, threads };
    }
    if (embedding.kind === "mismatch" || embedding.kind === "failed") return { ...embedding, threads };
    if (embedding.kind === "computing") {
      return { kind: "computing", words: "Preparing this image: its embedding is being computed …", threads };
    }
    if (decoder.kind === "starting") return { kind: "loading", words: "Starting the model …", threads };
    if (decoder.kind !== "ready") return { kind: "loading", words: "Loading the model …", threads };
    if (embedding.kind !== "open") return { kind: "loading", words: "Loading this image's embedding …", threads };
    return { kind: "ready", words: "", threads };
  }
}

/** What the worker must know of a version, checked by it against the bytes that arrive. */
function releaseOf(version: ModelVersion): Release {
  const { manifest } = version;
  return {
    versionId: version.id,
    digest: version.digest,
    encoderDigest: version.encoder_digest,
    decoderUrl: decoderUrl(version),
    decoderDigest: manifest.files["decoder.onnx"]?.digest ?? "",
    frame: manifest.frame,
    logits: manifest.logits,
    embedding: manifest.embedding,
  };
}

function failureOf(error: unknown): EmbeddingState {
  const words = error instanceof Error ? error.message : String(error);
  const mismatch = error instanceof EncoderMismatch || (error instanceof DecoderError && error.code === "mismatch");
  return mismatch ? { kind: "mismatch", words } : { kind: "failed", words: `This image cannot be clicked: ${words}` };
}
