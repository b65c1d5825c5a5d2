/** The policy as a form: which fields there are, in the words of people, and how a field's text becomes its value. Pure. */

export interface NumberEntry {
  kind: "number";
  path: string;
  label: string;
  help?: string;
  least: number;
  most: number;
  step?: number;
  /** An empty field means null: "no rule", or as `empty` says. */
  optional?: boolean;
  empty?: string;
  /** Shown as percent, kept as a share. */
  share?: boolean;
}

export interface ChoiceEntry {
  kind: "choice";
  path: string;
  label: string;
  help?: string;
  options: readonly (readonly [value: string, words: string])[];
}

export interface SwitchEntry {
  kind: "switch";
  path: string;
  label: string;
  help?: string;
}

export type Entry = NumberEntry | ChoiceEntry | SwitchEntry;

export interface Section {
  title: string;
  help: string;
  entries: readonly Entry[];
}

const count = (path: string, label: string, part: Partial<NumberEntry> = {}): NumberEntry => ({
  kind: "number",
  path,
  label,
  least: 0,
  most: 1_000_000,
  step: 1,
  ...part,
});

const share = (path: string, label: string, part: Partial<NumberEntry> = {}): NumberEntry => ({
  kind: "number",
  path,
  label,
  least: 0,
  most: 100,
  share: true,
  ...part,
});

const stage = (name: string): NumberEntry[] => [
  count(`stages.${name}.masks`, "Masks made in the stage", { optional: true }),
  count(`stages.${name}.rounds`, "Promoted rounds", { optional: true }),
  share(`stages.${name}.acceptance`, "Proposals accepted, %", { optional: true }),
  share(`stages.${name}.audit`, "Last audit above 0.90 IoU, %", { optional: true }),
];

export const SECTIONS: readonly Section[] = [
  {
    title: "When a round starts by itself",
    help: "Left empty, rounds start only by hand.",
    entries: [
      count("trigger.every_masks", "After so many new masks", { optional: true, least: 1 }),
      count("trigger.schedule_hours", "Hours after the last round", { optional: true, least: 0.1, step: 0.1 }),
    ],
  },
  {
    title: "Training",
    help: "Every round starts from the active version.",
    entries: [
      {
        kind: "choice",
        path: "training.mode",
        label: "What learns",
        help: "When only the decoder learns, images need not be prepared again.",
        options: [
          ["auto", "What this machine can do"],
          ["decoder", "Only the decoder"],
          ["full", "The whole model"],
        ],
      },
      count("training.minutes", "Minutes", { least: 0.1, most: 100_000, step: 0.1 }),
      {
        kind: "choice",
        path: "training.sources",
        label: "Masks to learn from",
        options: [
          ["all", "By people and automatic"],
          ["human", "Only by people"],
          ["automatic", "Only automatic"],
        ],
      },
      count("training.human_weight", "Weight of a mask by people", {
        least: 0.01,
        most: 1000,
        step: 0.01,
        help: "Against 1 for an automatic one; the paper took 10.",
      }),
      share("training.held_out_share", "Images held out, %", {
        help: "Kept aside for ever, whole groups of images at a time.",
        least: 1,
        most: 90,
      }),
      { kind: "switch", path: "training.include_older", label: "Also masks that earlier rounds learned from" },
    ],
  },
  {
    title: "What a candidate must prove",
    help: "Compared with the active version on images that neither ever learned from.",
    entries: [
      count("gates.held_out_images", "Held-out images needed", { least: 1 }),
      count("gates.points", "Overlap it may lose, points", {
        step: 0.1,
        most: 100,
        help: "At the lower end of the 95 % interval, after 1, 3 and 5 clicks.",
      }),
      count("gates.clicks", "Clicks it may need more", { step: 0.1, most: 20 }),
      count("gates.slice_points", "Overlap a kind of objects may lose, points", { step: 0.1, most: 100 }),
      share("gates.mask_count", "Automatic masks more or fewer, %", { most: 10_000 }),
      {
        kind: "choice",
        path: "promotion",
        label: "Promotion of a candidate that passes",
        options: [
          ["manual", "Somebody decides"],
          ["automatic", "At once"],
        ],
      },
    ],
  },
  {
    title: "New automatic masks",
    help: "When another version begins to serve, in the semi-automatic and the fully automatic stage.",
    entries: [
      {
        kind: "switch",
        path: "proposals.by_itself",
        label: "Made by themselves on every image that is not complete",
      },
      count("proposals.points_per_side", "Points per side of the grid", {
        optional: true,
        least: 1,
        most: 128,
        empty: "as usual",
      }),
      count("proposals.min_box_score", "Least score of a detector's box", { step: 0.01, most: 1 }),
    ],
  },
  {
    title: "From assisted manual to semi-automatic",
    help: "What must be reached first. Left empty, it is not asked for.",
    entries: [
      {
        kind: "choice",
        path: "stages.advance",
        label: "When everything is reached",
        options: [
          ["manual", "Somebody advances the stage"],
          ["automatic", "The stage advances by itself"],
        ],
      },
      ...stage("assisted_manual"),
    ],
  },
  {
    title: "From semi-automatic to fully automatic",
    help: "What must be reached first. Left empty, it is not asked for.",
    entries: stage("semi_automatic"),
  },
];

export type Values = Readonly<Record<string, unknown>>;

/** The value at a dotted path. */
export function at(values: Values, path: string): unknown {
  return path.split(".").reduce<unknown>((inner, name) => (inner as Values | undefined)?.[name], values);
}

/** The same values with another one at a dotted path; what lies beside the path is shared. */
export function put<T extends Values>(values: T, path: string, value: unknown): T {
  const [name = "", ...rest] = path.split(".");
  const inner = rest.length > 0 ? put((values[name] ?? {}) as Values, rest.join("."), value) : value;
  return { ...values, [name]: inner };
}

/** What a number field shows. */
export function shownNumber({ share: isShare }: Pick<NumberEntry, "share">, value: unknown): number | null {
  if (typeof value !== "number") return null;
  return isShare ? Number((100 * value).toFixed(4)) : value;
}

/** What a number field's entry means; undefined when it cannot be kept. */
export function keptNumber(entry: NumberEntry, shown: number | null): number | null | undefined {
  if (shown === null) return entry.optional ? null : undefined;
  if (shown < entry.least || shown > entry.most) return undefined;
  if (entry.step === 1 && !Number.isInteger(shown)) return undefined;
  return entry.share ? Number((shown / 100).toFixed(6)) : shown;
}

/** Labels of the fields whose entries cannot be kept. */
export function wrongEntries(values: Values): string[] {
  return SECTIONS.flatMap(({ entries }) =>
    entries.flatMap((entry) => {
      if (entry.kind !== "number") return [];
      const value = at(values, entry.path);
      const shown = shownNumber(entry, value);
      return keptNumber(entry, shown) === undefined ? [entry.label] : [];
    }),
  );
}
