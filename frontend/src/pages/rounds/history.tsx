import type { Promotion, Round } from "../../data/api";
import { direction, points } from "../../ui/comparison";
import { Link, paths } from "../../ui/router";
import { ScrollAcross } from "../../ui/scroll";
import { Chip } from "../../ui/states";
import { ago, short } from "../../ui/words";
import { comparedOf } from "./gates";
import { type HistoryRow, historyOf } from "./lineage";
import { MOVES, ROUND_STATES, TRIGGERS, versionName } from "./words";

interface HistoryProps {
  projectId: string;
  rounds: readonly Round[];
  promotions: readonly Promotion[];
  /** Number of the round that shows in full. */
  shown: number | undefined;
}

/** All rounds and moves of the active version, newest first, with a rail that tells what served. */
export function History({ projectId, rounds, promotions, shown }: HistoryProps) {
  const rows = historyOf(rounds, promotions);
  return (
    <section class="card" aria-label="History" data-testid="round-history">
      <header>
        <h2>History</h2>
        <span class="space" />
        {rows.length > 0 && (
          <ul class="legend" aria-label="Signs">
            <li>
              <span class="rail-sign active" /> serves now
            </li>
            <li>
              <span class="rail-sign past" /> served before
            </li>
            <li>
              <span class="rail-sign side" /> never served
            </li>
          </ul>
        )}
      </header>
      {rows.length === 0 ? (
        <p>
          No round yet: the project is served by the version that it was made with. A round trains a copy of that
          version on the masks that people made, tries both on images that neither learned from, and says in words
          whether the copy should take over. Nothing changes for annotators until somebody promotes it.
        </p>
      ) : (
        <ScrollAcross label="Rounds and moves">
          <table class="table history-rows">
            <thead>
              <tr>
                <th scope="col">
                  <span class="only-read">Lineage</span>
                </th>
                <th scope="col">What</th>
                <th scope="col">Model version</th>
                <th scope="col">Outcome</th>
                <th scope="col" title="Overlap of masks after one click on held-out images, candidate minus active">
                  After 1 click
                </th>
                <th scope="col">When</th>
              </tr>
            </thead>
            <tbody>
              {rows.map((row) => (
                <Row key={row.key} row={row} projectId={projectId} current={row.round?.number === shown} />
              ))}
            </tbody>
          </table>
        </ScrollAcross>
      )}
    </section>
  );
}

interface RowProps {
  row: HistoryRow<Round, Promotion>;
  projectId: string;
  current: boolean;
}

function Row({ row, projectId, current }: RowProps) {
  const { round, move, rail } = row;
  return (
    <tr
      aria-current={current ? "true" : undefined}
      data-testid="history-row"
      data-round={round?.number}
      data-state={round?.state ?? move?.kind}
      data-rail={rail}
    >
      <td>
        <span class={`rail ${rail}`} title={RAIL_WORDS[rail]} />
      </td>
      <td>
        {round ? (
          <>
            <Link href={paths.rounds(projectId, round.number)}>Round {round.number}</Link>
            <span class="quiet-text"> {TRIGGERS[round.trigger]}</span>
          </>
        ) : (
          move && capital(MOVES[move.kind] ?? move.kind)
        )}
      </td>
      <td>
        <Versions row={row} />
      </td>
      <td>
        <Outcome row={row} />
      </td>
      <td>{round && <Gain round={round} />}</td>
      <td title={row.at}>{ago(row.at, Date.now())}</td>
    </tr>
  );
}

function capital(words: string): string {
  return `${words.slice(0, 1).toUpperCase()}${words.slice(1)}`;
}

const RAIL_WORDS = { active: "Serves now", past: "Served before", side: "Never served" };

function Versions({ row: { round, move } }: { row: HistoryRow<Round, Promotion> }) {
  const from = round ? round.base_version : move?.from_version;
  const to = round ? round.candidate_version : move?.to_version;
  if (!to) return <span class="quiet-text">from {versionName(from)}</span>;
  return (
    <span title={`${to.digest}${from ? `, grown from ${from.digest}` : ""}`}>
      {versionName(to)} <code>{short(to.digest)}</code>
    </span>
  );
}

function Outcome({ row: { round, move } }: { row: HistoryRow<Round, Promotion> }) {
  const [name, kind, meaning] = ROUND_STATES[round?.state ?? ""] ?? [];
  const by = move?.actor ? `by ${move.actor.name}` : "";
  const told = [by, move?.reason || round?.reason].filter(Boolean).join(": ");
  return (
    <>
      {round && kind && (
        <Chip kind={kind} title={meaning}>
          {move?.kind === "override" ? "Promoted against the report" : name}
        </Chip>
      )}
      {told && <span class="quiet-text"> {told}</span>}
    </>
  );
}

/** How much better the first click became on images that nobody learned from. */
function Gain({ round }: { round: Round }) {
  const gate = round.gate_report?.gates.find(({ name }) => name === "miou@1");
  const compared = gate && comparedOf(gate);
  if (!compared) return <span class="quiet-text">–</span>;
  return <span class={direction(compared.difference)}>{points(compared.difference)}</span>;
}
