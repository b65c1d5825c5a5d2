/** The decoder in ONNX Runtime Web: one session, one image at a time. Runs inside the worker. */

import glue from "onnxruntime-web/ort-wasm-simd-threaded.mjs?url";
import binary from "onnxruntime-web/ort-wasm-simd-threaded.wasm?url";
import * as ort from "onnxruntime-web/wasm";
import type { Size } from "../core/geometry";
import { type Prompt, promptTensors } from "../core/prompts";
import { sha256 } from "../core/sha256";
import { CANDIDATES, DecoderError, type Maker, type Release } from "./protocol";
import { readEmbedding } from "./safetensors";

export interface DecoderModel {
  readonly release: Release;
  /** SHA-256 of the bytes that the session was made of. */
  readonly decoderDigest: string;
  readonly session: ort.InferenceSession;
}

/** An embedding as the decoder's inputs, by name. */
export interface DecoderImage {
  readonly key: string;
  readonly size: Size;
  /** As the embedding's file says. */
  readonly encoderDigest: string;
  readonly feeds: Readonly<Record<string, ort.Tensor>>;
}

export interface DecoderOutput {
  readonly logits: Float32Array<ArrayBuffer>;
  readonly predictedIou: number[];
}

export interface DecoderFile {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly digest: string;
}

/** Fetches the decoder of a release; throws when the bytes are not the ones that the release names. */
export async function download(release: Release): Promise<DecoderFile> {
  const response = await fetch(release.decoderUrl).catch(() => null);
  if (!response?.ok) {
    throw new DecoderError("download", `The model could not be loaded (${response ? response.status : "no answer"}).`);
  }
  const bytes = new Uint8Array(await response.arrayBuffer());
  const digest = await sha256(bytes);
  if (digest !== release.decoderDigest) {
    throw new DecoderError(
      "mismatch",
      `The decoder file ${digest.slice(0, 12)} is not that of release ${release.digest.slice(0, 12)}.`,
    );
  }
  return { bytes, digest };
}

/** The smallest model there is, y = x (ONNX, opset 17): starting it makes the runtime compile its code. */
const IDENTITY =
  "080812003a370a100a017812017922084964656e746974791201675a0f0a0178120a0a08080112040a020801620f0a0179120a0a08080112040a02080142040a001011";

/** Loads and compiles the runtime for so many threads; needs no model. */
export async function boot(threads: number): Promise<void> {
  configure(threads);
  const bytes = Uint8Array.from(IDENTITY.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
  const session = await ort.InferenceSession.create(bytes, { executionProviders: ["wasm"] });
  await session.release();
}

function configure(threads: number): void {
  ort.env.wasm.wasmPaths = { wasm: binary, mjs: glue };
  ort.env.wasm.numThreads = threads;
  ort.env.logLevel = "error";
}

/** Starts a session and runs it once, because the first run is much slower than the others. */
export async function start(release: Release, file: DecoderFile, threads: number): Promise<DecoderModel> {
  configure(threads);
  const session = await ort.InferenceSession.create(file.bytes, {
    executionProviders: ["wasm"],
    graphOptimizationLevel: "all",
  });
  const model = { release, session, decoderDigest: file.digest };
  await decode(model, emptyImage(release), [{ kind: "point", x: 0, y: 0, label: 1 }], null);
  return model;
}

function emptyImage(release: Release): DecoderImage {
  const feeds: Record<string, ort.Tensor> = {};
  for (const [name, shape] of Object.entries(release.embedding))
    feeds[name] = floats(new Float32Array(volume(shape)), shape);
  return { key: "", size: [release.frame, release.frame], encoderDigest: release.encoderDigest, feeds };
}

/** Reads an embedding for this release and image; throws a `mismatch` when it belongs to another encoder or picture. */
export function openImage(release: Release, key: string, size: Size, bytes: ArrayBuffer): DecoderImage {
  const file = readEmbedding(bytes);
  if (file.encoderDigest !== release.encoderDigest) {
    throw new DecoderError(
      "mismatch",
      `The embedding was made by encoder ${file.encoderDigest.slice(0, 12)}, the decoder belongs to ${release.encoderDigest.slice(0, 12)}.`,
    );
  }
  if (file.size[0] !== size[0] || file.size[1] !== size[1]) {
    throw new DecoderError("mismatch", `The embedding is of a picture of ${file.size[1]} x ${file.size[0]} pixels.`);
  }
  const feeds: Record<string, ort.Tensor> = {};
  for (const [name, shape] of Object.entries(release.embedding)) {
    const tensor = file.tensors.get(name);
    if (!tensor || tensor.values.length !== volume(shape)) {
      throw new DecoderError("mismatch", `The embedding has no tensor "${name}" of the shape that the decoder reads.`);
    }
    feeds[name] = floats(tensor.values, shape);
  }
  return { key, size, encoderDigest: file.encoderDigest, feeds };
}

export function makerOf({ release, decoderDigest }: DecoderModel, { encoderDigest }: DecoderImage): Maker {
  return { versionId: release.versionId, decoderDigest, encoderDigest };
}

/** Four masks for prompts on an image. `mask`: L x L logits of the mask to refine. */
export async function decode(
  { release, session }: DecoderModel,
  image: DecoderImage,
  prompts: readonly Prompt[],
  mask: Float32Array | null,
): Promise<DecoderOutput> {
  const { frame, logits: side } = release;
  const { coords, labels } = promptTensors(prompts, image.size, frame);
  const outputs = await session.run({
    ...image.feeds,
    point_coords: new ort.Tensor("float32", coords, [1, labels.length, 2]),
    point_labels: new ort.Tensor("float32", labels, [1, labels.length]),
    mask_input: new ort.Tensor("float32", mask ?? new Float32Array(side * side), [1, 1, side, side]),
    has_mask_input: new ort.Tensor("float32", Float32Array.of(mask ? 1 : 0), [1]),
  });
  const { low_res_masks: masks, iou_predictions: scores } = outputs;
  if (!masks || !scores || masks.size !== CANDIDATES * side * side) {
    throw new DecoderError("mismatch", "The decoder's answer does not have the shape that the release promises.");
  }
  const output = {
    logits: Float32Array.from(masks.data as Float32Array),
    predictedIou: Array.from(scores.data as Float32Array),
  };
  masks.dispose();
  scores.dispose();
  return output;
}

function floats(values: Float32Array, shape: readonly number[]): ort.Tensor {
  return new ort.Tensor("float32", values, [1, ...shape]);
}

function volume(shape: readonly number[]): number {
  return shape.reduce((product, side) => product * side, 1);
}
