import type { Gate, GateReport } from "../../data/api";
import { direction, percent, points, pointsBetween, signed } from "../../ui/comparison";
import { Icon } from "../../ui/icon";
import { Chip } from "../../ui/states";
import { number } from "../../ui/words";
import { type Compared, comparedOf, DECISIONS, placeOf, scaleOf, sliceName, slicesOf, titleOf } from "./gates";

/** What was found out about a candidate: the decision in a sentence, then every gate with its reason. */
export function GateReportView({ report }: { report: GateReport }) {
  const [name, kind] = DECISIONS[report.decision];
  const integrity = report.gates.filter((gate) => gate.kind === "integrity");
  const quality = report.gates.filter((gate) => gate.kind === "quality");
  const broken = integrity.filter((gate) => !gate.passed);
  return (
    <section class="gate-report" aria-label="Gate report" data-testid="gate-report" data-decision={report.decision}>
      <p class="verdict">
        <Chip kind={kind}>{name}</Chip>
        <span>{report.words}</span>
      </p>
      {broken.length > 0 && <Gates gates={broken} />}
      <Gates gates={quality} />
      {integrity.length > broken.length && (
        <details>
          <summary>
            {broken.length === 0
              ? `All ${integrity.length} checks of the files and of the comparison passed`
              : `${integrity.length - broken.length} of ${integrity.length} checks of the files passed`}
          </summary>
          <Gates gates={integrity.filter((gate) => gate.passed)} />
        </details>
      )}
    </section>
  );
}

function Gates({ gates }: { gates: readonly Gate[] }) {
  return (
    <ul class="gates">
      {gates.map((gate) => (
        <GateRow key={gate.name} gate={gate} />
      ))}
    </ul>
  );
}

function GateRow({ gate }: { gate: Gate }) {
  const compared = comparedOf(gate);
  const slices = slicesOf(gate);
  return (
    <li data-testid="gate" data-gate={gate.name} data-passed={gate.passed}>
      <span class={gate.passed ? "mark positive" : "mark negative"}>
        <Icon name={gate.passed ? "check" : "close"} size={14} />
        <span class="only-read">{gate.passed ? "Passed:" : "Not passed:"}</span>
      </span>
      <h3>{titleOf(gate)}</h3>
      {compared ? <Comparison compared={compared} /> : <span />}
      <p>{gate.words}</p>
      {slices.length > 0 && <Slices rows={slices} />}
    </li>
  );
}

/** Candidate minus active as a number and as a bar on a scale with zero on it. */
function Comparison({ compared }: { compared: Compared }) {
  const { difference, low, high, lessIsBetter } = compared;
  const [from, to] = scaleOf(compared);
  const at = (value: number) => `${100 * placeOf(value, from, to)}%`;
  const words = lessIsBetter ? `${signed(difference, 2)} clicks` : points(difference);
  const range = lessIsBetter ? `${signed(low, 2)} to ${signed(high, 2)} clicks` : pointsBetween([low, high]);
  return (
    <span class="comparison" title={`95 % certain: ${range}`}>
      <strong class={direction(difference, lessIsBetter)}>{words}</strong>
      <span class="interval" aria-hidden="true">
        <span class="zero" style={{ left: at(0) }} />
        <span class="span" style={{ left: at(low), width: `calc(${at(high)} - ${at(low)})` }} />
        <span class="value" style={{ left: at(difference) }} />
      </span>
    </span>
  );
}

function Slices({ rows }: { rows: ReturnType<typeof slicesOf> }) {
  return (
    <details>
      <summary>{rows.length} kinds of objects</summary>
      <table class="table">
        <thead>
          <tr>
            <th scope="col">Kind</th>
            <th scope="col">Masks</th>
            <th scope="col">Active</th>
            <th scope="col">Candidate</th>
            <th scope="col">Difference</th>
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr key={`${row.kind} ${row.name}`}>
              <th scope="row">
                {sliceName(row)}
                {!row.judged && <span class="quiet-text"> (too few to judge)</span>}
              </th>
              <td>{number(row.masks)}</td>
              <td>{percent(row.active)}</td>
              <td>{percent(row.candidate)}</td>
              <td class={row.passed ? "" : "negative"}>{points(row.difference)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </details>
  );
}
