/** Which cells of a long grid have to exist, so that ten thousand images cost no more than a hundred. */
import { type Signal, useSignal } from "@preact/signals";
import type { RefObject } from "preact";
import { useEffect } from "preact/hooks";

export interface GridShape {
  columns: number;
  /** Height of a row with the gap below it, in CSS px. */
  rowHeight: number;
}

export interface Range {
  /** First cell and the one after the last; both at row borders, except at the very end. */
  first: number;
  end: number;
  /** Heights that stand in for the rows left out, in CSS px. */
  above: number;
  below: number;
}

/** Before anything could be measured this many cells are drawn. */
const UNMEASURED = 48;

/**
 * The range of `count` cells that lies within `margin` px of the view.
 * `top` is where the grid's first row starts, relative to the view (negative when scrolled past it).
 */
export function rangeOf(shape: GridShape | undefined, count: number, top: number, view: number, margin: number): Range {
  if (!shape || shape.rowHeight <= 0) return { first: 0, end: Math.min(count, UNMEASURED), above: 0, below: 0 };
  const { columns, rowHeight } = shape;
  const rows = Math.ceil(count / columns);
  const firstRow = clamp(Math.floor((-top - margin) / rowHeight), 0, Math.max(0, rows - 1));
  const endRow = clamp(Math.ceil((view - top + margin) / rowHeight), Math.min(rows, firstRow + 1), rows);
  return {
    first: firstRow * columns,
    end: Math.min(count, endRow * columns),
    above: firstRow * rowHeight,
    below: (rows - endRow) * rowHeight,
  };
}

function clamp(value: number, least: number, most: number): number {
  return Math.max(least, Math.min(most, value));
}

/** Follows scrolling and resizing; the signal changes only when other rows come into reach. */
export function useWindow(grid: RefObject<HTMLElement | null>, count: number): Signal<Range> {
  const range = useSignal<Range>(rangeOf(undefined, count, 0, 0, 0));
  useEffect(() => {
    let asked = 0;
    const look = () => {
      asked = 0;
      const element = grid.current;
      if (!element) return;
      const view = window.innerHeight;
      const next = rangeOf(shapeOf(element), count, element.getBoundingClientRect().top, view, view);
      if (!same(next, range.value)) range.value = next;
    };
    const soon = () => {
      asked ||= requestAnimationFrame(look);
    };
    look();
    window.addEventListener("scroll", soon, { passive: true });
    window.addEventListener("resize", soon);
    return () => {
      cancelAnimationFrame(asked);
      window.removeEventListener("scroll", soon);
      window.removeEventListener("resize", soon);
    };
  }, [grid, count, range]);
  return range;
}

/** Measured from the first cell that is drawn: all cells are equally high. */
export function shapeOf(grid: HTMLElement): GridShape | undefined {
  const cell = grid.firstElementChild;
  if (!cell) return undefined;
  const style = getComputedStyle(grid);
  const columns = style.gridTemplateColumns.split(" ").length;
  return { columns, rowHeight: cell.getBoundingClientRect().height + (Number.parseFloat(style.rowGap) || 0) };
}

function same(one: Range, other: Range): boolean {
  return one.first === other.first && one.end === other.end && one.above === other.above && one.below === other.below;
}
