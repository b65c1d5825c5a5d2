import type { ComponentChildren } from "preact";

/** What may be wider than the page: scrolls by itself, also by the arrow keys. */
export function ScrollAcross({ label, children }: { label: string; children: ComponentChildren }) {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: without it the keyboard could not scroll.
    <section class="scroll-across" aria-label={label} tabIndex={0}>
      {children}
    </section>
  );
}
