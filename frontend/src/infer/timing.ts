/** User Timing entries of the editor, for anybody who measures it (benchmarks/browser_decode.py reads them). */
import type { Decoded } from "./protocol";

/** More entries than this are of no use and only take memory. */
const MOST = 1000;

/** How long the decoder worked; `detail` is the maker: which version, by which files. Gives the answer back. */
export function measureDecode(kind: "decode" | "preview", decoded: Decoded): Decoded {
  const end = performance.now();
  measure(`maskmill:${kind}`, end - decoded.milliseconds, end, { ...decoded.maker });
  return decoded;
}

export function measure(name: string, start: number, end: number, detail?: object): void {
  if (performance.getEntriesByName(name).length >= MOST) performance.clearMeasures(name);
  performance.measure(name, { start: Math.max(0, start), end: Math.max(start, end), detail });
}
