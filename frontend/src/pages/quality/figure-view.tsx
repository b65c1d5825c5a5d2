import { certaintyOf, type Figure, intervalWords, valueWords } from "./figures";

/** A number of a report with its interval, and the paper's beside it. */
export function FigureView({ figure }: { figure: Figure }) {
  const interval = intervalWords(figure);
  return (
    <div title={certaintyOf(figure)} data-testid="figure" data-name={figure.name}>
      <dt>{figure.name}</dt>
      <dd>
        <strong>{valueWords(figure)}</strong>
        {interval && <span class="beside">{interval}</span>}
      </dd>
      {figure.paper && <dd class="beside">paper: {figure.paper}</dd>}
    </div>
  );
}
