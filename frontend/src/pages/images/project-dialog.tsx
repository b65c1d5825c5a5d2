import { useSignal } from "@preact/signals";
import { useId } from "preact/hooks";
import { ApiError, api, type Project } from "../../data/api";
import { Button } from "../../ui/button";
import { Dialog } from "../../ui/dialog";
import { TextField } from "../../ui/field";

interface ProjectDialogProps {
  project: Project;
  onClose: () => void;
  onChanged: () => Promise<void>;
}

/** Name and description of a project. */
export function ProjectDialog({ project, onClose, onChanged }: ProjectDialogProps) {
  const name = useSignal(project.name);
  const description = useSignal(project.description);
  const wrong = useSignal("");
  const formId = useId();

  const save = async (event: Event) => {
    event.preventDefault();
    if (!name.value.trim()) {
      wrong.value = "A project needs a name.";
      return;
    }
    try {
      await api.changeProject(project.id, { name: name.value.trim(), description: description.value.trim() });
      await onChanged();
      onClose();
    } catch (cause) {
      wrong.value = cause instanceof ApiError ? cause.detail : String(cause);
    }
  };

  return (
    <Dialog
      title="Project"
      onClose={onClose}
      testId="project-dialog"
      footer={
        <>
          <Button kind="plain" onClick={onClose}>
            Cancel
          </Button>
          <Button kind="primary" type="submit" form={formId}>
            Save
          </Button>
        </>
      }
    >
      <form class="form" id={formId} onSubmit={save} noValidate>
        <TextField label="Name" text={name} wrong={wrong.value} autoFocus />
        <TextField label="Description" text={description} lines={4} help="What should get a mask, and how." />
      </form>
    </Dialog>
  );
}
