/** One way to the server: JSON in, JSON out, every failure an ApiError, and the truth about reachability and sign-in. */
import { signal } from "@preact/signals";
import createClient, { type Client } from "openapi-fetch";
import type { paths } from "./schema";

/** `status` 0 means that no answer came at all (server stopped, network gone, time-out). */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    readonly detail: string,
  ) {
    super(detail);
    this.name = "ApiError";
  }

  /** Whether the same request can succeed later without anybody changing anything. */
  get passing(): boolean {
    return this.status === 0 || this.status === 408 || this.status === 429 || this.status >= 500;
  }
}

/** What went wrong, in words for people. */
export function detailOf(cause: unknown): string {
  return cause instanceof ApiError ? cause.detail : String(cause);
}

export function errorOf(cause: unknown): Error {
  return cause instanceof Error ? cause : new Error(String(cause));
}

/** False from the first request that got no answer until the next one that got any. */
export const reachable = signal(true);
/** False once the server said 401; the sign-in page then covers the page, which keeps its state underneath. */
export const signedIn = signal(true);

const TIMEOUT_MS = 30_000;

let origin = "";
let typed = makeClient();

/** Points all requests at another server; tests use it, the page talks to where it came from. */
export function setOrigin(url: string): void {
  origin = url;
  typed = makeClient();
}

export function address(path: string): string {
  return origin + path;
}

/** The client that knows every address, body and answer of the API from its OpenAPI document. */
export function client(): Client<paths> {
  return typed;
}

function makeClient(): Client<paths> {
  const baseUrl = origin || globalThis.location?.origin || "";
  return createClient<paths>({ baseUrl, credentials: "same-origin", fetch: (asked) => guarded(asked) });
}

/** The body of an answer that came through `client()`; failures have been thrown before. */
export async function answer<T>(asked: Promise<{ data?: T }>): Promise<T> {
  try {
    return (await asked).data as T;
  } catch (cause) {
    // The status came in time, the rest of the answer did not.
    if (cause instanceof DOMException && cause.name === "TimeoutError") throw unreachable();
    throw cause;
  }
}

/** Fetches bytes; throws ApiError unless the status is 2xx. */
export function fetchBytes(path: string, timeoutMs = 120_000): Promise<Response> {
  return guarded(new Request(address(path), { credentials: "same-origin" }), timeoutMs);
}

/** Returns the response, if its status is 2xx; else throws an ApiError. Aborts by the caller pass through. */
async function guarded(asked: Request, timeoutMs = TIMEOUT_MS): Promise<Response> {
  let response: Response;
  try {
    response = await fetch(asked, { signal: AbortSignal.any([asked.signal, AbortSignal.timeout(timeoutMs)]) });
  } catch (cause) {
    if (asked.signal.aborted) throw cause;
    throw unreachable();
  }
  reachable.value = true;
  if (response.status === 401) signedIn.value = false;
  if (!response.ok) throw await readError(response);
  return response;
}

function unreachable(): ApiError {
  reachable.value = false;
  return new ApiError(0, "unreachable", "The server does not answer.");
}

/** Reads the envelope `{"error": code, "detail": text}`; anything else (a proxy's page) is reported by its status. */
async function readError(response: { status: number; text(): Promise<string> }): Promise<ApiError> {
  const text = await response.text().catch(() => "");
  return errorFrom(response.status, text);
}

export function errorFrom(status: number, text: string): ApiError {
  try {
    const envelope: unknown = JSON.parse(text);
    if (envelope && typeof envelope === "object" && "error" in envelope) {
      const detail = "detail" in envelope && typeof envelope.detail === "string" ? envelope.detail : "";
      return new ApiError(status, String(envelope.error), detail || `The server refused (${status}).`);
    }
  } catch {
    return new ApiError(status, "unreadable", `The server answered with status ${status}.`);
  }
  return new ApiError(status, "unreadable", `The server answered with status ${status}.`);
}
