/** What stands at the side while pixels are painted: the size of the brush, and what to do with the strokes. */
import { LARGEST_BRUSH, SMALLEST_BRUSH } from "../../core/brush";
import { count } from "../../ui/words";
import { Decide } from "./decide";
import type { Editor } from "./editor";

/** The slider goes by powers, so that small sizes are as easy to find as large ones. */
const STEPS = 100;

export function Brush({ editor }: { editor: Editor }) {
  const size = editor.picture.value?.size ?? [1, 1];
  const strokes = editor.painting.strokes.value;
  const diameter = editor.painting.diameter(size);
  return (
    <section class="editor-section editor-candidates" aria-label="Brush">
      <h2>{editor.tool.value === "eraser" ? "Eraser" : "Brush"}</h2>
      <label class="editor-size">
        <span>Size</span>
        <input
          type="range"
          min={0}
          max={STEPS}
          value={Math.round(STEPS * (Math.log(diameter / SMALLEST_BRUSH) / Math.log(LARGEST_BRUSH / SMALLEST_BRUSH)))}
          aria-valuetext={count(diameter, "pixel")}
          data-testid="brush-size"
          onInput={(event) => editor.painting.choose(sizeAt(event.currentTarget.valueAsNumber))}
        />
        <output>{diameter} px</output>
      </label>
      <p class="quiet-text">{words(editor, strokes)}</p>
      {strokes > 0 && <Decide editor={editor} accept="Save" />}
    </section>
  );
}

function words({ painting, editing }: Editor, strokes: number): string {
  const base = painting.mask.value?.base ?? null;
  if (strokes > 0) return `${count(strokes, "stroke")} ${base ? "on the mask" : "of a new mask"}, not saved yet.`;
  return editing.selected.value ? "Strokes change the selected mask." : "Nothing is selected: strokes make a new mask.";
}

function sizeAt(step: number): number {
  return Math.round(SMALLEST_BRUSH * (LARGEST_BRUSH / SMALLEST_BRUSH) ** (step / STEPS));
}
