/** Going through the masks of an image: which are listed and in what order, and the decisions about proposals. */
import { batch, computed, type ReadonlySignal, signal } from "@preact/signals";
import type { AnnotationRecord } from "../../core/document";
import type { Editing } from "./editing";

export type Order = "newest" | "area" | "score";
export type Filter = "all" | "proposed" | "confident" | "accepted" | "flagged";

const ORDERS: Readonly<Record<Order, (one: AnnotationRecord, other: AnnotationRecord) => number>> = {
  newest: () => 0,
  area: (one, other) => other.area - one.area,
  score: (one, other) => (other.predictedIou ?? 0) - (one.predictedIou ?? 0),
};

/** What a flag says until somebody says it better. */
export const FLAGGED = "Needs another look";

export class Review {
  readonly order = signal<Order>("newest");
  readonly filter = signal<Filter>("all");
  /** Ids of the proposals that the project's limits call confident. */
  readonly confident = signal<ReadonlySet<string>>(new Set());
  /** The masks that are listed and painted, in the order of the list. */
  readonly listed: ReadonlySignal<readonly AnnotationRecord[]> = computed(() =>
    this.editing.records.value.filter((record) => this.passes(record)).sort(ORDERS[this.order.value]),
  );
  /** All proposals that nobody has decided about. */
  readonly proposals: ReadonlySignal<readonly AnnotationRecord[]> = computed(() =>
    this.editing.records.value.filter(({ state }) => state === "proposed"),
  );
  /** Those that may be accepted at once. */
  readonly sure: ReadonlySignal<readonly AnnotationRecord[]> = computed(() =>
    this.proposals.value.filter(({ id, flag }) => flag === null && this.confident.value.has(id)),
  );
  /** The proposal that a decision is about. */
  readonly current: ReadonlySignal<AnnotationRecord | null> = computed(() =>
    this.editing.selected.value?.state === "proposed" ? this.editing.selected.value : null,
  );

  /** `reveal` brings a mask into sight that was not picked by pointing at it. */
  constructor(
    private readonly editing: Editing,
    private readonly reveal: (record: AnnotationRecord) => void = () => undefined,
  ) {}

  /** Another image: all its masks are listed, and which of them are confident is not known yet. */
  reset(): void {
    batch(() => {
      this.filter.value = "all";
      this.confident.value = new Set();
    });
  }

  /** Lists only masks of this kind; what is not listed is not selected either, so that no key decides about it unseen. */
  show(filter: Filter): void {
    this.filter.value = filter;
    const selected = this.editing.selected.peek();
    if (selected && !this.passes(selected)) this.editing.selectedId.value = null;
  }

  /** Selects the next proposal of the list, from the selected mask on and round; does nothing without one. */
  step(by: 1 | -1): void {
    const next = this.neighbour(by);
    if (next) this.select(next);
  }

  /** Accepts the selected proposal as it is, and goes on to the next. */
  accept(): void {
    this.decide((id) => this.editing.approve([id]));
  }

  /** Rejects the selected proposal, and goes on to the next. */
  reject(): void {
    this.decide((id) => this.editing.remove(id));
  }

  /** Accepts all confident proposals that nobody flagged, as one step; how many. */
  acceptSure(): number {
    const ids = this.sure.peek().map(({ id }) => id);
    this.editing.approve(ids);
    return ids.length;
  }

  /** Flags the selected mask, or takes its flag away. */
  toggleFlag(): void {
    const selected = this.editing.selected.peek();
    if (selected) this.editing.flag(selected.id, selected.flag === null ? FLAGGED : null);
  }

  private decide(how: (id: string) => void): void {
    const current = this.current.peek();
    if (!current) return;
    const next = this.neighbour(1);
    batch(() => {
      how(current.id);
      this.select(next?.id === current.id ? null : next);
    });
  }

  private select(record: AnnotationRecord | null): void {
    this.editing.selectedId.value = record?.id ?? null;
    if (record) this.reveal(record);
  }

  private neighbour(by: 1 | -1): AnnotationRecord | null {
    const listed = this.listed.peek();
    const at = listed.findIndex(({ id }) => id === this.editing.selectedId.peek());
    const start = at < 0 && by < 0 ? 0 : at;
    for (let step = 1; step <= listed.length; step += 1) {
      const record = listed[(start + by * step + 2 * listed.length) % listed.length];
      if (record?.state === "proposed") return record;
    }
    return null;
  }

  private passes({ id, state, flag }: AnnotationRecord): boolean {
    switch (this.filter.value) {
      case "all":
        return true;
      case "flagged":
        return flag !== null;
      case "confident":
        return state === "proposed" && this.confident.value.has(id);
      default:
        return state === this.filter.value;
    }
  }
}
