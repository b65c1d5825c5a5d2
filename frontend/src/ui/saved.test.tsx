// @vitest-environment happy-dom
import "fake-indexeddb/auto";
import { render } from "preact";
import { afterEach, beforeEach, expect, it } from "vitest";
import { reachable, setOrigin, signedIn } from "../data/http";
import { outbox } from "../data/outbox";
import { json, startServer, type TestServer, until } from "../data/server.test-kit";
import { OutboxList, SavedChip } from "./saved";

let server: TestServer;
/** What the server holds, in the order of arrival. */
let held: string[];

beforeEach(async () => {
  held = [];
  reachable.value = true;
  signedIn.value = true;
  server = await startServer(({ body }, response) => {
    held.push(String(body.id));
    json(response, 201, { ...body, revision: 1 });
  });
  setOrigin(server.url);
  // The simulated browser enforces the same-origin policy, as real ones do.
  (window as unknown as { happyDOM: { setURL(url: string): void } }).happyDOM.setURL(server.url);
  document.body.innerHTML = "";
  render(
    <>
      <SavedChip />
      <OutboxList />
    </>,
    document.body,
  );
  await outbox.open("ada");
});

afterEach(async () => {
  render(null, document.body);
  await server.stop();
});

function chip(): HTMLElement {
  const element = document.querySelector<HTMLElement>("[data-testid=save-chip]");
  if (!element) throw new Error("the page shows no save chip");
  return element;
}

function accept(id: string): Promise<void> {
  return outbox.accept("p", "i", { id, size: [1, 1], counts: "01", source: "click", prompts: [] });
}

it("never says saved while the server lacks an edit", async () => {
  const lies: string[] = [];
  const accepted: string[] = [];
  const watch = new MutationObserver(() => {
    if (chip().dataset.state === "saved" && accepted.some((id) => !held.includes(id))) lies.push(chip().innerText);
  });
  watch.observe(document.body, { subtree: true, childList: true, attributes: true, characterData: true });
  for (let index = 0; index < 10; index++) {
    const id = `m${index}`;
    const keeping = accept(id);
    accepted.push(id);
    await keeping;
  }
  await until(() => held.length === 10 && chip().dataset.state === "saved");
  watch.disconnect();
  expect(lies).toEqual([]);
  expect(chip().textContent).toBe("Saved");
});

it("says how many wait while the server is away", async () => {
  const { port } = server;
  await server.stop();
  await accept("a");
  await accept("b");
  await until(() => chip().textContent === "2 waiting (offline)");
  server = await startServer(({ body }, response) => json(response, 201, { ...body, revision: 1 }), port);
  await outbox.flush();
  await until(() => chip().dataset.state === "saved");
});

it("opens the list of edits that need attention, where they can be discarded", async () => {
  server.answer = (_, response) => json(response, 409, { error: "superseded", detail: "" });
  await accept("a");
  await until(() => chip().dataset.state === "attention");
  expect(chip().textContent).toBe("1 needs attention");
  chip().click();
  await until(() => document.querySelector("[data-testid=outbox-row]") !== null);
  expect(document.querySelector("[data-testid=outbox-row]")?.textContent).toContain("Somebody else replaced");
  const discard = [...document.querySelectorAll("button")].find((button) => button.textContent === "Discard mine");
  discard?.click();
  await until(() => chip().dataset.state === "saved");
});
