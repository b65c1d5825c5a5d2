import { useSignal } from "@preact/signals";
import { useId } from "preact/hooks";
import { detailOf } from "../../data/http";
import { Button } from "../../ui/button";
import { Dialog } from "../../ui/dialog";
import { TextField } from "../../ui/field";

interface ProjectDialogProps {
  title: string;
  /** What the button that saves says. */
  submit: string;
  name?: string;
  description?: string;
  /** Both trimmed; what it throws is told beside the name. */
  save: (fields: { name: string; description: string }) => Promise<void>;
  onClose: () => void;
}

/** Asks for the name and the description of a project, new or old. */
export function ProjectDialog({ title, submit, name = "", description = "", save, onClose }: ProjectDialogProps) {
  const newName = useSignal(name);
  const newDescription = useSignal(description);
  const wrong = useSignal("");
  const busy = useSignal(false);
  const formId = useId();

  const send = async (event: Event) => {
    event.preventDefault();
    if (!newName.value.trim()) {
      wrong.value = "A project needs a name.";
      return;
    }
    busy.value = true;
    try {
      await save({ name: newName.value.trim(), description: newDescription.value.trim() });
    } catch (cause) {
      wrong.value = detailOf(cause);
    } finally {
      busy.value = false;
    }
  };

  return (
    <Dialog
      title={title}
      onClose={onClose}
      testId="project-dialog"
      footer={
        <>
          <Button kind="plain" onClick={onClose}>
            Cancel
          </Button>
          <Button kind="primary" type="submit" form={formId} disabled={busy.value} testId="save-project">
            {submit}
          </Button>
        </>
      }
    >
      <form class="form" id={formId} onSubmit={send} noValidate>
        <TextField
          label="Name"
          text={newName}
          wrong={wrong.value}
          testId="project-name"
          placeholder="Street scenes"
          autoFocus
        />
        <TextField
          label="Description"
          text={newDescription}
          help="What is in the images and what should get a mask. Can be left empty."
          lines={3}
        />
      </form>
    </Dialog>
  );
}
