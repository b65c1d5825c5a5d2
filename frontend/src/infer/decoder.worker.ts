/** The decode worker: full-size masks never leave it, only low-resolution logits for drawing and run lengths for saving. */
import { encodeCandidate, maskInput } from "./masks";
import { boot, type DecoderImage, type DecoderModel, decode, download, makerOf, openImage, start } from "./model";
import { candidateOf, DecoderError, type MaskInput, type Reply, type Request } from "./protocol";

declare const self: DedicatedWorkerGlobalScope;

let model: DecoderModel | null = null;
let image: DecoderImage | null = null;
let booted: Promise<void> = Promise.resolve();
/** Logits of the decodes that may still be refined or saved, by request id. */
const kept = new Map<number, Float32Array<ArrayBuffer>>();

self.onmessage = async ({ data }: MessageEvent<Request>) => {
  try {
    await answer(data);
  } catch (error) {
    const code = error instanceof DecoderError ? error.code : "runtime";
    send({ kind: "failed", id: data.id, code, detail: error instanceof Error ? error.message : String(error) });
  }
};

function send(reply: Reply, transfer: Transferable[] = []): void {
  self.postMessage(reply, transfer);
}

async function answer(request: Request): Promise<void> {
  switch (request.kind) {
    case "boot":
      booted = boot(request.threads);
      await booted;
      return send({ kind: "done", id: request.id });
    case "load":
      return load(request);
    case "image":
      kept.clear();
      image = openImage(needed(model).release, request.imageKey, request.size, request.bytes);
      return send({ kind: "done", id: request.id });
    case "decode":
      return decodeRequest(request);
    case "encode": {
      const logits = candidateOf(keptLogits(request.decode), request.candidate);
      return send({
        kind: "encoded",
        id: request.id,
        ...encodeCandidate(logits, needed(image).size, needed(model).release),
      });
    }
    case "forget":
      kept.clear();
      return send({ kind: "done", id: request.id });
  }
}

async function load({ id, release, threads }: Request & { kind: "load" }): Promise<void> {
  send({ kind: "progress", id, stage: "downloading" });
  const file = await download(release);
  send({ kind: "progress", id, stage: "starting" });
  await booted;
  await model?.session.release();
  model = await start(release, file, threads);
  image = null;
  kept.clear();
  send({ kind: "done", id, threads });
}

async function decodeRequest(request: Request & { kind: "decode" }): Promise<void> {
  const began = performance.now();
  const target = needed(image);
  if (target.key !== request.imageKey) throw new DecoderError("runtime", "Another picture was opened meanwhile.");
  const decoder = needed(model);
  const { logits, predictedIou } = await decode(decoder, target, request.prompts, logitsOf(request.mask, target));
  if (request.keep) kept.set(request.id, logits);
  const copy = request.keep ? logits.slice() : logits;
  const milliseconds = performance.now() - began;
  const maker = makerOf(decoder, target);
  send({ kind: "decoded", id: request.id, decode: request.id, logits: copy, predictedIou, milliseconds, maker }, [
    copy.buffer,
  ]);
}

function logitsOf(mask: MaskInput | null, { size }: DecoderImage): Float32Array | null {
  if (!mask) return null;
  if (mask.kind === "saved") return maskInput(mask.counts, size, needed(model).release);
  return candidateOf(keptLogits(mask.decode), mask.candidate).slice();
}

function keptLogits(decodeId: number): Float32Array<ArrayBuffer> {
  const logits = kept.get(decodeId);
  if (!logits) throw new DecoderError("runtime", "That mask is not in memory any more.");
  return logits;
}

function needed<T>(value: T | null): T {
  if (value === null) throw new DecoderError("runtime", "The decoder is not ready.");
  return value;
}
