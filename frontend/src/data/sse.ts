/** Server-sent events as a pure parser: text chunks in, complete events out. */

export interface ServerEvent {
  id: string;
  kind: string;
  text: string;
}

/** Follows the event stream format of the HTML standard, §9.2: fields by line, an empty line ends an event, `:` is a comment. */
export class EventParser {
  #rest = "";
  #id = "";
  #kind = "";
  #lines: string[] = [];

  /** Takes the next piece of the stream, wherever it was cut, and returns the events that it completes. */
  push(chunk: string): ServerEvent[] {
    const events: ServerEvent[] = [];
    const text = this.#rest + chunk;
    // A trailing CR may be half of a CRLF: keep it for the next piece.
    const end = text.endsWith("\r") ? text.length - 1 : text.length;
    const lines = text.slice(0, end).split(/\r\n|\n|\r/);
    this.#rest = (lines.pop() ?? "") + text.slice(end);
    for (const line of lines) {
      const event = this.#line(line);
      if (event) events.push(event);
    }
    return events;
  }

  #line(line: string): ServerEvent | undefined {
    if (line === "") return this.#finish();
    const colon = line.indexOf(":");
    const field = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? "" : line.slice(colon + 1).replace(/^ /, "");
    if (field === "data") this.#lines.push(value);
    if (field === "event") this.#kind = value;
    if (field === "id" && !value.includes("\0")) this.#id = value;
    return undefined;
  }

  #finish(): ServerEvent | undefined {
    const event = { id: this.#id, kind: this.#kind || "message", text: this.#lines.join("\n") };
    const complete = this.#lines.length > 0;
    this.#kind = "";
    this.#lines = [];
    return complete ? event : undefined;
  }
}
