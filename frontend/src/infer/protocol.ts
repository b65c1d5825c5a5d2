/** Messages between the page and the decode worker. Every request has an id and gets exactly one answer. */
import type { Box, Size } from "../core/geometry";
import type { Prompt } from "../core/prompts";

/** What the worker must know of a model version; all of it comes from the API, nothing is a constant here. */
export interface Release {
  readonly versionId: string;
  readonly digest: string;
  readonly encoderDigest: string;
  readonly decoderUrl: string;
  /** SHA-256 of the decoder file, lower-case hexadecimal. */
  readonly decoderDigest: string;
  /** Side of the padded square frame that prompts are scaled to. */
  readonly frame: number;
  /** Side of the low-resolution logits. */
  readonly logits: number;
  /** Names and shapes (without the batch axis) of the tensors of one embedding. */
  readonly embedding: Readonly<Record<string, readonly number[]>>;
}

/** The mask that the decoder refines: a candidate of an earlier decode, or a saved mask. */
export type MaskInput =
  | { readonly kind: "decoded"; readonly decode: number; readonly candidate: number }
  | { readonly kind: "saved"; readonly counts: string };

export type Request =
  /** Compiles the runtime while nothing else is known yet; the load that follows is the shorter for it. */
  | { readonly kind: "boot"; readonly id: number; readonly threads: number }
  | { readonly kind: "load"; readonly id: number; readonly release: Release; readonly threads: number }
  | {
      readonly kind: "image";
      readonly id: number;
      readonly imageKey: string;
      readonly size: Size;
      readonly bytes: ArrayBuffer;
    }
  | {
      readonly kind: "decode";
      readonly id: number;
      readonly imageKey: string;
      readonly prompts: readonly Prompt[];
      readonly mask: MaskInput | null;
      /** Whether a later request may refer to these masks. */
      readonly keep: boolean;
    }
  | { readonly kind: "encode"; readonly id: number; readonly decode: number; readonly candidate: number }
  | { readonly kind: "forget"; readonly id: number };

/** Candidates per decode: the single mask and three readings. */
export const CANDIDATES = 4;

/** The part of a decode's logits that belongs to one candidate. */
export function candidateOf(logits: Float32Array, candidate: number): Float32Array {
  const length = logits.length / CANDIDATES;
  return logits.subarray(candidate * length, (candidate + 1) * length);
}

/** Who made masks, as read from the files that were used and not from what was asked for. */
export interface Maker {
  readonly versionId: string;
  /** SHA-256 of the decoder file that ran. */
  readonly decoderDigest: string;
  /** The encoder that the embedding's own header names. */
  readonly encoderDigest: string;
}

/** Four candidates: index 0 the single mask, 1 to 3 the readings of an ambiguous prompt. */
export interface Decoded {
  /** Handle for `encode` and for refining; the worker keeps the logits under it. */
  readonly decode: number;
  /** 4 x L x L low-resolution logits, for drawing. */
  readonly logits: Float32Array<ArrayBuffer>;
  readonly predictedIou: readonly number[];
  readonly milliseconds: number;
  readonly maker: Maker;
}

export interface Encoded {
  readonly size: Size;
  readonly counts: string;
  readonly area: number;
  readonly box: Box;
  /** Agreement of the mask with itself when the threshold moves by one logit, 0 to 1. */
  readonly stability: number;
}

/** `mismatch`: two things that do not belong together; the worker refuses to make masks from them. */
export type FailureCode = "mismatch" | "download" | "runtime";

export type Reply =
  | { readonly kind: "progress"; readonly id: number; readonly stage: "downloading" | "starting" }
  | { readonly kind: "done"; readonly id: number; readonly threads?: number }
  | ({ readonly kind: "decoded"; readonly id: number } & Decoded)
  | ({ readonly kind: "encoded"; readonly id: number } & Encoded)
  | { readonly kind: "failed"; readonly id: number; readonly code: FailureCode; readonly detail: string };

export class DecoderError extends Error {
  constructor(
    readonly code: FailureCode,
    detail: string,
  ) {
    super(detail);
    this.name = "DecoderError";
  }
}
