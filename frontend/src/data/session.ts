/** Who is signed in. Loaded once; asked again after a sign-in elsewhere in this browser. */
import { signal } from "@preact/signals";
import { type Actor, api } from "./api";
import { signedIn } from "./http";
import { outbox } from "./outbox";

export const me = signal<Actor | undefined>(undefined);

/** True while the page shows because a sign-in link was refused: the server answers /login with it only then. */
export const linkRefused = signal(false);

/** Called once, before the address is read: remembers the refusal and takes the used link out of the address bar. */
export function noticeRefusedLink(page: Window): void {
  if (page.location.pathname !== "/login") return;
  linkRefused.value = true;
  page.history.replaceState(null, "", "/");
}

/** Asks who is signed in and, if somebody is, lets the outbox send what that account left on this device. */
export async function openSession(): Promise<boolean> {
  const actor = await api.me();
  signedIn.value = true;
  linkRefused.value = false;
  if (me.value?.id !== actor.id) await outbox.open(actor.id);
  me.value = actor;
  return true;
}
