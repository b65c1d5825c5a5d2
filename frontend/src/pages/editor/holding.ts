/** Who works on the open image. This page takes it and keeps the lease alive; somebody else's lease is respected, not enforced. */
import { signal } from "@preact/signals";
import { ApiError, type Assignment, api } from "../../data/api";

/** The server's lease lasts three times as long. */
const RENEW_MS = 60_000;

export type Holder = NonNullable<Assignment["holder"]>;

export class Holding {
  /** Somebody else who works on the open image. */
  readonly other = signal<Holder | null>(null);
  private imageId: string | null = null;
  private readonly timer: ReturnType<typeof setInterval>;
  private readonly controller = new AbortController();

  constructor() {
    this.timer = setInterval(() => this.renew(), RENEW_MS);
    const { signal } = this.controller;
    globalThis.document?.addEventListener("visibilitychange", () => this.renew(), { signal });
    globalThis.addEventListener?.("pagehide", () => this.release(true), { signal });
  }

  dispose(): void {
    clearInterval(this.timer);
    this.controller.abort();
    this.release();
  }

  /** Takes an image, after giving the one before back. */
  async open(imageId: string): Promise<void> {
    if (imageId !== this.imageId) this.release();
    this.imageId = imageId;
    await this.take(false);
  }

  /** Works on the image all the same; the other person is told. */
  takeOver(): Promise<void> {
    return this.take(true);
  }

  /** The server says that an image has another holder, or none. */
  heard(imageId: string, holderId: string | null, myId: string | undefined): void {
    if (imageId !== this.imageId || holderId === myId) return;
    if (holderId === null) {
      if (this.other.peek()) void this.take(false);
    } else if (holderId !== this.other.peek()?.actor_id) void this.look(imageId);
  }

  /** Gives the image back; `keepalive` for a page that is going away. Nobody waits for it: the lease would run out. */
  release(keepalive = false): void {
    const { imageId } = this;
    this.imageId = null;
    const mine = this.other.peek() === null;
    this.other.value = null;
    if (imageId && mine) api.releaseImage(imageId, keepalive).catch(() => undefined);
  }

  private renew(): void {
    if (this.imageId && !this.other.peek() && globalThis.document?.visibilityState !== "hidden") void this.take(false);
  }

  private async take(takeOver: boolean): Promise<void> {
    const { imageId } = this;
    if (!imageId) return;
    try {
      await api.takeImage(imageId, takeOver);
      if (imageId === this.imageId) this.other.value = null;
    } catch (error) {
      // Without a lease one can work all the same: no connection, or an image that is not read yet, is no news here.
      if (error instanceof ApiError && error.code === "held") await this.look(imageId);
    }
  }

  private async look(imageId: string): Promise<void> {
    const now = await api.assignment(imageId).catch(() => null);
    if (now && imageId === this.imageId) this.other.value = now.mine ? null : now.holder;
  }
}
