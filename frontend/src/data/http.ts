/** One way to the server: JSON in, JSON out, every failure an ApiError, and the truth about reachability and sign-in. */
import { signal } from "@preact/signals";

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

/** False from the first request that got no answer until the next one that got any. */
export const reachable = signal(true);
/** False once the server said 401; the sign-in page then covers the page, which keeps its state underneath. */
export const signedIn = signal(true);

/** Browsers refuse more than 64 KiB of bodies that outlive their page. */
const KEEPALIVE_BYTES = 60_000;

let origin = "";

/** Points all requests at another server; tests use it, the page talks to where it came from. */
export function setOrigin(url: string): void {
  origin = url;
}

export function address(path: string): string {
  return origin + path;
}

export interface Sending {
  body?: unknown;
  signal?: AbortSignal;
  /** Lets the request outlive the page, if it is small enough for that. */
  keepalive?: boolean;
  timeoutMs?: number;
}

/** Sends and returns the response, if its status is 2xx; else throws an ApiError. Aborts by the caller pass through. */
export async function send(method: string, path: string, options: Sending = {}): Promise<Response> {
  const limit = AbortSignal.timeout(options.timeoutMs ?? 30_000);
  const init: RequestInit = {
    method,
    credentials: "same-origin",
    signal: options.signal ? AbortSignal.any([options.signal, limit]) : limit,
  };
  if (options.body !== undefined) {
    init.body = JSON.stringify(options.body);
    init.headers = { "Content-Type": "application/json" };
  }
  if (options.keepalive && String(init.body ?? "").length <= KEEPALIVE_BYTES) init.keepalive = true;
  let response: Response;
  try {
    response = await fetch(address(path), init);
  } catch (cause) {
    if (options.signal?.aborted) throw cause;
    reachable.value = false;
    throw new ApiError(0, "unreachable", "The server does not answer.");
  }
  reachable.value = true;
  if (response.status === 401) signedIn.value = false;
  if (!response.ok) throw await readError(response);
  return response;
}

/** Reads the envelope `{"error": code, "detail": text}`; anything else (a proxy's page) is reported by its status. */
export async function readError(response: { status: number; text(): Promise<string> }): Promise<ApiError> {
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

export async function request<T>(method: string, path: string, options: Sending = {}): Promise<T> {
  const response = await send(method, path, options);
  if (response.status === 204) return undefined as T;
  return (await response.json()) as T;
}
