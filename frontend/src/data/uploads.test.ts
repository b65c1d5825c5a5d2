import { beforeEach, describe, expect, it } from "vitest";
import { ApiError, reachable, signedIn } from "./http";
import { until } from "./server.test-kit";
import type { Image, UploadReply } from "./types";
import { batches, type NamedFile, type Post, sortFiles, Uploads } from "./uploads";

function named(path: string, size = 10): NamedFile {
  return { path, file: new File([new Uint8Array(size)], path) };
}

function took(files: readonly NamedFile[]): UploadReply {
  return { accepted: files.map(() => ({}) as Image), duplicates: [], refused: [] };
}

beforeEach(() => {
  reachable.value = true;
  signedIn.value = true;
});

describe("sortFiles", () => {
  it("drops litter, refuses what is no image with a reason, and sends the rest", () => {
    const files = ["a/x.JPG", "a/.DS_Store", "Thumbs.db", "__MACOSX/x.jpg", "notes.txt", "b.tif"].map((path) =>
      named(path),
    );
    const { send, refused } = sortFiles([...files, named("empty.png", 0)]);
    expect(send.map(({ path }) => path)).toEqual(["a/x.JPG", "b.tif"]);
    expect(refused.map(({ path }) => path)).toEqual(["notes.txt", "empty.png"]);
  });
});

describe("batches", () => {
  it("keeps order, respects both limits and lets a giant travel alone", () => {
    const files = [
      ...Array.from({ length: 20 }, (_, index) => named(`${index}.jpg`)),
      named("giant.tif", 30 * 1024 * 1024),
      named("z.jpg"),
    ];
    const cut = batches(files);
    expect(cut.flat()).toEqual(files);
    expect(cut.map((batch) => batch.length)).toEqual([16, 4, 1, 1]);
    expect(batches([])).toEqual([]);
  });
});

describe("Uploads", () => {
  it("accounts for every file exactly once", async () => {
    const post: Post = async (_, files, progress) => {
      progress(5);
      const bad = files.filter(({ path }) => path.includes("broken"));
      const twice = files.filter(({ path }) => path.includes("twice"));
      const good = files.filter((file) => !bad.includes(file) && !twice.includes(file));
      return {
        accepted: took(good).accepted,
        duplicates: took(twice).accepted,
        refused: bad.map(({ path }) => ({ file_name: path, reason: "cut off", code: "truncated" })),
      };
    };
    const uploads = new Uploads("p", post);
    uploads.add([
      ...Array.from({ length: 40 }, (_, index) => named(`${index}.jpg`)),
      named("broken.jpg"),
      named("twice.png"),
      named("x.txt"),
    ]);
    await until(() => uploads.state.value.phase === "done");
    const { total, accepted, duplicates, refused, unsent, sentBytes, totalBytes } = uploads.state.value;
    expect({ total, accepted, duplicates, unsent }).toEqual({ total: 43, accepted: 40, duplicates: 1, unsent: [] });
    expect(refused.map(({ path }) => path)).toEqual(["x.txt", "broken.jpg"]);
    expect(sentBytes).toBe(totalBytes);
    uploads.dismiss();
    expect(uploads.state.value.total).toBe(0);
  });

  it("sends the files of a refused request one by one, so that only the culprit is refused", async () => {
    const post: Post = async (_, files) => {
      if (files.some(({ path }) => path === "huge.tif")) throw new ApiError(413, "too_large", "Larger than 256 MB.");
      return took(files);
    };
    const uploads = new Uploads("p", post);
    uploads.add([named("a.jpg"), named("huge.tif"), named("b.jpg")]);
    await until(() => uploads.state.value.phase === "done");
    expect(uploads.state.value.accepted).toBe(2);
    expect(uploads.state.value.refused).toEqual([{ path: "huge.tif", reason: "Larger than 256 MB." }]);
  });

  it("keeps files that a failing server did not take, and sends them on request", async () => {
    let broken = true;
    const post: Post = async (_, files) => {
      if (broken) throw new ApiError(503, "unavailable", "restarting");
      return took(files);
    };
    const uploads = new Uploads("p", post);
    uploads.add([named("a.jpg"), named("b.jpg")]);
    await until(() => uploads.state.value.phase === "done");
    expect(uploads.state.value.unsent.length).toBe(2);
    broken = false;
    uploads.retry();
    await until(() => uploads.state.value.accepted === 2);
    expect(uploads.state.value.unsent).toEqual([]);
  });

  it("holds while nobody is signed in and goes on by itself afterwards", async () => {
    const post: Post = async (_, files) => {
      if (signedIn.value) return took(files);
      throw new ApiError(401, "signed_out", "Sign in.");
    };
    signedIn.value = false;
    const uploads = new Uploads("p", post);
    uploads.add([named("a.jpg")]);
    await until(() => uploads.state.value.phase === "held");
    signedIn.value = true;
    await until(() => uploads.state.value.accepted === 1);
  });

  it("lists the rest as unsent when it is cancelled", async () => {
    let release: () => void = () => undefined;
    const gate = new Promise<void>((open) => {
      release = open;
    });
    const uploads = new Uploads("p", async (_, files) => {
      await gate;
      return took(files);
    });
    uploads.add(Array.from({ length: 64 }, (_, index) => named(`${index}.jpg`)));
    await until(() => uploads.state.value.phase === "sending");
    uploads.cancel();
    release();
    await until(() => uploads.state.value.phase === "done");
    expect(uploads.state.value.accepted).toBe(32);
    expect(uploads.state.value.unsent.length).toBe(32);
  });
});
