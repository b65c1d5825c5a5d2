import { describe, expect, it } from "vitest";
import { EventParser } from "./sse";

const STREAM =
  ': hello\nretry: 500\n\nid: 7\nevent: image.ready\ndata: {"a":\ndata: 1}\n\nid: 8\r\nevent: x\r\ndata:y\r\n\r\ndata: z\n\n';
const EVENTS = [
  { id: "7", kind: "image.ready", text: '{"a":\n1}' },
  { id: "8", kind: "x", text: "y" },
  { id: "8", kind: "message", text: "z" },
];

describe("EventParser", () => {
  it("reads events wherever the stream was cut", () => {
    for (let cut = 0; cut <= STREAM.length; cut++) {
      const parser = new EventParser();
      const events = [...parser.push(STREAM.slice(0, cut)), ...parser.push(STREAM.slice(cut))];
      expect(events).toEqual(EVENTS);
    }
  });

  it("keeps an unfinished event back and ignores an event without data", () => {
    const parser = new EventParser();
    expect(parser.push("id: 1\nevent: a\n\n")).toEqual([]);
    expect(parser.push("data: 1\n")).toEqual([]);
    expect(parser.push("\n")).toEqual([{ id: "1", kind: "message", text: "1" }]);
  });
});
