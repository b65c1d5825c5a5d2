/** Which model version grew from which, as rows for a rail beside the history: newest first. Pure. */

export interface RoundPart {
  id: string;
  number: number;
  base_version: { id: string } | null;
  candidate_version: { id: string } | null;
  started_at: string | null;
}

export interface MovePart {
  id: string;
  kind: "promotion" | "override" | "rollback" | "manual";
  round_id: string | null;
  from_version_id: string | null;
  to_version_id: string;
  created_at: string;
}

/** A round, with the move of the active pointer that it led to; or a move that belongs to no round. */
export type HistoryRow<R extends RoundPart, M extends MovePart> = {
  key: string;
  round: R | undefined;
  move: M | undefined;
  /** "active": this row made the version that serves now; "past": one that served once; "side": none that ever served. */
  rail: "active" | "past" | "side";
  at: string;
};

/**
 * Rounds and moves woven together. A move by a round stands with its round; a second one of the same round (an override
 * after a rollback) stands by itself, because it happened later.
 */
export function historyOf<R extends RoundPart, M extends MovePart>(
  rounds: readonly R[],
  moves: readonly M[],
): HistoryRow<R, M>[] {
  const oldestFirst = [...moves].sort((one, other) => compare(one.created_at, other.created_at));
  const newest = oldestFirst.at(-1);
  const own = new Map<string, M>();
  for (const move of oldestFirst) if (move.round_id && !own.has(move.round_id)) own.set(move.round_id, move);
  const rail = (move: M | undefined) => (!move ? "side" : move.id === newest?.id ? "active" : "past");
  const ofRounds = rounds.map((round) => {
    const move = own.get(round.id);
    return { key: round.id, round, move, rail: rail(move), at: round.started_at ?? "" } as HistoryRow<R, M>;
  });
  const known = new Set(ofRounds.flatMap((row) => (row.move ? [row.move.id] : [])));
  const alone = oldestFirst
    .filter((move) => !known.has(move.id))
    .map(
      (move) => ({ key: move.id, round: undefined, move, rail: rail(move), at: move.created_at }) as HistoryRow<R, M>,
    );
  return [...ofRounds, ...alone].sort((one, other) => compare(other.at, one.at));
}

function compare(one: string, other: string): number {
  return (Date.parse(one) || 0) - (Date.parse(other) || 0);
}

/** The versions from which one grew, nearest first: its round's base, that one's base, and so on. */
export function ancestorsOf(versionId: string, rounds: readonly RoundPart[]): string[] {
  const parent = new Map<string, string>();
  for (const { base_version: base, candidate_version: candidate } of rounds) {
    if (base && candidate && base.id !== candidate.id) parent.set(candidate.id, base.id);
  }
  const found: string[] = [];
  for (let at = parent.get(versionId); at && !found.includes(at) && at !== versionId; at = parent.get(at))
    found.push(at);
  return found;
}

/** The versions that served before the active one, the last first and each once: where one can roll back to. */
export function served(moves: readonly MovePart[], activeId: string | null): string[] {
  const newestFirst = [...moves].sort((one, other) => compare(other.created_at, one.created_at));
  const ids = newestFirst.flatMap((move) => [
    move.to_version_id,
    ...(move.from_version_id ? [move.from_version_id] : []),
  ]);
  return [...new Set(ids)].filter((id) => id !== activeId);
}
