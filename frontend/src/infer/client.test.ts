import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { DecoderClient, usableThreads } from "./client";
import { DecoderError, type Release, type Reply } from "./protocol";
import { Overtaken } from "./queue";
import { Line } from "./worker.test-kit";

const RELEASE: Release = {
  versionId: "v",
  digest: "d",
  encoderDigest: "e",
  decoderUrl: "/decoder.onnx",
  decoderDigest: "x",
  frame: 64,
  logits: 2,
  embedding: {},
};

let lines: Line[];
let client: DecoderClient;
const line = () => lines.at(-1) as Line;
const settle = () => vi.advanceTimersByTimeAsync(0);

beforeEach(() => {
  vi.useFakeTimers();
  vi.stubGlobal("crossOriginIsolated", true);
  vi.stubGlobal("navigator", { hardwareConcurrency: 8 });
  lines = [];
  client = new DecoderClient(() => {
    lines.push(new Line());
    return line() as unknown as Worker;
  });
});

afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

async function ready(): Promise<void> {
  void client.load(RELEASE);
  const { id } = line().last("load");
  line().say({ kind: "progress", id, stage: "starting" });
  line().say({ kind: "done", id });
  await settle();
}

const MAKER = { versionId: "v", decoderDigest: "x", encoderDigest: "e" };

function decoded(id: number): Reply {
  const logits = new Float32Array(16);
  const predictedIou = [0, 1, 2, 3];
  return { kind: "decoded", id, decode: id, logits, predictedIou, milliseconds: 1, maker: MAKER };
}

describe("start", () => {
  it("uses a few threads where the page is isolated, and one elsewhere", () => {
    expect(usableThreads()).toBe(4);
    vi.stubGlobal("crossOriginIsolated", false);
    expect(usableThreads()).toBe(1);
  });

  it("says what it is doing", async () => {
    expect(client.state.value.kind).toBe("idle");
    void client.load(RELEASE);
    expect(client.state.value.kind).toBe("downloading");
    const { id } = line().last("load");
    line().say({ kind: "progress", id, stage: "starting" });
    expect(client.state.value.kind).toBe("starting");
    line().say({ kind: "done", id });
    await settle();
    expect(client.state.value).toEqual({ kind: "ready", threads: 4 });
    expect(client.generation.value).toBe(1);
  });

  it("goes on with the worker that was warmed", async () => {
    client.warm();
    await ready();
    expect(lines.length).toBe(1);
    expect(line().heard.map(({ kind }) => kind)).toEqual(["boot", "load"]);
  });

  it("takes one thread when several never start", async () => {
    void client.load(RELEASE);
    line().say({ kind: "progress", id: line().last("load").id, stage: "starting" });
    const hanging = line();
    await vi.advanceTimersByTimeAsync(31_000);
    expect(hanging.ended).toBe(true);
    expect(lines.length).toBe(2);
    const { id, threads } = line().last("load");
    expect(threads).toBe(1);
    line().say({ kind: "progress", id, stage: "starting" });
    line().say({ kind: "done", id });
    await settle();
    expect(client.state.value).toEqual({ kind: "ready", threads: 1 });
  });

  it("gives up in words when one thread does not start either", async () => {
    vi.stubGlobal("crossOriginIsolated", false);
    void client.load(RELEASE);
    line().say({ kind: "progress", id: line().last("load").id, stage: "starting" });
    await vi.advanceTimersByTimeAsync(181_000);
    expect(client.state.value).toMatchObject({ kind: "failed", error: { code: "runtime" } });
  });

  it("does not count a slow download as a hang", async () => {
    void client.load(RELEASE);
    line().say({ kind: "progress", id: line().last("load").id, stage: "downloading" });
    await vi.advanceTimersByTimeAsync(300_000);
    expect(lines.length).toBe(1);
    expect(client.state.value.kind).toBe("downloading");
  });

  it("keeps a mismatch apart from other failures, and starts again on request with the picture that was open", async () => {
    await ready();
    const bytes = new ArrayBuffer(4);
    const opening = client.openImage("key", [3, 4], bytes);
    line().say({ kind: "done", id: line().last("image").id });
    await opening;
    line().onerror?.({ message: "out of memory" });
    expect(client.state.value).toMatchObject({ kind: "failed", error: { message: "out of memory" } });

    void client.restart();
    line().say({ kind: "failed", id: line().last("load").id, code: "mismatch", detail: "other digest" });
    await settle();
    expect(client.state.value).toMatchObject({ kind: "failed", error: { code: "mismatch" } });

    void client.restart();
    line().say({ kind: "done", id: line().last("load").id });
    await settle();
    expect(line().last("image")).toMatchObject({ imageKey: "key", size: [3, 4], bytes });
    line().say({ kind: "done", id: line().last("image").id });
    await settle();
    expect(client.state.value.kind).toBe("ready");
    expect(client.generation.value).toBe(2);
  });

  it("with another release does not open the picture again: its embedding may be another encoder's", async () => {
    await ready();
    const opening = client.openImage("key", [3, 4], new ArrayBuffer(4));
    line().say({ kind: "done", id: line().last("image").id });
    await opening;
    void client.load({ ...RELEASE, digest: "newer", encoderDigest: "other" });
    line().say({ kind: "done", id: line().last("load").id });
    await settle();
    expect(line().heard.map(({ kind }) => kind)).toEqual(["load"]);
    expect(client.state.value.kind).toBe("ready");
  });
});

describe("decoding", () => {
  it("sends one click at a time, in order, and drops a hover for it", async () => {
    await ready();
    const first = client.decode("key", [{ kind: "point", x: 1, y: 1, label: 1 }], null);
    const hover = client.preview("key", [{ kind: "point", x: 2, y: 2, label: 1 }]);
    const second = client.decode("key", [{ kind: "point", x: 3, y: 3, label: 1 }], null);
    await expect(hover).rejects.toBeInstanceOf(Overtaken);
    const sent = () => line().heard.filter(({ kind }) => kind === "decode");
    expect(sent().length).toBe(1);
    line().say(decoded(sent()[0]?.id ?? 0));
    expect((await first).predictedIou).toEqual([0, 1, 2, 3]);
    await settle();
    expect(sent().length).toBe(2);
    expect(sent()[1]).toMatchObject({ keep: true, prompts: [{ x: 3 }] });
    line().say(decoded(sent()[1]?.id ?? 0));
    await second;
  });

  it("rejects what was under way when the worker dies", async () => {
    await ready();
    const [running, waiting] = [client.decode("key", [], null), client.encode(1, 0)];
    const failures = Promise.allSettled([running, waiting]);
    line().onerror?.({ message: "gone" });
    for (const outcome of await failures) {
      expect(outcome).toMatchObject({ status: "rejected", reason: expect.any(DecoderError) });
    }
  });
});
