/**
 * The live events of one project, shared by everything on the page that listens.
 * Read with fetch, not EventSource: that one gives up for ever after an error status and cannot resume after a restart of the page's own making.
 */
import { signal } from "@preact/signals";
import { address, reachable, signedIn } from "./http";
import { EventParser } from "./sse";

export interface ProjectEvent {
  id: string;
  kind: string;
  subjectId: string;
  payload: Record<string, unknown>;
}

/** `resumed` is false when events may have been missed before: load again what is shown. */
export interface Listener {
  event(event: ProjectEvent): void;
  open?(resumed: boolean): void;
}

export type ConnectionState = "connecting" | "open" | "waiting";

const FIRST_MS = 500;
const LONGEST_MS = 15_000;
/** A hidden page gives its connection back after this time: a browser allows six per server, over all its tabs. */
const HIDDEN_MS = 20_000;
/** The server sends a comment at least every 15 s; three missed ones mean a dead connection. */
const SILENCE_MS = 45_000;

export class EventStream {
  readonly state = signal<ConnectionState>("connecting");
  readonly #listeners = new Set<Listener>();
  #lastId = "";
  #opened = false;
  #running: AbortController | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #pause = FIRST_MS;

  constructor(
    readonly path: string,
    readonly silenceMs = SILENCE_MS,
  ) {}

  add(listener: Listener): () => void {
    this.#listeners.add(listener);
    if (this.#listeners.size === 1) this.connect();
    else if (this.state.value === "open") listener.open?.(false);
    return () => {
      this.#listeners.delete(listener);
      if (this.#listeners.size === 0) this.disconnect();
    };
  }

  get listenerCount(): number {
    return this.#listeners.size;
  }

  /** Opens the stream unless it is open already; what was seen last decides where it goes on. */
  connect(): void {
    clearTimeout(this.#timer);
    if (this.#running || this.#listeners.size === 0) return;
    const controller = new AbortController();
    this.#running = controller;
    this.state.value = "connecting";
    void this.#read(controller).finally(() => {
      if (this.#running !== controller) return;
      this.#running = undefined;
      this.#again();
    });
  }

  disconnect(): void {
    clearTimeout(this.#timer);
    const controller = this.#running;
    this.#running = undefined;
    controller?.abort();
    this.state.value = "waiting";
  }

  #again(): void {
    this.state.value = "waiting";
    this.#timer = setTimeout(() => this.connect(), this.#pause * (0.75 + Math.random() / 2));
    this.#pause = Math.min(LONGEST_MS, this.#pause * 2);
  }

  async #read(controller: AbortController): Promise<void> {
    let watchdog: ReturnType<typeof setTimeout> | undefined;
    const alive = () => {
      clearTimeout(watchdog);
      watchdog = setTimeout(() => controller.abort(), this.silenceMs);
    };
    try {
      alive();
      const response = await this.#open(controller.signal);
      if (!response?.body) return;
      const parser = new EventParser();
      const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
      for (let piece = await reader.read(); !piece.done; piece = await reader.read()) {
        alive();
        for (const { id, kind, text } of parser.push(piece.value)) this.#deliver(id, kind, text);
      }
    } catch {
      // Every broken connection ends here; `finally` of connect() plans the next one.
      if (this.#running === controller && !controller.signal.aborted) reachable.value = false;
    } finally {
      clearTimeout(watchdog);
    }
  }

  async #open(signal: AbortSignal): Promise<Response | undefined> {
    const headers: Record<string, string> = { Accept: "text/event-stream" };
    if (this.#lastId) headers["Last-Event-ID"] = this.#lastId;
    const response = await fetch(address(this.path), {
      headers,
      signal,
      cache: "no-store",
      credentials: "same-origin",
    });
    reachable.value = true;
    if (response.status === 401) signedIn.value = false;
    if (!response.ok) return undefined;
    this.#pause = FIRST_MS;
    this.state.value = "open";
    const resumed = this.#opened && this.#lastId !== "";
    this.#opened = true;
    for (const listener of this.#listeners) listener.open?.(resumed);
    return response;
  }

  #deliver(id: string, kind: string, text: string): void {
    if (id) this.#lastId = id;
    const payload = readPayload(text);
    const event = { id, kind, subjectId: String(payload.subject_id ?? ""), payload };
    for (const listener of this.#listeners) {
      try {
        listener.event(event);
      } catch (cause) {
        // One failing listener must neither silence the others nor look like a lost connection.
        console.error("a listener failed", kind, cause);
      }
    }
  }
}

/** An event that cannot be read still says by its kind that something happened. */
function readPayload(text: string): Record<string, unknown> {
  try {
    const payload: unknown = JSON.parse(text);
    return payload && typeof payload === "object" ? (payload as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}

const streams = new Map<string, EventStream>();

/** Listens to a project's events until the returned function is called; all listeners of a project share one connection. */
export function subscribe(projectId: string, listener: Listener): () => void {
  let stream = streams.get(projectId);
  if (!stream) {
    stream = new EventStream(`/api/events?project_id=${encodeURIComponent(projectId)}`);
    streams.set(projectId, stream);
  }
  return stream.add(listener);
}

/** Opens at once every stream that waits for its next attempt: the server is known to be there again. */
export function reconnect(): void {
  for (const stream of streams.values()) stream.connect();
}

/** Gives connections back while the page is hidden and takes them up again, where they were, when it shows. */
export function followVisibility(page: Document): void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  page.addEventListener("visibilitychange", () => {
    clearTimeout(timer);
    if (page.visibilityState === "visible") reconnect();
    else
      timer = setTimeout(() => {
        for (const stream of streams.values()) stream.disconnect();
      }, HIDDEN_MS);
  });
}
