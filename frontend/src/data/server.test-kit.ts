/** A real HTTP server on a private port that behaves as a test tells it: the outbox and the events are tested over it. */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

export interface Call {
  method: string;
  path: string;
  body: Record<string, unknown>;
  headers: IncomingMessage["headers"];
}

export type Answer = (call: Call, response: ServerResponse) => void | Promise<void>;

export interface TestServer {
  url: string;
  port: number;
  calls: Call[];
  answer: Answer;
  stop(): Promise<void>;
}

export async function startServer(answer: Answer, port = 0): Promise<TestServer> {
  const calls: Call[] = [];
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const text = Buffer.concat(chunks).toString();
    const call = {
      method: request.method ?? "",
      path: request.url ?? "",
      body: text ? (JSON.parse(text) as Record<string, unknown>) : {},
      headers: request.headers,
    };
    calls.push(call);
    await started.answer(call, response);
  });
  await new Promise<void>((done) => server.listen(port, "127.0.0.1", done));
  const taken = (server.address() as AddressInfo).port;
  const started: TestServer = {
    url: `http://127.0.0.1:${taken}`,
    port: taken,
    calls,
    answer,
    stop: () =>
      new Promise((done) => {
        server.close(() => done());
        server.closeAllConnections();
      }),
  };
  return started;
}

export function json(response: ServerResponse, status: number, body?: unknown): void {
  response.writeHead(status, { "Content-Type": "application/json" });
  response.end(body === undefined ? "" : JSON.stringify(body));
}

/** Waits until `holds` is true; fails after eight seconds. */
export async function until(holds: () => boolean): Promise<void> {
  const end = Date.now() + 8_000;
  while (!holds()) {
    if (Date.now() > end) throw new Error(`not true within eight seconds: ${holds}`);
    await new Promise((done) => setTimeout(done, 5));
  }
}
