import { effect } from "@preact/signals";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type AnnotationRecord, geometryOf } from "../../core/document";
import type { Prompt } from "../../core/prompts";
import type { Image, ModelVersion } from "../../data/api";
import { setOrigin } from "../../data/http";
import { json, startServer, type TestServer } from "../../data/server.test-kit";
import type { Request } from "../../infer/protocol";
import { Line } from "../../infer/worker.test-kit";
import { Prompting } from "./prompting";
import { Engine } from "./readiness";

const VERSION = {
  id: "version",
  digest: "release",
  encoder_digest: "encoder",
  manifest: {
    frame: 64,
    logits: 2,
    mask_threshold: 0,
    embedding: {},
    files: { "decoder.onnx": { digest: "d", bytes: 1 } },
  },
} as unknown as ModelVersion;
let pixels = 0;

function image(state: "ready" | "queued" = "ready"): Image {
  pixels += 1;
  return { id: "i", pixel_digest: `p${pixels}`, height: 4, width: 5, embedding: { state } } as unknown as Image;
}

/** Answers as a decoder would: at once, the single mask and the second reading being the surest. */
class Answering extends Line {
  silent = false;

  override postMessage(request: Request): void {
    super.postMessage(request);
    if (!this.silent) queueMicrotask(() => this.answer(request));
  }

  answer(request: Request): void {
    const { id } = request;
    if (request.kind === "decode") {
      const logits = new Float32Array(16).fill(1);
      const maker = { versionId: "answering", decoderDigest: "d", encoderDigest: "encoder" };
      this.say({ kind: "decoded", id, decode: id, logits, predictedIou: [0.9, 0.5, 0.8, 0.6], milliseconds: 1, maker });
    } else if (request.kind === "encode") {
      this.say({ kind: "encoded", id, size: [4, 5], counts: "34=", area: 4, box: [0, 0, 2, 4], stability: 1 });
    } else this.say({ kind: "done", id });
  }

  decodes(): (Request & { kind: "decode" })[] {
    return this.heard.filter((request): request is Request & { kind: "decode" } => request.kind === "decode");
  }
}

let server: TestServer;
let lines: Answering[];
let engine: Engine;
let prompting: Prompting;
let failures: string[];
const line = () => lines.at(-1) as Answering;

const point = (x: number, label: 0 | 1 = 1): Prompt => ({ kind: "point", x, y: 1, label });
const box = (x0: number): Prompt => ({ kind: "box", x0, y0: 0, x1: 5, y1: 4 });

function record(more: Partial<AnnotationRecord>): AnnotationRecord {
  return {
    id: "base",
    ...geometryOf("34=", [4, 5]),
    categoryId: null,
    supersedesId: null,
    source: "click",
    state: "accepted",
    modelVersionId: "version",
    prompts: [],
    chosenCandidate: null,
    predictedIou: null,
    flag: null,
    createdAt: "",
    actorId: null,
    ...more,
  };
}

/** Resolves when a condition over signals holds. */
function holds(condition: () => boolean): Promise<void> {
  return new Promise((resolve) => {
    const stop = effect(() => {
      if (!condition()) return;
      queueMicrotask(() => stop());
      resolve();
    });
  });
}

const answered = () => holds(() => (prompting.draft.value?.steps.length ?? 0) > 0 && !prompting.busy.value);

beforeEach(async () => {
  server = await startServer((_, response) => {
    response.writeHead(200, { "Maskmill-Encoder-Digest": "encoder" });
    response.end("embedding");
  });
  setOrigin(server.url);
  lines = [];
  failures = [];
  engine = new Engine(() => {
    lines.push(new Answering());
    return line() as unknown as Worker;
  });
  prompting = new Prompting(
    engine,
    () => "version",
    (words) => failures.push(words),
  );
});

afterEach(async () => {
  engine.dispose();
  await server.stop();
});

describe("readiness", () => {
  it("says that the embedding is being computed, and goes on when the server has it", async () => {
    const { answer } = server;
    server.answer = (_, response) => json(response, 404, { error: "not_found", detail: "" });
    const opening = engine.open(image("queued"), VERSION);
    await holds(() => engine.state.value.kind === "computing");
    while (server.calls.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    await new Promise((resolve) => setTimeout(resolve, 50));
    server.answer = answer;
    engine.heard("ready", "");
    await opening;
    expect(engine.state.value).toMatchObject({ kind: "ready", words: "" });
  });

  it("refuses an embedding of another encoder, in words", async () => {
    server.answer = (_, response) => {
      response.writeHead(200, { "Maskmill-Encoder-Digest": "other" });
      response.end("embedding");
    };
    await engine.open(image(), VERSION);
    expect(engine.state.value.kind).toBe("mismatch");
    expect(engine.state.value.words).toContain("another model version");
  });
});

describe("prompts", () => {
  beforeEach(() => engine.open(image(), VERSION));

  it("are decoded in order, each refining what was shown after the one before", async () => {
    prompting.add(point(1), null, 0);
    prompting.add(point(2, 0), null, 0);
    prompting.add(point(3), null, 0);
    await answered();
    const [first, second, third] = line().decodes();
    expect(first).toMatchObject({ mask: null, prompts: [{ x: 1 }] });
    expect(second).toMatchObject({ mask: { kind: "decoded", decode: first?.id, candidate: 2 } });
    expect(third).toMatchObject({
      mask: { decode: second?.id, candidate: 0 },
      prompts: [{ x: 1 }, { x: 2 }, { x: 3 }],
    });
    expect(prompting.shown.value?.candidate).toBe(0);
  });

  it("go back and forth without decoding again", async () => {
    prompting.add(point(1), null, 0);
    await answered();
    prompting.pick(3);
    prompting.add(point(2), null, 0);
    await answered();
    expect(line().decodes()[1]?.mask).toMatchObject({ candidate: 3 });
    expect(prompting.undo()).toBe(true);
    expect(prompting.shown.value?.candidate).toBe(3);
    expect(prompting.redo()).toBe(true);
    expect(prompting.shown.value?.candidate).toBe(0);
    expect(line().decodes().length).toBe(2);
    prompting.undo();
    prompting.undo();
    expect(prompting.shown.value).toBeNull();
    expect(prompting.undo()).toBe(false);
  });

  it("hold one box, the last", async () => {
    prompting.add(box(0), null, 0);
    prompting.add(box(2), null, 0);
    await answered();
    expect(line().decodes()[1]?.prompts).toMatchObject([{ kind: "box", x0: 2 }]);
  });

  it("become an annotation with the candidate that was shown after each", async () => {
    prompting.add(point(1), null, 0);
    await answered();
    prompting.pick(1);
    prompting.add(point(2, 0), null, 0);
    const finished = await prompting.finish();
    expect(finished).toMatchObject({
      counts: "34=",
      source: "click",
      chosenCandidate: 0,
      predictedIou: 0.9,
      modelVersionId: "answering",
      base: null,
    });
    expect(finished?.prompts.map(({ candidate }) => candidate)).toEqual([1, 0]);
    expect(finished?.id).toBe(prompting.draft.value?.id);
    prompting.finished(finished?.id ?? "");
    expect(prompting.draft.value).toBeNull();
    expect(prompting.nextId.value).not.toBe(finished?.id);
  });

  it("of a mask made here are heard again before it is refined", async () => {
    const prompts = [
      { ...point(1), at_ms: 0, candidate: 3 },
      { ...point(2, 0), at_ms: 700, candidate: 0 },
    ];
    prompting.add(point(4), record({ prompts, chosenCandidate: 0 }), 0);
    await answered();
    const [first, second, third] = line().decodes();
    expect(first).toMatchObject({ mask: null, prompts: [{ x: 1 }] });
    expect(second).toMatchObject({ mask: { candidate: 3 }, prompts: [{ x: 1 }, { x: 2 }] });
    expect(third).toMatchObject({ mask: { candidate: 0 }, prompts: [{ x: 1 }, { x: 2 }, { x: 4 }] });
    expect(prompting.draft.value?.steps.length).toBe(1);
    expect((await prompting.finish())?.prompts.map(({ candidate }) => candidate)).toEqual([3, 0, 0]);
  });

  it.each([
    ["another model", { modelVersionId: "old", prompts: [{ ...point(1), at_ms: 0 }] }],
    ["an import", { source: "import" as const, prompts: [] }],
  ])("on a mask of %s refine its pixels", async (_, more) => {
    prompting.add(point(4), record(more), 0);
    await answered();
    expect(line().decodes()).toMatchObject([
      { mask: { kind: "saved", counts: "34=" }, prompts: [{ kind: "mask" }, { x: 4 }] },
    ]);
  });

  it("survive a decoder that has to be started again", async () => {
    prompting.add(point(1), null, 0);
    await answered();
    const before = line();
    before.silent = true;
    prompting.add(point(2), null, 0);
    before.onerror?.({ message: "out of memory" });
    expect(engine.state.value.kind).toBe("failed");
    await engine.client.restart();
    prompting.replay();
    await answered();
    expect(line()).not.toBe(before);
    expect(
      line()
        .decodes()
        .map(({ prompts }) => prompts.length),
    ).toEqual([1, 2]);
    expect(failures).toEqual([]);
  });

  it("that get no answer are taken back and told", async () => {
    line().silent = true;
    prompting.add(point(1), null, 0);
    await holds(() => prompting.busy.value);
    while (line().decodes().length === 0) await new Promise((resolve) => setTimeout(resolve));
    const id = line().decodes()[0]?.id ?? 0;
    line().say({ kind: "failed", id, code: "runtime", detail: "no memory" });
    await holds(() => prompting.draft.value === null);
    expect(failures).toEqual(["no memory"]);
  });
});

describe("preview", () => {
  beforeEach(() => engine.open(image(), VERSION));

  it("shows the best reading under the pointer, and nothing once the pointer left or a draft is there", async () => {
    prompting.hover({ x: 1, y: 1 });
    await holds(() => prompting.preview.value !== null);
    expect(prompting.preview.value?.candidate).toBe(2);
    prompting.hover(null);
    expect(prompting.preview.value).toBeNull();
    prompting.add(point(1), null, 0);
    await answered();
    prompting.hover({ x: 2, y: 2 });
    expect(line().decodes().length).toBe(2);
  });
});
