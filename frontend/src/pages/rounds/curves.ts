/** The live curve of a training as lines of a chart. Pure. */
import { type CurvePoint, smoothed, thinned } from "../../ui/curves";

/** A line of the training's log: the step, and whatever was measured then. */
export type Measured = Readonly<Record<string, unknown>>;

const SPAN = 8;
const MOST = 160;

/** Measured values of one name over the steps; measurements that lack it are passed over. */
export function series(curve: readonly Measured[], name: string): CurvePoint[] {
  return curve.flatMap((point) => {
    const [x, y] = [point.step, point[name]];
    return typeof x === "number" && typeof y === "number" && Number.isFinite(y) ? [{ x, y }] : [];
  });
}

/** The loss as measured, and calmed so that one sees where it goes. */
export function lossLines(curve: readonly Measured[]): [raw: readonly CurvePoint[], calm: readonly CurvePoint[]] {
  const raw = thinned(series(curve, "loss"), MOST);
  return [raw, smoothed(raw, SPAN)];
}

interface Judged {
  number: number;
  figures: Readonly<Record<string, unknown>>;
}

/** Held-out overlap after some clicks by round: of each round's candidate, with its interval where there is one. */
export function heldOut(rounds: readonly Judged[], clicks: number): CurvePoint[] {
  return [...rounds]
    .sort((one, other) => one.number - other.number)
    .flatMap(({ number, figures }) => {
      const candidate = inner(inner(figures, "held_out"), "candidate");
      const y = candidate[`miou@${clicks}`];
      if (typeof y !== "number") return [];
      const interval = candidate[`miou@${clicks}_ci`];
      const [low, high] = Array.isArray(interval) ? interval : [];
      const sure = typeof low === "number" && typeof high === "number";
      return [{ x: number, y, ...(sure && { low, high }) }];
    });
}

function inner(values: Readonly<Record<string, unknown>>, name: string): Readonly<Record<string, unknown>> {
  const found = values[name];
  return found && typeof found === "object" ? (found as Record<string, unknown>) : {};
}
