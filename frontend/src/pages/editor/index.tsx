/** The editor page: one image, its masks, and everything that makes them. */
import { useComputed, useSignal } from "@preact/signals";
import { useEffect, useMemo, useRef } from "preact/hooks";
import { isBrush } from "../../tools/tool";
import { Button, IconButton } from "../../ui/button";
import { useShortcutHelp } from "../../ui/help";
import { paths } from "../../ui/router";
import { TopBar } from "../../ui/topbar";
import { baseName } from "../../ui/words";
import { Brush } from "./brush";
import { Candidates } from "./candidates";
import { Canvas } from "./canvas";
import { Categories } from "./categories";
import "./editor.css";
import { Editor } from "./editor";
import { Filmstrip } from "./filmstrip";
import { listenToKeys } from "./keyboard";
import { MaskList } from "./mask-list";
import { Notices } from "./notices";
import "./panel.css";
import { Proposals } from "./proposals";
import { Rail } from "./rail";
import { HELP } from "./shortcuts";
import { Status } from "./status";

interface EditorPageProps {
  projectId: string;
  imageId: string;
}

export function EditorPage({ projectId, imageId }: EditorPageProps) {
  const editor = useMemo(() => new Editor(projectId), [projectId]);
  const hand = useSignal(false);
  const panel = useSignal(true);
  const search = useRef<HTMLInputElement>(null);
  useShortcutHelp(HELP);
  useEffect(() => () => editor.dispose(), [editor]);
  useEffect(() => void editor.open(imageId), [editor, imageId]);
  useEffect(() => listenToKeys(editor, { hand, find: () => search.current?.focus() }), [editor, hand]);
  useEffect(() => publish(editor), [editor]);

  const engine = editor.engine.state.value;
  const answers = useComputed(() => engine.kind === "ready" && editor.picture.value !== null);
  return (
    <div
      class="editor"
      data-testid="editor"
      data-image-id={editor.image.value?.id ?? ""}
      data-decoder={engine.kind}
      data-ready={engine.kind === "ready" && answers.value}
      data-threads={engine.threads}
      data-busy={editor.prompting.busy.value}
      data-prompts={editor.prompting.draft.value?.steps.length ?? 0}
      data-strokes={editor.painting.strokes.value}
      data-tool={editor.tool.value}
    >
      <Bar editor={editor} panel={panel} />
      <Rail editor={editor} />
      <main class="editor-stage">
        <h1 class="only-read">{editor.image.value ? baseName(editor.image.value.file_name) : "Image"}</h1>
        <Canvas editor={editor} hand={hand.value} />
        <span class="editor-zoom" aria-hidden="true">
          {Math.round(editor.view.value.scale * 100)} %
        </span>
        <Status editor={editor} />
        <Notices editor={editor} />
      </main>
      {panel.value && (
        <aside class="editor-panel" aria-label="Mask">
          <Doing editor={editor} />
          <Categories editor={editor} searchRef={search} />
          <MaskList editor={editor} />
        </aside>
      )}
      <Filmstrip editor={editor} />
    </div>
  );
}

/** What the person is at: strokes, clicks, or deciding about proposals. */
function Doing({ editor }: { editor: Editor }) {
  if (isBrush(editor.tool.value)) return <Brush editor={editor} />;
  const decides = editor.review.proposals.value.length > 0 && !editor.hasDraft.value;
  return decides ? <Proposals editor={editor} /> : <Candidates editor={editor} />;
}

function Bar({ editor, panel }: { editor: Editor; panel: { value: boolean } }) {
  const { project, total, completeCount } = editor.workspace;
  const image = editor.image.value;
  const crumbs = [
    { label: project.value?.name ?? "…", href: paths.project(editor.projectId) },
    { label: image ? baseName(image.file_name) : "…" },
  ];
  return (
    <TopBar
      crumbs={crumbs}
      {...(project.value ? { stage: project.value.stage } : {})}
      right={
        <>
          <span class="editor-progress" title="Images that are complete">
            <span data-testid="progress">
              {completeCount.value}/{total.value}
            </span>{" "}
            complete
          </span>
          <Button
            kind="plain"
            small
            testId="skip"
            title="Skip (S): leave this image to others, open the next"
            onClick={() => void editor.skip()}
          >
            Skip
          </Button>
          <Complete editor={editor} />
          <IconButton
            icon="panel"
            label={panel.value ? "Hide the side panel" : "Show the side panel"}
            small
            pressed={panel.value}
            testId="toggle-panel"
            onClick={() => {
              panel.value = !panel.value;
            }}
          />
        </>
      }
    />
  );
}

/** One primary action at a time: with a draft that is to accept it. */
function Complete({ editor }: { editor: Editor }) {
  const image = editor.image.value;
  if (image?.complete) {
    return (
      <Button
        small
        icon="complete"
        pressed
        testId="complete"
        title="This image is complete. Click to go on with it."
        onClick={() => void editor.setComplete(image, false)}
      >
        Complete
      </Button>
    );
  }
  const primary = !editor.unfinished.value && editor.editing.records.value.length > 0;
  return (
    <Button
      kind={primary ? "primary" : "quiet"}
      small
      icon="complete"
      testId="complete-next"
      title="Image complete, open the next (Ctrl+Enter)"
      onClick={() => void editor.completeAndNext()}
    >
      Complete, next
    </Button>
  );
}

declare global {
  interface Window {
    /** For scripts of the person at the page: what is painted right now, as run lengths. */
    maskmill?: { draft(): Promise<{ size: [number, number]; counts: string } | null> };
  }
}

function publish(editor: Editor): () => void {
  window.maskmill = {
    async draft() {
      const shown = await editor.prompting.measure();
      return shown && { size: [shown.size[0], shown.size[1]], counts: shown.counts };
    },
  };
  return () => {
    delete window.maskmill;
  };
}
