/** What lies around the open image: the project, its categories, its model version, and the row of its images. */
import { batch, computed, type ReadonlySignal, signal } from "@preact/signals";
import { api, type Category, type Image, type ModelVersion, type Project } from "../../data/api";

const PAGE = 500;

export class Workspace {
  readonly project = signal<Project | null>(null);
  readonly categories = signal<readonly Category[]>([]);
  /** The model version that answers for the open image; it stays until somebody adopts the newer one. */
  readonly version = signal<ModelVersion | null>(null);
  /** The project's active version, when that is another one by now. */
  readonly newer = signal<ModelVersion | null>(null);
  readonly images = signal<readonly Image[]>([]);
  /** How many images the project has; more than are listed while the list is still coming. */
  readonly total = signal(0);
  readonly completeCount: ReadonlySignal<number> = computed(
    () => this.images.value.filter((image) => image.complete).length,
  );

  /** The question for the active version that is under way, and the one that waits for it to end. */
  private asking: Promise<void> = Promise.resolve();
  private askingNext: Promise<void> | null = null;

  constructor(readonly projectId: string) {}

  /** Loads project, categories and version; throws ApiError. The list of images comes in the background. */
  async load(): Promise<void> {
    const [project, categories] = await Promise.all([api.project(this.projectId), api.categories(this.projectId)]);
    const version = project.active_version_id ? await api.modelVersion(project.active_version_id) : null;
    // Together: a project that shows without its version would look as if it had none.
    batch(() => {
      this.project.value = project;
      this.categories.value = categories;
      this.total.value = project.image_count;
      this.version.value = version;
      this.newer.value = null;
    });
  }

  /** Asks which version is active now. The one in use stays: two of them never answer for one mask. */
  lookForNewer(): Promise<void> {
    // One after the other, so that the last answer is the latest; and of many that wait one is enough.
    this.askingNext ??= this.asking
      .catch(() => undefined)
      .then(() => {
        this.askingNext = null;
        this.asking = this.askForNewer();
        return this.asking;
      });
    return this.askingNext;
  }

  private async askForNewer(): Promise<void> {
    const project = await api.project(this.projectId);
    const active = project.active_version_id;
    const other = active && active !== this.version.peek()?.id ? await api.modelVersion(active) : null;
    batch(() => {
      this.project.value = project;
      // It may have been adopted while the answers were under way.
      this.newer.value = other?.id === this.version.peek()?.id ? null : other;
    });
  }

  /** From now on the newer version answers. Only to be called while no mask is being made. */
  adoptNewer(): void {
    const newer = this.newer.peek();
    if (!newer) return;
    batch(() => {
      this.version.value = newer;
      this.newer.value = null;
    });
  }

  async loadImages(): Promise<void> {
    const listed: Image[] = [];
    let after: string | null = null;
    do {
      const page = await api.listImages(this.projectId, { after, limit: PAGE });
      listed.push(...page.images);
      after = page.next;
      this.total.value = page.total;
      if (listed.length >= this.images.peek().length) this.images.value = [...listed];
    } while (after);
    this.images.value = listed;
  }

  async loadCategories(): Promise<void> {
    this.categories.value = await api.categories(this.projectId);
  }

  /** Asks for the newer state of an image that is in the row. */
  async refresh(imageId: string): Promise<void> {
    if (!this.images.peek().some((image) => image.id === imageId)) return;
    const fresh = await api.image(imageId).catch(() => null);
    if (fresh) this.replace(fresh);
  }

  /** Puts a newer state of one image into the row. */
  replace(image: Image): void {
    this.images.value = this.images.peek().map((other) => (other.id === image.id ? image : other));
  }

  /** The image `by` places further; null at either end. */
  neighbour(imageId: string, by: number): Image | null {
    const images = this.images.peek();
    const index = images.findIndex((image) => image.id === imageId);
    return index < 0 ? null : (images[index + by] ?? null);
  }

  /** The next image that is ready and not complete, going round; null when there is none. */
  nextOpen(imageId: string): Image | null {
    const images = this.images.peek();
    const index = images.findIndex((image) => image.id === imageId);
    const order = [...images.slice(index + 1), ...images.slice(0, Math.max(index, 0))];
    return order.find((image) => !image.complete && image.state !== "failed" && image.state !== "erased") ?? null;
  }

  categoryOf(id: string | null): Category | null {
    return this.categories.value.find((category) => category.id === id) ?? null;
  }
}
