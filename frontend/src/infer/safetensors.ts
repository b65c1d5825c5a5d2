/** Embedding files: safetensors with float16 tensors and the digests they belong to. */
import type { Size } from "../core/geometry";
import { DecoderError } from "./protocol";

export interface EmbeddingFile {
  readonly encoderDigest: string;
  readonly pixelDigest: string;
  readonly size: Size;
  readonly tensors: ReadonlyMap<string, EmbeddingTensor>;
}

export interface EmbeddingTensor {
  readonly shape: readonly number[];
  readonly values: Float32Array<ArrayBuffer>;
}

const FORMAT = "maskmill-embedding/1";
const HEADER_LIMIT = 1 << 20;

interface Entry {
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly data_offsets: readonly [number, number];
}

/** Reads an embedding file; throws DecoderError when it is not one. */
export function readEmbedding(bytes: ArrayBuffer): EmbeddingFile {
  const [header, start] = readHeader(bytes);
  const facts = header.__metadata__ as Record<string, string> | undefined;
  if (facts?.format !== FORMAT) throw new DecoderError("mismatch", `This is not an embedding of format ${FORMAT}.`);
  const tensors = new Map<string, EmbeddingTensor>();
  for (const [name, entry] of Object.entries(header)) {
    if (name !== "__metadata__") tensors.set(name, readTensor(bytes, start, name, entry as Entry));
  }
  const size = JSON.parse(facts.size ?? "[0,0]") as [number, number];
  return { encoderDigest: facts.encoder_digest ?? "", pixelDigest: facts.pixel_digest ?? "", size, tensors };
}

function readHeader(bytes: ArrayBuffer): [header: Record<string, unknown>, start: number] {
  const length = bytes.byteLength >= 8 ? Number(new DataView(bytes).getBigUint64(0, true)) : Infinity;
  if (length > HEADER_LIMIT || 8 + length > bytes.byteLength) throw broken("its header does not fit");
  try {
    return [JSON.parse(new TextDecoder().decode(new Uint8Array(bytes, 8, length))), 8 + length];
  } catch {
    throw broken("its header is not JSON");
  }
}

function readTensor(
  bytes: ArrayBuffer,
  start: number,
  name: string,
  { dtype, shape, data_offsets }: Entry,
): EmbeddingTensor {
  const [from, to] = data_offsets;
  const count = shape.reduce((product, side) => product * side, 1);
  if (dtype !== "F16") throw broken(`tensor ${name} is ${dtype}, not F16`);
  if (to - from !== count * 2 || start + to > bytes.byteLength) throw broken(`tensor ${name} has the wrong length`);
  return { shape, values: halvesToFloats(bytes, start + from, count) };
}

function broken(why: string): DecoderError {
  return new DecoderError("download", `The embedding file is damaged: ${why}.`);
}

let table: Float32Array | undefined;

/** Little-endian float16 values as float32, through a table of all 65,536 of them (as fast as Float16Array, and everywhere). */
export function halvesToFloats(bytes: ArrayBuffer, offset: number, count: number): Float32Array<ArrayBuffer> {
  table ??= Float32Array.from({ length: 65536 }, (_, bits) => half(bits));
  const aligned =
    offset % 2 === 0 ? new Uint16Array(bytes, offset, count) : new Uint16Array(bytes.slice(offset, offset + count * 2));
  const values = new Float32Array(count);
  for (let index = 0; index < count; index += 1) values[index] = table[aligned[index] as number] as number;
  return values;
}

/** IEEE 754 half precision: one sign bit, five of exponent, ten of fraction. */
function half(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 1023;
  if (exponent === 31) return fraction ? Number.NaN : sign * Infinity;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}
