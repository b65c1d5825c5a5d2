/** What the canvas has to say: one line of hint, and the truth when clicks cannot be answered yet. */
import { useSignal, useSignalEffect } from "@preact/signals";
import { isBrush } from "../../tools/tool";
import { Button } from "../../ui/button";
import { Icon } from "../../ui/icon";
import type { Editor } from "./editor";

/** A thin line after this time without an answer, words after the longer one. */
const LINE_MS = 300;
const WORDS_MS = 2_000;

export function Status({ editor }: { editor: Editor }) {
  const ready = editor.engine.state.value;
  const { trouble } = editor;
  if (trouble.value) return <Trouble editor={editor} words={trouble.value} />;
  const image = editor.image.value;
  if (image?.state === "failed") {
    return <Problem words={`This image could not be read: ${image.failure ?? "no reason was given"}`} />;
  }
  if (editor.workspace.project.value && !editor.workspace.version.value) {
    return <Problem words="This project has no active model version, so clicks cannot make masks." />;
  }
  if (ready.kind === "mismatch" || ready.kind === "failed") return <Trouble editor={editor} words={ready.words} />;
  return <Hint editor={editor} waiting={ready.words} />;
}

function Trouble({ editor, words }: { editor: Editor; words: string }) {
  return (
    <div class="editor-status negative" role="alert" data-testid="editor-trouble">
      <Icon name="warning" />
      <span>{words}</span>
      <Button small icon="retry" onClick={() => void editor.retry()} testId="retry">
        Try again
      </Button>
    </div>
  );
}

function Problem({ words }: { words: string }) {
  return (
    <div class="editor-status negative" role="alert" data-testid="editor-trouble">
      <Icon name="warning" />
      <span>{words}</span>
    </div>
  );
}

function Hint({ editor, waiting }: { editor: Editor; waiting: string }) {
  const slow = useSlow(editor);
  const words = waiting || (slow === "words" ? "The model is still working on the last prompt …" : hintOf(editor));
  return (
    <>
      {slow && <div class="editor-line" />}
      <div class="editor-status" role="status" data-testid="hint">
        {waiting && <span class="spinner" />}
        <span>{words}</span>
      </div>
    </>
  );
}

/** How long the last prompt has been waiting, in the steps that the person is told of. */
function useSlow(editor: Editor): "" | "line" | "words" {
  const slow = useSignal<"" | "line" | "words">("");
  useSignalEffect(() => {
    if (!editor.prompting.busy.value) {
      slow.value = "";
      return undefined;
    }
    const line = setTimeout(() => {
      slow.value = "line";
    }, LINE_MS);
    const words = setTimeout(() => {
      slow.value = "words";
    }, WORDS_MS);
    return () => {
      clearTimeout(line);
      clearTimeout(words);
    };
  });
  return slow.value;
}

function brushHint({ painting, editing, tool }: Editor): string {
  if (painting.strokes.value > 0)
    return "Right button does the opposite. [ and ] change the size. Enter saves, Esc discards.";
  const erases = tool.value === "eraser";
  if (editing.selected.value) return erases ? "Wipe pixels off the selected mask." : "Paint on the selected mask.";
  return erases ? "Wipe pixels off the mask under the eraser." : "Paint a new mask, or select one to mend it.";
}

function hintOf(editor: Editor): string {
  if (editor.hasDraft.value)
    return "Left click adds, right click takes away. Tab: another candidate. Enter accepts, Esc discards.";
  if (isBrush(editor.tool.value)) return brushHint(editor);
  if (editor.review.current.value) return "A accepts, X rejects, G flags, N goes to the next. Clicks mend it.";
  if (editor.tool.value === "select") {
    if (!editor.editing.selected.value) return "Click on a mask to select it. Drag moves the image.";
    return "1–9 sets the category, Delete removes the mask, C and a click refine it.";
  }
  if (editor.editing.selected.value) return "Click to refine the selected mask; Esc to begin a new one.";
  if (editor.tool.value === "box") return "Draw a box around one thing.";
  return "Click on a thing to make its mask, or drag a box around it.";
}
