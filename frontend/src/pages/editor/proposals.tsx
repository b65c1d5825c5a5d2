/** What stands at the side while proposals wait: the decision about the selected one, and about all that are sure. */
import { Button } from "../../ui/button";
import { toast } from "../../ui/toasts";
import { count } from "../../ui/words";
import { percent } from "./candidates";
import type { Editor } from "./editor";
import { FlagWords } from "./flag-words";

export function Proposals({ editor }: { editor: Editor }) {
  const { review, editing } = editor;
  const waiting = review.proposals.value.length;
  const sure = review.sure.value.length;
  const acceptSure = () => {
    toast(`${count(review.acceptSure(), "proposal")} accepted`, {
      action: { label: "Undo", run: () => editing.undo() },
    });
  };
  return (
    <section class="editor-section editor-candidates" aria-label="Proposals" data-testid="proposals">
      <h2>
        Proposals <span class="quiet-text">({waiting} to decide)</span>
      </h2>
      {review.current.value ? <Decision editor={editor} /> : <Begin editor={editor} />}
      {sure > 0 && (
        <Button
          small
          icon="complete"
          testId="accept-confident"
          title="Their scores reach the limits that this project has set"
          onClick={acceptSure}
        >
          {sure === 1 ? "Accept the confident one" : `Accept all ${sure} confident`}
        </Button>
      )}
      <FlagWords editor={editor} />
    </section>
  );
}

function Begin({ editor }: { editor: Editor }) {
  return (
    <>
      <p class="quiet-text">The model proposes these masks (dashed). Click on one, or go through them.</p>
      <Button kind="primary" small icon="right" testId="begin-review" title="N" onClick={() => editor.stepProposal(1)}>
        Go through them
      </Button>
    </>
  );
}

function Decision({ editor }: { editor: Editor }) {
  const { review } = editor;
  const proposal = review.current.value;
  if (!proposal) return null;
  const score = proposal.predictedIou === null ? "" : `${percent(proposal.predictedIou)} sure`;
  const words = [score, review.confident.value.has(proposal.id) ? "confident" : ""].filter(Boolean).join(", ");
  return (
    <>
      <p class="quiet-text">{words ? `The model is ${words}. ` : ""}Clicks and strokes mend it.</p>
      <div class="editor-decide three">
        <Button kind="primary" small icon="check" testId="accept-proposal" title="A" onClick={() => review.accept()}>
          Accept
        </Button>
        <Button small icon="close" testId="reject-proposal" title="X" onClick={() => review.reject()}>
          Reject
        </Button>
        <Button
          small
          icon="flag"
          testId="flag-proposal"
          title="Say that something is wrong with it (G)"
          pressed={proposal.flag !== null}
          onClick={() => review.toggleFlag()}
        >
          Flag
        </Button>
      </div>
    </>
  );
}
