import { useSignal } from "@preact/signals";
import type { EffortRow, EffortTable } from "../../data/api";
import { engine } from "../../data/engine";
import { useLoad } from "../../ui/load";
import { ScrollAcross } from "../../ui/scroll";
import { Note, STAGE_NAMES, Waiting } from "../../ui/states";
import { number } from "../../ui/words";
import { certaintyOf, valueWords } from "./figures";

const VIEWS = [
  ["stages", "By stage"],
  ["versions", "By model version"],
  ["annotators", "By person"],
] as const;

/** What masks cost, as the paper's table of its data engine. */
export function Effort({ projectId }: { projectId: string }) {
  const { value, error, reload } = useLoad(() => engine.effort(projectId), projectId);
  const view = useSignal<keyof EffortTable>("stages");
  const rows = value.value?.[view.value];
  return (
    <section class="card" aria-label="Effort" data-testid="effort">
      <header>
        <h2>Effort</h2>
        <span class="space" />
        <fieldset class="filters" aria-label="Rows">
          {VIEWS.map(([name, words]) => (
            <button
              type="button"
              key={name}
              class="filter"
              aria-pressed={name === view.value}
              onClick={() => (view.value = name)}
              data-testid={`effort-${name}`}
            >
              {words}
            </button>
          ))}
        </fieldset>
      </header>
      {error.value && (
        <Note kind="negative" onRetry={reload}>
          {error.value.message}
        </Note>
      )}
      {!rows && !error.value && <Waiting text="Counting …" />}
      {rows?.length === 0 && <p class="quiet-text">No mask has been made yet.</p>}
      {rows && rows.length > 0 && <Table rows={rows} />}
    </section>
  );
}

function Table({ rows }: { rows: readonly EffortRow[] }) {
  const figures = rows[0]?.figures ?? [];
  return (
    <ScrollAcross label="Effort, as a table">
      <table class="table">
        <thead>
          <tr>
            <th scope="col">
              <span class="only-read">Row</span>
            </th>
            <th scope="col">Images</th>
            <th scope="col">Masks</th>
            {figures.map(({ name }) => (
              <th scope="col" key={name}>
                {name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr key={row.key ?? ""} data-testid="effort-row">
              <th scope="row">
                {(row.key && STAGE_NAMES[row.key]) || row.name}
                {row.round !== null && <span class="quiet-text"> from round {row.round}</span>}
              </th>
              <td>{number(row.image_count)}</td>
              <td>{number(row.mask_count)}</td>
              {row.figures.map((figure) => (
                <td key={figure.name} title={certaintyOf(figure)}>
                  {valueWords(figure)}
                  {figure.paper && figure.value !== null && <span class="paper">paper: {figure.paper}</span>}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </ScrollAcross>
  );
}
