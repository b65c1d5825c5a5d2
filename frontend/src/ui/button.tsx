import type { ComponentChildren, Ref } from "preact";
import { Icon } from "./icon";
import type { IconName } from "./icons";
import { Link } from "./router";

export type ButtonKind = "primary" | "quiet" | "plain" | "danger";

interface Common {
  kind?: ButtonKind;
  small?: boolean;
  icon?: IconName;
  title?: string;
  testId?: string;
}

interface ButtonProps extends Common {
  children: ComponentChildren;
  onClick?: (event: MouseEvent) => void;
  type?: "button" | "submit";
  form?: string;
  disabled?: boolean;
  pressed?: boolean;
  autoFocus?: boolean;
}

export function Button(props: ButtonProps) {
  const { kind = "quiet", small, icon, children, testId, type = "button", pressed, autoFocus, ...rest } = props;
  return (
    <button
      {...rest}
      type={type}
      class={`button ${kind}${small ? " small" : ""}`}
      aria-pressed={pressed}
      autofocus={autoFocus}
      data-testid={testId}
    >
      {icon && <Icon name={icon} />}
      {children}
    </button>
  );
}

/** Looks like a button, goes somewhere. With `download` the browser fetches it instead of showing it. */
export function ButtonLink(props: Common & { href: string; children: ComponentChildren; download?: boolean }) {
  const { kind = "quiet", small, icon, href, children, title, testId, download } = props;
  const looks = { class: `button ${kind}${small ? " small" : ""}`, title, "data-testid": testId };
  const inside = (
    <>
      {icon && <Icon name={icon} />}
      {children}
    </>
  );
  if (download) {
    return (
      <a {...looks} href={href} download>
        {inside}
      </a>
    );
  }
  return (
    <Link {...looks} href={href}>
      {inside}
    </Link>
  );
}

interface IconButtonProps {
  icon: IconName;
  /** Read aloud and shown as a tooltip. */
  label: string;
  /** The key that does the same, shown in the tooltip. */
  shortcut?: string;
  kind?: ButtonKind;
  small?: boolean;
  pressed?: boolean;
  disabled?: boolean;
  testId?: string;
  size?: number;
  onClick?: (event: MouseEvent) => void;
  popoverTarget?: string;
  buttonRef?: Ref<HTMLButtonElement>;
}

export function IconButton(props: IconButtonProps) {
  const { icon, label, shortcut, kind = "plain", small, pressed, testId, size = 18, buttonRef, ...rest } = props;
  return (
    <button
      {...rest}
      ref={buttonRef}
      type="button"
      class={`button only-icon ${kind}${small ? " small" : ""}`}
      aria-label={label}
      aria-pressed={pressed}
      title={shortcut ? `${label} (${shortcut})` : label}
      data-testid={testId}
    >
      <Icon name={icon} size={size} />
    </button>
  );
}
