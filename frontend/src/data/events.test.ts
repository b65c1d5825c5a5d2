import type { ServerResponse } from "node:http";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { EventStream, type ProjectEvent } from "./events";
import { reachable, setOrigin, signedIn } from "./http";
import { startServer, type TestServer, until } from "./server.test-kit";

let server: TestServer;
let open: ServerResponse[];

function stream(response: ServerResponse): void {
  response.writeHead(200, { "Content-Type": "text/event-stream" });
  response.write(": open\n\n");
  open.push(response);
}

beforeEach(async () => {
  open = [];
  server = await startServer((_, response) => stream(response));
  setOrigin(server.url);
  signedIn.value = true;
  reachable.value = true;
});

afterEach(() => server.stop());

function listen(events: EventStream) {
  const seen: ProjectEvent[] = [];
  const opened: boolean[] = [];
  const stop = events.add({ event: (event) => seen.push(event), open: (resumed) => opened.push(resumed) });
  return { seen, opened, stop };
}

describe("EventStream", () => {
  it("delivers events and resumes after the last one when the connection breaks", async () => {
    const events = new EventStream("/api/events?project_id=p");
    const { seen, opened, stop } = listen(events);
    await until(() => open.length === 1);
    open[0]?.write('id: 41\nevent: image.ready\ndata: {"subject_id":"i1","height":3}\n\n');
    await until(() => seen.length === 1);
    expect(seen[0]).toEqual({
      id: "41",
      kind: "image.ready",
      subjectId: "i1",
      payload: { subject_id: "i1", height: 3 },
    });
    open[0]?.destroy();
    await until(() => open.length === 2);
    expect(server.calls[0]?.headers["last-event-id"]).toBeUndefined();
    expect(server.calls[1]?.headers["last-event-id"]).toBe("41");
    await until(() => opened.length === 2);
    expect(opened).toEqual([false, true]);
    stop();
  });

  it("keeps trying after an error status, which EventSource would not", async () => {
    let refuse = true;
    server.answer = (_, response) => {
      if (!refuse) return stream(response);
      response.writeHead(503).end();
    };
    const events = new EventStream("/api/events");
    const { opened, stop } = listen(events);
    await until(() => server.calls.length === 1);
    refuse = false;
    await until(() => opened.length === 1);
    expect(events.state.value).toBe("open");
    stop();
  });

  it("gives up a silent connection", async () => {
    const events = new EventStream("/api/events", 50);
    const { stop } = listen(events);
    await until(() => server.calls.length === 2);
    stop();
  });

  it("shares one connection and closes it with the last listener", async () => {
    const events = new EventStream("/api/events");
    const one = listen(events);
    const other = listen(events);
    await until(() => open.length === 1);
    one.stop();
    open[0]?.write("id: 1\nevent: a\ndata: {}\n\n");
    await until(() => other.seen.length === 1);
    expect(one.seen).toEqual([]);
    other.stop();
    await until(() => open[0]?.destroyed === true);
    expect(server.calls.length).toBe(1);
  });

  it("survives a listener that fails", async () => {
    const errors: unknown[] = [];
    const original = console.error;
    console.error = (...parts: unknown[]) => errors.push(parts);
    const events = new EventStream("/api/events");
    const stop = events.add({
      event: () => {
        throw new Error("listener");
      },
    });
    const { seen, stop: stopOther } = listen(events);
    await until(() => open.length === 1);
    open[0]?.write("id: 1\nevent: a\ndata: {}\n\n");
    open[0]?.write("id: 2\nevent: b\ndata: {}\n\n");
    await until(() => errors.length === 2);
    console.error = original;
    expect(seen.length).toBe(2);
    expect(server.calls.length).toBe(1);
    stop();
    stopOther();
  });

  it("asks for a sign-in on 401", async () => {
    server.answer = (_, response) => {
      response.writeHead(401).end();
    };
    const { stop } = listen(new EventStream("/api/events"));
    await until(() => !signedIn.value);
    stop();
  });
});
