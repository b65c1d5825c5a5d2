/** The images of a project as far as they were scrolled to, kept fresh by events without loading everything again. */
import { signal } from "@preact/signals";
import { api, type Image } from "../../data/api";
import type { ProjectEvent } from "../../data/events";
import { errorOf } from "../../data/http";

export const FILTERS = ["", "empty", "annotated", "complete", "queued", "failed"] as const;
export type Filter = (typeof FILTERS)[number];

const PAGE = 100;
/** Events come in bursts while a folder is prepared: the list is asked for at most this often. */
const REFRESH_MS = 800;

interface Page {
  after: string | null;
  images: Image[];
  next: string | null;
}

export class ImageList {
  readonly images = signal<readonly Image[] | undefined>(undefined);
  readonly total = signal(0);
  readonly error = signal<Error | undefined>(undefined);
  readonly loading = signal(false);
  #pages: Page[] = [];
  #turn = 0;
  readonly #dirty = new Set<string>();
  #allDirty = false;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(
    readonly projectId: string,
    readonly filter: Filter,
  ) {}

  get more(): boolean {
    const last = this.#pages.at(-1);
    return !last || last.next !== null;
  }

  stop(): void {
    this.#turn++;
    clearTimeout(this.#timer);
  }

  /** Loads the next page; calls while one is on its way do nothing. */
  async loadMore(): Promise<void> {
    if (this.loading.value || !this.more) return;
    await this.#guarded(async (mine) => {
      const page = await this.#fetch(this.#pages.at(-1)?.next ?? null);
      if (mine()) this.#pages.push(page);
    });
  }

  /** Loads again, soon: the pages that hold these images, or all that are shown. */
  refreshSoon(imageIds?: readonly string[]): void {
    if (imageIds) for (const id of imageIds) this.#dirty.add(id);
    else this.#allDirty = true;
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      void this.#refreshDirty();
    }, REFRESH_MS);
  }

  /** Loads all shown pages again. */
  async refresh(): Promise<void> {
    if (this.loading.value) {
      this.refreshSoon();
      return;
    }
    this.#allDirty = false;
    this.#dirty.clear();
    await this.#guarded(async (mine) => {
      const fresh: Page[] = [];
      const wanted = Math.max(1, this.#pages.length);
      for (let after: string | null = null; fresh.length < wanted; ) {
        const page: Page = await this.#fetch(after);
        fresh.push(page);
        after = page.next;
        if (after === null) break;
      }
      if (mine()) this.#pages = fresh;
    });
  }

  /** Takes what an event says into account; returns whether it was about images at all. */
  take({ kind, subjectId, payload }: ProjectEvent): boolean {
    const [noun] = kind.split(".");
    if (noun !== "image" && noun !== "embedding" && noun !== "annotation") return false;
    this.refreshSoon([noun === "annotation" ? String(payload.image_id) : subjectId]);
    return true;
  }

  /** Without a filter an image keeps its page, so only the pages that changed need be asked for. */
  async #refreshDirty(): Promise<void> {
    if (this.#allDirty || this.filter || this.#pages.length === 0) return this.refresh();
    if (this.loading.value) return this.refreshSoon([]);
    const dirty = new Set(this.#dirty);
    this.#dirty.clear();
    const known = new Set(this.#pages.flatMap((page) => page.images.map(({ id }) => id)));
    const added = [...dirty].some((id) => !known.has(id));
    const stale = this.#pages.map((page, index) => {
      const isLast = index === this.#pages.length - 1;
      return page.images.some(({ id }) => dirty.has(id)) || (isLast && added && page.next === null);
    });
    await this.#guarded(async (mine) => {
      const fresh = [...this.#pages];
      for (const [index, page] of this.#pages.entries()) {
        if (stale[index]) fresh[index] = await this.#fetch(page.after);
      }
      if (mine()) this.#pages = fresh;
    });
  }

  async #fetch(after: string | null): Promise<Page> {
    const { images, next, total } = await api.listImages(this.projectId, {
      after,
      limit: PAGE,
      ...(this.filter && { state: this.filter }),
    });
    this.total.value = total;
    return { after, images, next };
  }

  async #guarded(work: (mine: () => boolean) => Promise<void>): Promise<void> {
    const turn = this.#turn;
    this.loading.value = true;
    try {
      await work(() => turn === this.#turn);
      this.error.value = undefined;
    } catch (cause) {
      this.error.value = errorOf(cause);
      this.#allDirty = true; // what was asked for is still missing: the next refresh asks for everything
    } finally {
      this.loading.value = false;
    }
    if (turn === this.#turn && this.#pages.length > 0) this.images.value = this.#pages.flatMap((page) => page.images);
  }
}
