/** A small line chart, drawn as SVG: axes with round numbers, names at the lines' ends, intervals as bands. */
import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { across, bandPath, type CurvePoint, down, type Frame, linePath, type Range, rangeOf, ticksOf } from "./curves";
import { maskHex } from "./palette";

export interface Line {
  name: string;
  points: readonly CurvePoint[];
  /** Index into the twelve mask colours. */
  colour: number;
  /** Few measured points: each gets a dot. */
  dots?: boolean;
  /** The raw values behind a smoothed line of the same name: thin, and not in the legend. */
  faint?: boolean;
}

interface ChartProps {
  title: string;
  lines: readonly Line[];
  /** What stands at the ticks. */
  x: (value: number) => string;
  y: (value: number) => string;
  /** Said instead of a picture when there is nothing to draw yet. */
  empty: string;
  /** Whole numbers along x, such as rounds: a tick each. */
  whole?: boolean;
  height?: number;
  testId?: string;
}

const EDGE = 24;
const MARGIN = { left: 46, right: 12, top: 10, bottom: 22 };

export function Chart({ title, lines, x, y, empty, whole, height = 168, testId }: ChartProps) {
  const { element, width } = useWidth();
  const points = lines.flatMap((line) => line.points);
  const drawn = points.length > 0;
  const frame = {
    left: MARGIN.left,
    top: MARGIN.top,
    width: Math.max(1, width - MARGIN.left - MARGIN.right),
    height: height - MARGIN.top - MARGIN.bottom,
  };
  return (
    <figure class="chart" data-testid={testId} data-points={points.length}>
      <figcaption>
        <h3>{title}</h3>
        <Legend lines={lines} />
      </figcaption>
      <div ref={element} style={{ minHeight: `${height}px` }}>
        {drawn ? (
          <svg width={width} height={height} role="img" aria-label={`${title}: ${told(lines, y)}`}>
            <Drawing {...{ lines, frame, x, y }} whole={whole ?? false} />
          </svg>
        ) : (
          <p class="quiet-text nothing">{empty}</p>
        )}
      </div>
    </figure>
  );
}

/** The newest value of each line, for those who do not see the picture. */
function told(lines: readonly Line[], y: (value: number) => string): string {
  return lines
    .filter((line) => !line.faint)
    .flatMap(({ name, points }) => {
      const last = points.at(-1);
      return last ? [`${name} ${y(last.y)}`] : [];
    })
    .join(", ");
}

function Legend({ lines }: { lines: readonly Line[] }) {
  const named = lines.filter((line) => !line.faint && line.points.length > 0);
  if (named.length < 2) return null;
  return (
    <ul class="legend">
      {named.map(({ name, colour }) => (
        <li key={name}>
          <span class="swatch" style={{ background: maskHex(colour) }} />
          {name}
        </li>
      ))}
    </ul>
  );
}

interface DrawingProps {
  lines: readonly Line[];
  frame: Frame;
  x: (value: number) => string;
  y: (value: number) => string;
  whole: boolean;
}

function Drawing({ lines, frame, x, y, whole }: DrawingProps) {
  const points = lines.flatMap((line) => line.points);
  const ys = rangeOf(points.flatMap((point) => [point.y, point.low ?? point.y, point.high ?? point.y]));
  const xs = wide(points.map((point) => point.x));
  return (
    <>
      {ticksOf(ys).map((value) => (
        <g key={value}>
          <line
            class="grid"
            x1={frame.left}
            x2={frame.left + frame.width}
            y1={down(value, ys, frame)}
            y2={down(value, ys, frame)}
          />
          <text x={frame.left - 8} y={down(value, ys, frame) + 4} text-anchor="end">
            {y(value)}
          </text>
        </g>
      ))}
      {ticksOf(xs, Math.max(2, Math.floor(frame.width / 90)))
        .filter((value) => !whole || Number.isInteger(value))
        .map((value) => (
          <text
            key={value}
            x={across(value, xs, frame)}
            y={frame.top + frame.height + 17}
            text-anchor={anchorOf(across(value, xs, frame), frame)}
          >
            {x(value)}
          </text>
        ))}
      {lines.map((line) => (
        <Curve key={`${line.name}${line.faint ? " raw" : ""}`} line={line} xs={xs} ys={ys} frame={frame} y={y} x={x} />
      ))}
    </>
  );
}

/** What stands near an edge grows away from it, so that nothing is cut off. */
function anchorOf(x: number, { left, width }: Frame): "start" | "middle" | "end" {
  if (x > left + width - EDGE) return "end";
  return x < left + EDGE ? "start" : "middle";
}

/** A single x in the middle instead of at the edge. */
function wide(values: readonly number[]): Range {
  const [from, to] = [Math.min(...values), Math.max(...values)];
  return from < to ? { from, to } : { from: from - 0.5, to: to + 0.5 };
}

interface CurveProps extends Omit<DrawingProps, "lines" | "whole"> {
  line: Line;
  xs: Range;
  ys: Range;
}

function Curve({ line, xs, ys, frame, x, y }: CurveProps) {
  const colour = maskHex(line.colour);
  const band = bandPath(line.points, xs, ys, frame);
  return (
    <g style={{ color: colour }}>
      {band && <path class="band" d={band} />}
      <path class={line.faint ? "line faint" : "line"} d={linePath(line.points, xs, ys, frame)} />
      {line.dots &&
        line.points.map((point) => (
          <circle key={point.x} cx={across(point.x, xs, frame)} cy={down(point.y, ys, frame)} r={3.5}>
            <title>{`${line.name}, ${x(point.x)}: ${y(point.y)}${between(point, y)}`}</title>
          </circle>
        ))}
    </g>
  );
}

function between({ low, high }: CurvePoint, y: (value: number) => string): string {
  return low === undefined || high === undefined ? "" : ` (${y(low)} to ${y(high)})`;
}

/** The width that the page leaves, in CSS pixels, so that lines and letters are never stretched. */
function useWidth() {
  const element = useRef<HTMLDivElement>(null);
  const width = useSignal(320);
  useEffect(() => {
    const observer = new ResizeObserver(([entry]) => {
      if (entry) width.value = Math.max(160, Math.floor(entry.contentRect.width));
    });
    if (element.current) observer.observe(element.current);
    return () => observer.disconnect();
  }, [width]);
  return { element, width: width.value };
}
