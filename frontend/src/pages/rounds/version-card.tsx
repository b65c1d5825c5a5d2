import { useSignal } from "@preact/signals";
import type { Project, Promotion, Round } from "../../data/api";
import { engine } from "../../data/engine";
import { Button } from "../../ui/button";
import { ChoiceField } from "../../ui/field";
import { ReasonDialog } from "../../ui/reason-dialog";
import { toast } from "../../ui/toasts";
import { ago, short } from "../../ui/words";
import { ancestorsOf, served } from "./lineage";
import { versionName } from "./words";

interface VersionCardProps {
  project: Project;
  promotions: readonly Promotion[];
  rounds: readonly Round[];
  onChanged: () => Promise<void>;
}

/** The model version that serves now, from which it grew, and the way back. */
export function VersionCard({ project, promotions, rounds, onChanged }: VersionCardProps) {
  const rollingBack = useSignal(false);
  const target = useSignal("");
  const activeId = project.active_version_id;
  const names = namesOf(promotions, rounds);
  const newest = promotions[0];
  const earlier = served(promotions, activeId);
  if (!activeId) return null;
  const ask = () => {
    target.value = earlier[0] ?? "";
    rollingBack.value = true;
  };
  const rollBack = async (reason: string) => {
    await engine.rollBack(project.id, { reason, to_version_id: target.value, seen_version_id: activeId });
    rollingBack.value = false;
    toast("Rolled back. Open images go on with their version until they are done.", { kind: "positive" });
    await onChanged();
  };
  const active = names.get(activeId);
  return (
    <section class="card" aria-label="Active version" data-testid="version-card" data-version-id={activeId}>
      <header>
        <h2>Active version</h2>
        <span class="space" />
        {earlier.length > 0 && (
          <Button small icon="undo" onClick={ask} testId="roll-back">
            Roll back
          </Button>
        )}
      </header>
      <p>
        <strong data-testid="active-version">{active ? versionName(active) : "…"}</strong>{" "}
        {active && <code>{short(active.digest)}</code>}{" "}
        {newest && <span class="quiet-text">since {ago(newest.created_at, Date.now())}</span>}
      </p>
      <Lineage ids={ancestorsOf(activeId, rounds)} names={names} />
      {rollingBack.value && (
        <ReasonDialog
          title="Roll back"
          submit="Roll back"
          required
          act={rollBack}
          onClose={() => (rollingBack.value = false)}
        >
          <div class="form">
            <p>
              The earlier version serves again within seconds. Proposals of the present one that nobody touched are
              withdrawn; what people accepted stays.
            </p>
            <ChoiceField
              label="To version"
              value={target}
              options={earlier.map((id) => [
                id,
                `${versionName(names.get(id))} (${short(names.get(id)?.digest ?? "")})`,
              ])}
              testId="rollback-version"
            />
          </div>
        </ReasonDialog>
      )}
    </section>
  );
}

type Name = { id: string; name: string; version: string; digest: string };

function namesOf(promotions: readonly Promotion[], rounds: readonly Round[]): Map<string, Name> {
  const versions = [
    ...promotions.flatMap((move) => [move.from_version, move.to_version]),
    ...rounds.flatMap((round) => [round.base_version, round.candidate_version]),
  ];
  return new Map(versions.flatMap((version) => (version ? [[version.id, version] as const] : [])));
}

function Lineage({ ids, names }: { ids: readonly string[]; names: ReadonlyMap<string, Name> }) {
  if (ids.length === 0) return null;
  return (
    <p class="quiet-text" data-testid="lineage">
      Grown from {ids.map((id) => versionName(names.get(id))).join(", which grew from ")}.
    </p>
  );
}
