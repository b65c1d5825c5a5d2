/** Embeddings and decoders as bytes: fetched once at a time, kept by recency, and checked against the encoder that is asked for. */
import { ApiError, address, fetchBytes } from "./http";
import type { ModelVersion } from "./types";

const CAPACITY_BYTES = 96 * 1024 * 1024;

/** The server answered with an embedding of another encoder; decoding it would paint garbage. */
export class EncoderMismatch extends Error {
  constructor(wanted: string, got: string | null) {
    super(
      `The embedding was made by another model version (asked for ${wanted.slice(0, 12)}, got ${got?.slice(0, 12)}).`,
    );
    this.name = "EncoderMismatch";
  }
}

/** A cache of byte buffers that forgets the least recently used once `capacity` bytes are exceeded. */
export class ByteCache {
  readonly #kept = new Map<string, ArrayBuffer>();
  #bytes = 0;

  constructor(readonly capacity: number) {}

  get(key: string): ArrayBuffer | undefined {
    const buffer = this.#kept.get(key);
    if (buffer) {
      this.#kept.delete(key);
      this.#kept.set(key, buffer);
    }
    return buffer;
  }

  set(key: string, buffer: ArrayBuffer): void {
    this.#drop(key);
    this.#kept.set(key, buffer);
    this.#bytes += buffer.byteLength;
    for (const oldest of this.#kept.keys()) {
      if (this.#bytes <= this.capacity || oldest === key) break;
      this.#drop(oldest);
    }
  }

  #drop(key: string): void {
    this.#bytes -= this.#kept.get(key)?.byteLength ?? 0;
    this.#kept.delete(key);
  }
}

const cache = new ByteCache(CAPACITY_BYTES);
const underWay = new Map<string, Promise<ArrayBuffer>>();

/**
 * The bytes of one image's embedding (safetensors). The buffer belongs to the cache: copy it, never transfer it.
 * Throws ApiError (404 `not_found` while it is still being made) or EncoderMismatch.
 * The browser's own cache holds it across visits, because the answer is immutable.
 */
export async function fetchEmbedding(encoderDigest: string, pixelDigest: string): Promise<ArrayBuffer> {
  const path = `/api/embeddings/${encoderDigest}/${pixelDigest}`;
  const kept = cache.get(path);
  if (kept) return kept;
  const running = underWay.get(path);
  if (running) return running;
  const fetching = download(path, encoderDigest).finally(() => underWay.delete(path));
  underWay.set(path, fetching);
  return fetching;
}

async function download(path: string, encoderDigest: string): Promise<ArrayBuffer> {
  const response = await fetchBytes(path);
  const digest = response.headers.get("Maskmill-Encoder-Digest");
  if (digest !== encoderDigest) throw new EncoderMismatch(encoderDigest, digest);
  const buffer = await response.arrayBuffer();
  cache.set(path, buffer);
  return buffer;
}

/** Whether an error says that the embedding is not there yet (wait for `embedding.ready`). */
export function isMissing(error: unknown): boolean {
  return error instanceof ApiError && error.status === 404;
}

/** Where the decoder of a model version is served; the decode worker fetches it and checks its digest. */
export function decoderUrl(version: Pick<ModelVersion, "id">): string {
  return address(`/api/model-versions/${encodeURIComponent(version.id)}/decoder.onnx`);
}
