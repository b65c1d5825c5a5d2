import type { Signal } from "@preact/signals";
import { useEffect, useId, useRef } from "preact/hooks";
import { Icon } from "./icon";

interface TextFieldProps {
  label: string;
  text: Signal<string>;
  /** What mends the entry; replaces the help while it is there. */
  wrong?: string;
  help?: string;
  placeholder?: string;
  /** More than one makes it a text area. */
  lines?: number;
  autoFocus?: boolean;
  testId?: string;
}

/** One line or several, label above, help or error below. */
export function TextField({ label, text, wrong, help, placeholder, lines = 1, autoFocus, testId }: TextFieldProps) {
  const id = useId();
  const element = useRef<HTMLInputElement & HTMLTextAreaElement>(null);
  useEffect(() => {
    if (autoFocus) element.current?.focus();
  }, [autoFocus]);
  const below = wrong || help ? `${id}-below` : undefined;
  const common = {
    id,
    ref: element,
    value: text.value,
    placeholder,
    // The attribute serves dialogs, which open after their fields exist; the effect serves fields that come later.
    autofocus: autoFocus,
    "aria-invalid": Boolean(wrong),
    "aria-describedby": below,
    "data-testid": testId,
    onInput: (event: { currentTarget: { value: string } }) => {
      text.value = event.currentTarget.value;
    },
  };
  return (
    <div class="field">
      <label for={id}>{label}</label>
      {lines > 1 ? (
        <textarea {...common} rows={lines} maxLength={10_000} />
      ) : (
        <input {...common} type="text" maxLength={200} autocomplete="off" />
      )}
      {wrong ? (
        <p class="wrong" id={below} role="alert">
          <Icon name="alert" /> {wrong}
        </p>
      ) : (
        help && (
          <p class="help" id={below}>
            {help}
          </p>
        )
      )}
    </div>
  );
}
