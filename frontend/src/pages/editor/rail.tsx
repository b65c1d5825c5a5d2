/** The tools at the left. */
import type { ToolName } from "../../tools/tool";
import { IconButton } from "../../ui/button";
import type { Editor } from "./editor";

const TOOLS: readonly (readonly [name: ToolName, label: string, shortcut: string])[] = [
  ["select", "Select", "V"],
  ["click", "Click", "C"],
  ["box", "Box", "R"],
  ["brush", "Brush", "B"],
  ["eraser", "Eraser", "E"],
];

export function Rail({ editor }: { editor: Editor }) {
  const { history } = editor.editing.document.value;
  const draft = editor.prompting.draft.value;
  const painted = editor.painting.mask.value;
  return (
    <section class="editor-rail" aria-label="Tools">
      {TOOLS.map(([name, label, shortcut]) => (
        <IconButton
          key={name}
          icon={name}
          label={label}
          shortcut={shortcut}
          pressed={editor.tool.value === name}
          testId={`tool-${name}`}
          onClick={() => editor.useTool(name)}
        />
      ))}
      <hr />
      <IconButton
        icon="undo"
        label="Undo"
        shortcut="Ctrl+Z"
        testId="undo"
        disabled={!painted?.done.length && !draft?.steps.length && history.done.length === 0}
        onClick={() => editor.undo()}
      />
      <IconButton
        icon="redo"
        label="Redo"
        shortcut="Ctrl+Shift+Z"
        testId="redo"
        disabled={!painted?.undone.length && !draft?.undone.length && history.undone.length === 0}
        onClick={() => editor.redo()}
      />
      <span class="editor-space" />
      <IconButton
        icon="zoomIn"
        label="Zoom in"
        shortcut="+"
        onClick={() => editor.sight.zoomBy(1.25)}
        testId="zoom-in"
      />
      <IconButton
        icon="zoomOut"
        label="Zoom out"
        shortcut="-"
        onClick={() => editor.sight.zoomBy(0.8)}
        testId="zoom-out"
      />
      <IconButton icon="fit" label="Fit the image" shortcut="F" onClick={() => editor.sight.fit()} testId="fit" />
    </section>
  );
}
