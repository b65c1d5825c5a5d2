import type { ComponentChildren } from "preact";
import type { Project } from "../../data/api";
import { number } from "../../ui/words";
import { FILTERS, type Filter } from "./image-list";

export const FILTER_WORDS: Record<Filter, string> = {
  "": "All",
  empty: "Without masks",
  annotated: "With masks",
  complete: "Complete",
  queued: "Waiting",
  failed: "Failed",
};

interface ToolbarProps {
  project: Project;
  filter: Filter;
  onFilter: (filter: Filter) => void;
  children: ComponentChildren;
}

/** Which images show, and what can be done with the project. */
export function Toolbar({ project, filter, onFilter, children }: ToolbarProps) {
  const counts: Partial<Record<Filter, number>> = {
    "": project.image_count,
    queued: project.queued_image_count,
    failed: project.failed_image_count,
    complete: project.complete_image_count,
  };
  const offered = FILTERS.filter((kind) => (kind !== "queued" && kind !== "failed") || counts[kind] || kind === filter);
  return (
    <div class="toolbar">
      <fieldset class="filters" aria-label="Show">
        {offered.map((kind) => (
          <button
            type="button"
            key={kind}
            class="filter"
            aria-pressed={kind === filter}
            onClick={() => onFilter(kind)}
            data-testid={`filter-${kind || "all"}`}
          >
            {FILTER_WORDS[kind]}
            {counts[kind] !== undefined && <span class="quiet-text">{number(counts[kind])}</span>}
          </button>
        ))}
      </fieldset>
      <span class="space" />
      {children}
    </div>
  );
}
