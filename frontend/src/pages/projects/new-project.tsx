import { useSignal } from "@preact/signals";
import { useId } from "preact/hooks";
import { ApiError, api } from "../../data/api";
import { Button } from "../../ui/button";
import { Dialog } from "../../ui/dialog";
import { TextField } from "../../ui/field";
import { navigate, paths } from "../../ui/router";

/** Asks for a name, makes the project and goes there. */
export function NewProjectDialog({ onClose }: { onClose: () => void }) {
  const name = useSignal("");
  const description = useSignal("");
  const wrong = useSignal("");
  const busy = useSignal(false);
  const formId = useId();

  const create = async (event: Event) => {
    event.preventDefault();
    if (!name.value.trim()) {
      wrong.value = "Give the project a name.";
      return;
    }
    busy.value = true;
    try {
      const project = await api.createProject({ name: name.value.trim(), description: description.value.trim() });
      onClose();
      navigate(paths.project(project.id));
    } catch (cause) {
      wrong.value = cause instanceof ApiError ? cause.detail : String(cause);
    } finally {
      busy.value = false;
    }
  };

  return (
    <Dialog
      title="New project"
      onClose={onClose}
      footer={
        <>
          <Button kind="plain" onClick={onClose}>
            Cancel
          </Button>
          <Button kind="primary" type="submit" form={formId} disabled={busy.value} testId="create-project">
            Create project
          </Button>
        </>
      }
    >
      <form class="form" id={formId} onSubmit={create} noValidate>
        <TextField
          label="Name"
          text={name}
          wrong={wrong.value}
          testId="project-name"
          placeholder="Street scenes"
          autoFocus
        />
        <TextField
          label="Description"
          text={description}
          help="What is in the images and what should get a mask. Can be left empty."
          lines={3}
        />
      </form>
    </Dialog>
  );
}
