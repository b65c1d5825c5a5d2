/** What has changed around the open image: somebody else works on it, or a newer model version is active. */
import { Button } from "../../ui/button";
import { Icon } from "../../ui/icon";
import type { Editor } from "./editor";

export function Notices({ editor }: { editor: Editor }) {
  const { other } = editor.holding;
  const { newer } = editor.workspace;
  if (!other.value && !newer.value) return null;
  return (
    <div class="editor-notices">
      {other.value && <Held editor={editor} name={other.value.name} />}
      {newer.value && <Newer editor={editor} version={newer.value.version} />}
    </div>
  );
}

function Held({ editor, name }: { editor: Editor; name: string }) {
  return (
    <div class="editor-notice" role="status" data-testid="held">
      <Icon name="person" />
      <span>{name} is working on this image.</span>
      <Button small onClick={() => void editor.nextImage()} testId="held-next">
        Next image
      </Button>
      <Button small kind="plain" onClick={() => void editor.holding.takeOver()} testId="take-over">
        Take over
      </Button>
    </div>
  );
}

function Newer({ editor, version }: { editor: Editor; version: string }) {
  const used = editor.workspace.version.value?.version;
  return (
    <div class="editor-notice" role="status" data-testid="newer-version">
      <Icon name="layers" />
      <span>
        Model version {version} is active now. This image goes on with {used ? `version ${used}` : "none"}.
      </span>
      <Button small onClick={() => void editor.useNewer()} testId="use-newer">
        Use it now
      </Button>
    </div>
  );
}
