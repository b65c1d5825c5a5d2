import { Button } from "../../ui/button";
import type { Editor } from "./editor";

/** What becomes of the mask in hand: kept, under the word that fits, or dropped. */
export function Decide({ editor, accept }: { editor: Editor; accept: string }) {
  return (
    <div class="editor-decide">
      <Button kind="primary" small icon="check" testId="accept-mask" onClick={() => void editor.accept()} title="Enter">
        {accept}
      </Button>
      <Button kind="quiet" small icon="close" testId="discard-mask" onClick={() => editor.discard()} title="Esc">
        Discard
      </Button>
    </div>
  );
}
