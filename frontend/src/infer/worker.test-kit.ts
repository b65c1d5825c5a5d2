import type { Reply, Request } from "./protocol";

/** Stands in for the browser's worker: the test is the other side. */
export class Line {
  onmessage: ((event: { data: Reply }) => void) | null = null;
  onerror: ((event: { message: string }) => void) | null = null;
  readonly heard: Request[] = [];
  ended = false;

  postMessage(request: Request): void {
    this.heard.push(request);
  }

  terminate(): void {
    this.ended = true;
  }

  say(reply: Reply): void {
    this.onmessage?.({ data: reply });
  }

  last<Kind extends Request["kind"]>(kind: Kind): Request & { kind: Kind } {
    const request = this.heard.findLast((other) => other.kind === kind);
    if (!request) throw new Error(`no ${kind} was sent`);
    return request as Request & { kind: Kind };
  }
}
