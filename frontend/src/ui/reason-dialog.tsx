import { useSignal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { useId } from "preact/hooks";
import { detailOf } from "../data/http";
import { Button, type ButtonKind } from "./button";
import { Dialog } from "./dialog";
import { TextField } from "./field";

interface ReasonDialogProps {
  title: string;
  /** What will happen. */
  children: ComponentChildren;
  submit: string;
  kind?: ButtonKind;
  /** Without a reason it cannot be done. */
  required?: boolean;
  /** What it throws is told beside the reason. */
  act: (reason: string) => Promise<void>;
  onClose: () => void;
}

/** Asks why, before something that the history will show for ever. */
export function ReasonDialog({ title, children, submit, kind = "primary", required, act, onClose }: ReasonDialogProps) {
  const reason = useSignal("");
  const wrong = useSignal("");
  const busy = useSignal(false);
  const formId = useId();
  const send = async (event: Event) => {
    event.preventDefault();
    if (required && !reason.value.trim()) {
      wrong.value = "Say why in a few words: the history keeps them.";
      return;
    }
    busy.value = true;
    try {
      await act(reason.value.trim());
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
      testId="reason-dialog"
      footer={
        <>
          <Button kind="plain" onClick={onClose}>
            Cancel
          </Button>
          <Button kind={kind} type="submit" form={formId} disabled={busy.value} testId="confirm-reason">
            {submit}
          </Button>
        </>
      }
    >
      <form class="form" id={formId} onSubmit={send} noValidate>
        <div>{children}</div>
        <TextField
          label={required ? "Reason" : "Reason (can be left empty)"}
          text={reason}
          wrong={wrong.value}
          lines={2}
          autoFocus
          testId="reason"
        />
      </form>
    </Dialog>
  );
}
