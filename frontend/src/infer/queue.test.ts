import { describe, expect, it } from "vitest";
import { Overtaken, WorkQueue } from "./queue";

/** Work that ends when the test says so. */
function job<T>(value: T, log: string[], name: string) {
  let finish: () => void = () => undefined;
  const gate = new Promise<void>((resolve) => {
    finish = resolve;
  });
  const work = async () => {
    log.push(name);
    await gate;
    return value;
  };
  return { work, finish };
}

const tick = () => new Promise((resolve) => setTimeout(resolve));

describe("order of work", () => {
  it("runs clicks one at a time, in order, all of them", async () => {
    const log: string[] = [];
    const queue = new WorkQueue();
    const jobs = ["a", "b", "c"].map((name) => job(name, log, name));
    const results = jobs.map(({ work }) => queue.add(work));
    await tick();
    expect(log).toEqual(["a"]);
    for (const { finish } of jobs) finish();
    expect(await Promise.all(results)).toEqual(["a", "b", "c"]);
    expect(log).toEqual(["a", "b", "c"]);
  });

  it("keeps one hover waiting, the latest, and lets clicks go first", async () => {
    const log: string[] = [];
    const queue = new WorkQueue();
    const running = job(0, log, "hover 1");
    const first = queue.addHover(running.work);
    const overtaken = queue.addHover(job(0, log, "hover 2").work);
    const latest = job(3, log, "hover 3");
    const third = queue.addHover(latest.work);
    const click = job("click", log, "click");
    const clicked = queue.add(click.work);
    await expect(overtaken).rejects.toBeInstanceOf(Overtaken);
    running.finish();
    await first;
    click.finish();
    expect(await clicked).toBe("click");
    latest.finish();
    expect(await third).toBe(3);
    expect(log).toEqual(["hover 1", "click", "hover 3"]);
  });

  it("goes on after a failure", async () => {
    const queue = new WorkQueue();
    const failing = queue.add(() => Promise.reject(new Error("no")));
    const next = queue.add(async () => 7);
    await expect(failing).rejects.toThrow("no");
    expect(await next).toBe(7);
  });

  it("rejects all that waits when the worker is gone", async () => {
    const queue = new WorkQueue();
    const running = job(1, [], "running");
    const first = queue.add(running.work);
    const second = queue.add(async () => 2);
    const hover = queue.addHover(async () => 3);
    const gone = new Error("gone");
    queue.clear(gone);
    await expect(second).rejects.toBe(gone);
    await expect(hover).rejects.toBeInstanceOf(Overtaken);
    running.finish();
    expect(await first).toBe(1);
  });
});
