/** Who is signed in. Loaded once; asked again after a sign-in elsewhere in this browser. */
import { signal } from "@preact/signals";
import { type Actor, api } from "./api";
import { signedIn } from "./http";
import { outbox } from "./outbox";

export const me = signal<Actor | undefined>(undefined);

/** Asks who is signed in and, if somebody is, lets the outbox send what that account left on this device. */
export async function openSession(): Promise<boolean> {
  const actor = await api.me();
  signedIn.value = true;
  if (me.value?.id !== actor.id) await outbox.open(actor.id);
  me.value = actor;
  return true;
}
