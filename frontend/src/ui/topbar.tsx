import { useSignal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { useEffect } from "preact/hooks";
import { api, type Health, type Stage } from "../data/api";
import { me } from "../data/session";
import { IconButton } from "./button";
import { openHelp } from "./help";
import { Icon } from "./icon";
import { Link } from "./router";
import { SavedChip } from "./saved";
import { StageChip } from "./states";
import { chooseTheme, type ThemeChoice, themeChoice } from "./theme";

export interface Crumb {
  label: string;
  href?: string;
}

interface TopBarProps {
  crumbs: readonly Crumb[];
  stage?: Stage;
  /** Between the path and the saved state. */
  children?: ComponentChildren;
  /** Between the saved state and help: how far one is. */
  right?: ComponentChildren;
}

/** The bar that every page shows: where one is, whether everything is saved, help, theme, account. */
export function TopBar({ crumbs, stage, children, right }: TopBarProps) {
  const here = crumbs.at(-1)?.label;
  useEffect(() => {
    document.title = here ? `${here} · Maskmill` : "Maskmill";
  }, [here]);
  return (
    <header class="topbar">
      <nav aria-label="Path">
        <Link class="mark" href="/" title="All projects">
          <img src="/favicon.svg" width={20} height={20} alt="" />
          <span>Maskmill</span>
        </Link>
        {crumbs.map(({ label, href }) => (
          <>
            <Icon name="chevron" size={14} />
            {href ? (
              <Link class="crumb" href={href} title={label}>
                {label}
              </Link>
            ) : (
              <span class="crumb" title={label} aria-current="page">
                {label}
              </span>
            )}
          </>
        ))}
      </nav>
      {stage && <StageChip stage={stage} />}
      {children}
      <span class="space" />
      <SavedChip />
      {right}
      <div class="group">
        <IconButton icon="help" label="Keys and help" shortcut="?" small onClick={openHelp} testId="help-button" />
        <ThemeToggle />
        <AccountMenu />
      </div>
    </header>
  );
}

const NEXT: Record<ThemeChoice, ThemeChoice> = { auto: "light", light: "dark", dark: "auto" };
const THEME_WORDS: Record<ThemeChoice, string> = { auto: "as the system", light: "light", dark: "dark" };
const THEME_ICONS = { auto: "auto", light: "sun", dark: "moon" } as const;

function ThemeToggle() {
  const choice = themeChoice.value;
  return (
    <IconButton
      icon={THEME_ICONS[choice]}
      label={`Theme: ${THEME_WORDS[choice]}. Change to ${THEME_WORDS[NEXT[choice]]}`}
      small
      onClick={() => chooseTheme(NEXT[choice])}
      testId="theme-toggle"
    />
  );
}

function AccountMenu() {
  const health = useSignal<Health | undefined>(undefined);
  const look = async (event: { newState: string }) => {
    if (event.newState !== "open") return;
    health.value = await api.health().catch(() => undefined);
  };
  return (
    <>
      <IconButton icon="person" label="Account and system" small popoverTarget="account-menu" testId="account-button" />
      <div class="menu" id="account-menu" popover="auto" onToggle={look}>
        <dl>
          <dt>Signed in as</dt>
          <dd>{me.value?.name ?? "nobody"}</dd>
          <dt>Version</dt>
          <dd>{health.value?.version ?? "…"}</dd>
          <dt>Worker</dt>
          <dd>{workerWords(health.value)}</dd>
        </dl>
      </div>
    </>
  );
}

function workerWords(health: Health | undefined): string {
  if (!health) return "…";
  return health.worker.alive ? "running" : "not running: images are not prepared until it is";
}
