import { describe, expect, it } from "vitest";
import { type Act, accept, categorise, type Document, openDocument, redoStep, remove, undoStep } from "./document";
import { annotationRecord } from "./document.test-kit";
import { numbers } from "./golden";

const record = (id: string, supersedesId: string | null = null) => annotationRecord(id, { supersedesId });

const ids = (document: Document) => [...document.annotations.keys()].sort();
const brief = (acts: readonly Act[]) =>
  acts.map((act) => `${act.kind} ${act.kind === "create" ? act.record.id : act.id}`);

/** What a server that only knows the acts would show. */
class Server {
  readonly rows = new Map<string, { alive: boolean; categoryId: string | null; supersedesId: string | null }>();

  hear(acts: readonly Act[]): void {
    for (const act of acts) {
      if (act.kind === "create") {
        const { id, categoryId, supersedesId } = act.record;
        this.rows.set(id, { alive: true, categoryId, supersedesId });
        this.end(supersedesId);
        continue;
      }
      const row = this.rows.get(act.id);
      if (!row) throw new Error(`${act.kind} of ${act.id}, which the server never heard of`);
      if (act.kind === "category") row.categoryId = act.categoryId;
      else row.alive = act.kind === "restore";
      if (act.kind === "restore") this.end(row.supersedesId);
    }
  }

  private end(id: string | null): void {
    const row = id === null ? undefined : this.rows.get(id);
    if (row) row.alive = false;
  }

  alive(): [string, string | null][] {
    return [...this.rows]
      .filter(([, row]) => row.alive)
      .map(([id, row]): [string, string | null] => [id, row.categoryId]);
  }
}

describe("document", () => {
  it("tells the server of accepting, undoing and redoing", () => {
    const [accepted, created] = accept(openDocument([]), record("a"));
    const [undone, deleted] = undoStep(accepted);
    const [redone, restored] = redoStep(undone);
    expect([brief(created), brief(deleted), brief(restored)]).toEqual([["create a"], ["delete a"], ["restore a"]]);
    expect([ids(accepted), ids(undone), ids(redone)]).toEqual([["a"], [], ["a"]]);
  });

  it("replaces a refined mask, and brings it back", () => {
    const [refined, acts] = accept(openDocument([record("a")]), record("b", "a"));
    expect(brief(acts)).toEqual(["create b"]);
    expect(ids(refined)).toEqual(["b"]);
    const [back, undoing] = undoStep(refined);
    expect(brief(undoing)).toEqual(["delete b", "restore a"]);
    expect(ids(back)).toEqual(["a"]);
    const [again, redoing] = redoStep(back);
    expect(brief(redoing)).toEqual(["restore b"]);
    expect(ids(again)).toEqual(["b"]);
  });

  it("takes a category back", () => {
    const [named, acts] = categorise(openDocument([record("a")]), "a", "cat");
    expect(acts).toEqual([{ kind: "category", id: "a", categoryId: "cat" }]);
    expect(undoStep(named)[1]).toEqual([{ kind: "category", id: "a", categoryId: null }]);
  });

  it("does nothing for what is not there", () => {
    const document = openDocument([record("a")]);
    expect(remove(document, "b")).toEqual([document, []]);
    expect(categorise(document, "a", null)).toEqual([document, []]);
    expect(undoStep(document)).toEqual([document, []]);
    expect(redoStep(document)).toEqual([document, []]);
  });

  it("agrees with the server after any sequence of acts", () => {
    const random = numbers(5);
    const server = new Server();
    let document = openDocument([]);
    for (let round = 0; round < 2000; round += 1) {
      const known = ids(document);
      const pick = known[Math.floor(random() * known.length)] ?? "none";
      const roll = Math.floor(random() * 6);
      const outcomes = [
        () => accept(document, record(`n${round}`)),
        () => accept(document, record(`n${round}`, pick)),
        () => remove(document, pick),
        () => categorise(document, pick, random() < 0.3 ? null : `c${round % 4}`),
        () => undoStep(document),
        () => redoStep(document),
      ] as const;
      const [next, acts] = (outcomes[roll] as () => ReturnType<typeof accept>)();
      server.hear(acts);
      document = next;
      const shown = [...document.annotations.values()].map(({ id, categoryId }): [string, string | null] => [
        id,
        categoryId,
      ]);
      expect(server.alive().sort()).toEqual(shown.sort());
    }
  });
});
