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

interface NumberFieldProps {
  label: string;
  /** Null when the field is empty. */
  value: Signal<number | null>;
  least?: number;
  most?: number;
  step?: number | "any";
  help?: string;
  wrong?: string;
  testId?: string;
}

/** A number; what does not fit the limits is told by the browser when the form is sent. */
export function NumberField({ label, value, least, most, step = "any", help, wrong, testId }: NumberFieldProps) {
  const id = useId();
  const below = wrong || help ? `${id}-below` : undefined;
  return (
    <div class="field">
      <label for={id}>{label}</label>
      <input
        id={id}
        type="number"
        min={least}
        max={most}
        step={step}
        value={value.value ?? ""}
        aria-invalid={Boolean(wrong)}
        aria-describedby={below}
        data-testid={testId}
        onInput={(event) => {
          const { valueAsNumber } = event.currentTarget;
          value.value = Number.isFinite(valueAsNumber) ? valueAsNumber : null;
        }}
      />
      {below && (
        <p class={wrong ? "wrong" : "help"} id={below} role={wrong ? "alert" : undefined}>
          {wrong || help}
        </p>
      )}
    </div>
  );
}

interface ChoiceFieldProps<T extends string> {
  label: string;
  value: Signal<T>;
  options: readonly (readonly [value: T, words: string])[];
  help?: string;
  testId?: string;
}

/** One of a few. */
export function ChoiceField<T extends string>({ label, value, options, help, testId }: ChoiceFieldProps<T>) {
  const id = useId();
  return (
    <div class="field">
      <label for={id}>{label}</label>
      <select
        id={id}
        value={value.value}
        aria-describedby={help ? `${id}-below` : undefined}
        data-testid={testId}
        onChange={(event) => {
          value.value = event.currentTarget.value as T;
        }}
      >
        {options.map(([option, words]) => (
          <option key={option} value={option} selected={option === value.value}>
            {words}
          </option>
        ))}
      </select>
      {help && (
        <p class="help" id={`${id}-below`}>
          {help}
        </p>
      )}
    </div>
  );
}
