import { reachable } from "../data/http";
import { outbox } from "../data/outbox";
import { Icon } from "./icon";

/** Shown while the server does not answer. */
export function OfflineBanner() {
  if (reachable.value) return null;
  const waiting = outbox.entries.value.length;
  return (
    <div class="banner" role="status" data-testid="offline-banner">
      <Icon name="offline" />
      The server does not answer. {waiting > 0 ? "Your edits are safe on this device." : "Trying again …"}
    </div>
  );
}
