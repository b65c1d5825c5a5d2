/**
 * Sends many files to a project: in small batches, two at a time, each file ending in exactly one of
 * accepted, duplicate, refused (with its reason) or unsent (kept here to be sent again).
 */
import { effect, signal } from "@preact/signals";
import { ApiError, address, errorFrom, reachable, signedIn } from "./http";
import type { UploadReply } from "./types";

/** A file with the path that it had in the folder that was dropped. */
export interface NamedFile {
  path: string;
  file: File;
}

export interface Refused {
  path: string;
  reason: string;
}

export interface UploadState {
  total: number;
  totalBytes: number;
  sentBytes: number;
  accepted: number;
  duplicates: number;
  refused: readonly Refused[];
  unsent: readonly NamedFile[];
  /** `held`: the server does not answer or wants a sign-in; goes on by itself. */
  phase: "sending" | "held" | "done";
}

/** Sends one request; calls `progress` with the bytes sent so far. Throws ApiError. */
export type Post = (
  projectId: string,
  files: readonly NamedFile[],
  progress: (bytes: number) => void,
) => Promise<UploadReply>;

const BATCH_FILES = 16;
const BATCH_BYTES = 24 * 1024 * 1024;
const LANES = 2;
const ATTEMPTS = 3;
const PAUSE_MS = 300;
/** What the backend reads; other files are refused here, without sending gigabytes of video first. */
const READABLE = /\.(jpe?g|jfif|png|webp|tiff?)$/i;
/** Files that systems leave in folders; nobody means to upload them. */
const LITTER = /(^|\/)(\.[^/]*|thumbs\.db|desktop\.ini|__MACOSX\/.*)$/i;

/** Drops litter silently and tells apart what can be sent from what cannot. */
export function sortFiles(files: readonly NamedFile[]): { send: NamedFile[]; refused: Refused[] } {
  const send: NamedFile[] = [];
  const refused: Refused[] = [];
  for (const named of files) {
    if (LITTER.test(named.path)) continue;
    if (!READABLE.test(named.path)) refused.push({ path: named.path, reason: "Not a JPEG, PNG, WebP or TIFF image." });
    else if (named.file.size === 0) refused.push({ path: named.path, reason: "The file is empty." });
    else send.push(named);
  }
  return { send, refused };
}

/** Cuts a list into batches that respect both limits; a file larger than a batch travels alone. */
export function batches(files: readonly NamedFile[]): NamedFile[][] {
  const cut: NamedFile[][] = [];
  let current: NamedFile[] = [];
  let bytes = 0;
  for (const named of files) {
    if (current.length > 0 && (current.length >= BATCH_FILES || bytes + named.file.size > BATCH_BYTES)) {
      cut.push(current);
      current = [];
      bytes = 0;
    }
    current.push(named);
    bytes += named.file.size;
  }
  if (current.length > 0) cut.push(current);
  return cut;
}

const NOTHING: UploadState = {
  total: 0,
  totalBytes: 0,
  sentBytes: 0,
  accepted: 0,
  duplicates: 0,
  refused: [],
  unsent: [],
  phase: "done",
};

/** The uploads of one project; files may be added while others are on their way. */
export class Uploads {
  readonly state = signal<UploadState>(NOTHING);
  #queue: NamedFile[][] = [];
  #lanes = 0;
  readonly #underWay = new Map<readonly NamedFile[], number>();
  #finishedBytes = 0;
  #cancelled = false;

  constructor(
    readonly projectId: string,
    readonly post: Post = postFiles,
  ) {}

  add(files: readonly NamedFile[]): void {
    const { send, refused } = sortFiles(files);
    if (this.state.value.phase === "done" && this.state.value.unsent.length === 0) this.#reset();
    const before = this.state.value;
    this.#change({
      total: before.total + send.length + refused.length,
      totalBytes: before.totalBytes + send.reduce((sum, { file }) => sum + file.size, 0),
      refused: [...before.refused, ...refused],
    });
    this.#queue.push(...batches(send));
    this.#start();
  }

  /** Tries the unsent files once more. */
  retry(): void {
    const again = this.state.value.unsent;
    this.#change({ unsent: [] });
    this.#queue.push(...batches(again));
    this.#start();
  }

  /** Stops sending; what has arrived stays in the project, the rest is listed as unsent. */
  cancel(): void {
    this.#cancelled = true;
    this.#change({ unsent: [...this.state.value.unsent, ...this.#queue.flat()] });
    this.#queue = [];
  }

  /** Forgets what was done, so that the panel disappears. */
  dismiss(): void {
    if (this.state.value.phase === "done") this.#reset();
  }

  #reset(): void {
    this.#finishedBytes = 0;
    this.state.value = NOTHING;
  }

  #start(): void {
    this.#cancelled = false;
    while (this.#lanes < LANES && this.#lanes < this.#queue.length) {
      this.#lanes++;
      this.#change({ phase: "sending" });
      void this.#work().finally(() => {
        this.#lanes--;
        if (this.#lanes === 0) this.#change({ phase: "done" });
      });
    }
  }

  async #work(): Promise<void> {
    for (let batch = this.#queue.shift(); batch; batch = this.#queue.shift()) await this.#send(batch);
  }

  async #send(batch: readonly NamedFile[]): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      try {
        this.#take(batch, await this.post(this.projectId, batch, (bytes) => this.#progress(batch, bytes)));
        return;
      } catch (cause) {
        this.#underWay.delete(batch);
        if (!(cause instanceof ApiError)) throw cause;
        if (cause.status === 401 || cause.status === 0) await this.#untilBack();
        else if (!cause.passing) return this.#refuse(batch, cause);
        else await new Promise((done) => setTimeout(done, PAUSE_MS * attempt));
        if (this.#cancelled || (attempt >= ATTEMPTS && cause.status !== 401)) {
          this.#change({ unsent: [...this.state.value.unsent, ...batch] });
          return;
        }
      }
    }
  }

  /** One bad file must not take the others with it: they are sent again one by one. */
  #refuse(batch: readonly NamedFile[], cause: ApiError): void {
    const [only] = batch;
    if (batch.length === 1 && only)
      this.#change({ refused: [...this.state.value.refused, { path: only.path, reason: cause.detail }] });
    else this.#queue.unshift(...batch.map((named) => [named]));
  }

  async #untilBack(): Promise<void> {
    this.#change({ phase: "held" });
    await new Promise<void>((back) => {
      const timer = setTimeout(done, 20_000);
      let stop: (() => void) | undefined;
      function done(): void {
        clearTimeout(timer);
        stop?.();
        back();
      }
      stop = effect(() => {
        if (reachable.value && signedIn.value) queueMicrotask(done);
      });
    });
    this.#change({ phase: "sending" });
  }

  #take(batch: readonly NamedFile[], reply: UploadReply): void {
    this.#underWay.delete(batch);
    this.#finishedBytes += batch.reduce((sum, { file }) => sum + file.size, 0);
    const before = this.state.value;
    this.#change({
      accepted: before.accepted + reply.accepted.length,
      duplicates: before.duplicates + (reply.duplicates?.length ?? 0),
      refused: [...before.refused, ...reply.refused.map(({ file_name, reason }) => ({ path: file_name, reason }))],
    });
    this.#progress(batch, 0);
    this.#underWay.delete(batch);
  }

  #progress(batch: readonly NamedFile[], bytes: number): void {
    this.#underWay.set(batch, bytes);
    const running = [...this.#underWay.values()].reduce((sum, part) => sum + part, 0);
    this.#change({ sentBytes: this.#finishedBytes + running });
  }

  #change(parts: Partial<UploadState>): void {
    this.state.value = { ...this.state.value, ...parts };
  }
}

/** XMLHttpRequest, because fetch does not tell how much of a body has been sent. */
const postFiles: Post = (projectId, files, progress) =>
  new Promise((resolve, reject) => {
    const form = new FormData();
    for (const { path, file } of files) form.append("files", file, path);
    const request = new XMLHttpRequest();
    request.open("POST", address(`/api/projects/${encodeURIComponent(projectId)}/images`));
    request.upload.onprogress = (event) => progress(event.loaded);
    request.onload = () => {
      reachable.value = true;
      if (request.status === 401) signedIn.value = false;
      if (request.status < 300) resolve(JSON.parse(request.responseText) as UploadReply);
      else reject(errorFrom(request.status, request.responseText));
    };
    request.onerror = () => {
      reachable.value = false;
      reject(new ApiError(0, "unreachable", "The server does not answer."));
    };
    request.send(form);
  });

const byProject = new Map<string, Uploads>();

/** The uploads of a project; they go on while other pages show. */
export function uploadsOf(projectId: string): Uploads {
  let uploads = byProject.get(projectId);
  if (!uploads) {
    uploads = new Uploads(projectId);
    byProject.set(projectId, uploads);
  }
  return uploads;
}

/** Lets the browser ask before it closes a page that still sends files: those have no other copy here. */
export function guardUploads(page: Window): void {
  page.addEventListener("beforeunload", (event) => {
    if ([...byProject.values()].some((uploads) => uploads.state.value.phase !== "done")) event.preventDefault();
  });
}
