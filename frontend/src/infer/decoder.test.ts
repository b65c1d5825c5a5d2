import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { golden } from "../core/golden";
import { chooseCandidate, type Prompt, promptCount } from "../core/prompts";
import { decode, parse } from "../core/rle";
import { candidateOf, type Decoded, type Encoded, type Reply, type Request } from "./protocol";

/** The page's decode worker with the real runtime, on a Segment Anything decoder whose answers torch wrote down. */

const RUNTIME = createRequire(import.meta.url)
  .resolve("onnxruntime-web/wasm")
  .replace(/[^/]+$/, "");
vi.mock("onnxruntime-web/ort-wasm-simd-threaded.mjs?url", () => ({ default: file("ort-wasm-simd-threaded.mjs") }));
vi.mock("onnxruntime-web/ort-wasm-simd-threaded.wasm?url", () => ({ default: file("ort-wasm-simd-threaded.wasm") }));

function file(name: string): string {
  return pathToFileURL(RUNTIME + name).href;
}

interface Answer {
  readonly prompts: readonly Prompt[];
  /** Candidate of the decode before that is refined. */
  readonly refined: number | null;
  readonly logits: readonly number[];
  readonly predicted_iou: readonly number[];
  readonly chosen: number;
  /** Candidate whose mask `counts` and `area` tell. */
  readonly encoded: number;
  readonly counts: string;
  readonly area: number;
}

interface Golden {
  readonly release: {
    readonly digest: string;
    readonly encoder_digest: string;
    readonly decoder_digest: string;
    readonly frame: number;
    readonly logits: number;
    readonly embedding: Record<string, number[]>;
  };
  readonly size: [number, number];
  readonly answers: readonly Answer[];
}

const { release, size, answers } = golden<Golden>("decoder/answers");
const bytes = (name: string) => readFileSync(new URL(`../../../tests/golden/decoder/${name}`, import.meta.url));
const embedding = () => Uint8Array.from(bytes("embedding.safetensors")).buffer;

const RELEASE = {
  versionId: "v",
  digest: release.digest,
  encoderDigest: release.encoder_digest,
  decoderUrl: `data:application/octet-stream;base64,${bytes("decoder.onnx").toString("base64")}`,
  decoderDigest: release.decoder_digest,
  frame: release.frame,
  logits: release.logits,
  embedding: release.embedding,
};

type Asked = Request extends infer One ? (One extends Request ? Omit<One, "id"> : never) : never;
const waiting = new Map<number, (reply: Reply) => void>();
let worker: { onmessage: (event: { data: Request }) => void };

function ask(request: Asked): Promise<Reply> {
  const id = waiting.size + 1;
  return new Promise((resolve) => {
    waiting.set(id, resolve);
    worker.onmessage({ data: { ...request, id } as Request });
  });
}

beforeAll(async () => {
  const scope = Object.assign(globalThis, {
    postMessage: (reply: Reply) => reply.kind !== "progress" && waiting.get(reply.id)?.(reply),
  });
  vi.stubGlobal("self", scope);
  await import(/* @vite-ignore */ new URL("./decoder.worker.ts", import.meta.url).href);
  worker = scope as unknown as typeof worker;
  expect(await ask({ kind: "load", release: RELEASE, threads: 1 })).toMatchObject({ kind: "done" });
}, 60_000);

afterAll(() => {
  vi.unstubAllGlobals();
});

describe("a Segment Anything decoder in the page's worker", () => {
  it("answers as torch, by the frame and the logits of its release", async () => {
    expect(await ask({ kind: "image", imageKey: "image", size, bytes: embedding() })).toMatchObject({ kind: "done" });
    let before = 0;
    for (const answer of answers) {
      const mask =
        answer.refined === null ? null : { kind: "decoded" as const, decode: before, candidate: answer.refined };
      const reply = await ask({ kind: "decode", imageKey: "image", prompts: answer.prompts, mask, keep: true });
      expect(reply).toMatchObject({ kind: "decoded" });
      const { logits, predictedIou, decode: handle } = reply as Reply & Decoded;
      before = handle;
      expect(logits.length).toBe(4 * release.logits * release.logits);
      // A mask that was computed here and refined brings its own rounding along.
      expect(largest(logits, answer.logits)).toBeLessThan(answer.refined === null ? 1e-3 : 5e-3);
      expect(largest(predictedIou, answer.predicted_iou)).toBeLessThan(1e-4);
      const heard = promptCount(answer.prompts) + (answer.refined === null ? 0 : 1);
      expect(chooseCandidate(predictedIou, heard)).toBe(answer.chosen);
      const encoded = (await ask({ kind: "encode", decode: handle, candidate: answer.encoded })) as Reply & Encoded;
      expect(encoded).toMatchObject({ kind: "encoded", size });
      // A logit within rounding of 0 may fall on either side.
      expect(otherPixels(encoded.counts, answer.counts)).toBeLessThanOrEqual(3);
      expect(candidateOf(logits, answer.encoded).some((value) => value > 0)).toBe(answer.area > 0);
    }
  });

  it("refuses an embedding of another encoder, of another picture, and a decoder of another release", async () => {
    const other = { ...RELEASE, encoderDigest: "0".repeat(64) };
    const image = { kind: "image" as const, imageKey: "image", size, bytes: embedding() };
    expect(await ask({ ...image, size: [64, 64] })).toMatchObject({ kind: "failed", code: "mismatch" });
    await ask({ kind: "load", release: other, threads: 1 });
    expect(await ask(image)).toMatchObject({ kind: "failed", code: "mismatch" });
    const tampered = { ...RELEASE, decoderDigest: "0".repeat(64) };
    expect(await ask({ kind: "load", release: tampered, threads: 1 })).toMatchObject({ code: "mismatch" });
    const larger = { ...RELEASE, logits: release.logits * 2 };
    expect(await ask({ kind: "load", release: larger, threads: 1 })).toMatchObject({ kind: "failed" });
  }, 60_000);
});

function otherPixels(one: string, other: string): number {
  const [height, width] = size;
  const [first, second] = [one, other].map((counts) => decode(parse(counts, size), size, [0, 0, width, height]));
  return first?.reduce((different, pixel, index) => different + Number(pixel !== second?.[index]), 0) ?? Infinity;
}

function largest(ours: ArrayLike<number>, theirs: readonly number[]): number {
  return theirs.reduce((most, value, index) => Math.max(most, Math.abs(value - (ours[index] as number))), 0);
}
