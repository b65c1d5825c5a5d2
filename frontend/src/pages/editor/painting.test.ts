import { beforeEach, describe, expect, it } from "vitest";
import { annotationRecord } from "../../core/document.test-kit";
import type { Size } from "../../core/geometry";
import { Painting } from "./painting";

const SIZE: Size = [4, 5];
const base = annotationRecord("a");
const at = (x: number, y: number) => ({ x: x + 0.5, y: y + 0.5 });

let painting: Painting;

/** One stroke over one pixel. */
function dab(x: number, y: number, value = true, on: typeof base | null = base): void {
  painting.begin(on, SIZE);
  painting.stroke(at(x, y), at(x, y), value);
  painting.end();
}

beforeEach(() => {
  painting = new Painting();
  painting.choose(1);
});

describe("painting on a mask", () => {
  it("changes its pixels, stroke by stroke", () => {
    dab(4, 3);
    dab(4, 2);
    const finished = painting.finish();
    expect(finished).toMatchObject({ base, brushEdits: 2, size: SIZE, area: base.area + 2 });
    expect(finished?.id).not.toBe(base.id);
    expect(painting.mask.value).toBeNull();
  });

  it("counts no stroke that changes nothing", () => {
    dab(4, 3, false);
    expect(painting.mask.value).toBeNull();
    dab(4, 3);
    dab(4, 3);
    expect(painting.strokes.value).toBe(1);
    painting.undo();
    expect(painting.finish()).toBeNull();
  });

  it("goes back and forth by strokes", () => {
    dab(4, 3);
    const once = painting.mask.value?.runs;
    dab(4, 2);
    const twice = painting.mask.value?.runs;
    expect(painting.undo()).toBe(true);
    expect(painting.mask.value?.runs).toBe(once);
    expect(painting.redo()).toBe(true);
    expect(painting.mask.value?.runs).toBe(twice);
    expect(painting.redo()).toBe(false);
    painting.undo();
    painting.undo();
    expect(painting.mask.value?.runs).toBe(base.runs);
    expect(painting.undo()).toBe(false);
  });

  it("takes a broken stroke back whole", () => {
    dab(4, 3);
    const before = painting.mask.value;
    painting.begin(base, SIZE);
    painting.stroke(at(0, 0), at(4, 0), true);
    painting.cancel();
    painting.stroke(at(0, 0), at(4, 0), true);
    expect(painting.mask.value).toBe(before);
  });

  it("leaves no mask without pixels, and the strokes as they are", () => {
    painting.choose(40);
    dab(2, 2, false);
    expect(() => painting.finish()).toThrow("no pixel");
    expect(painting.strokes.value).toBe(1);
  });
});

describe("painting on nothing", () => {
  it("makes a mask, and gives discarded strokes back", () => {
    dab(1, 1, true, null);
    const discarded = painting.discard();
    expect(painting.strokes.value).toBe(0);
    if (discarded) painting.resume(discarded);
    expect(painting.finish()).toMatchObject({ base: null, area: 1, box: [1, 1, 1, 1], brushEdits: 1 });
  });

  it("has a brush that suits the picture until somebody chooses one", () => {
    const fresh = new Painting();
    expect(fresh.diameter([1000, 2000])).toBe(40);
    fresh.resize(1, [1000, 2000]);
    expect(fresh.diameter([10, 10])).toBe(50);
  });
});
