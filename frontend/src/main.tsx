import { effect } from "@preact/signals";
import { render } from "preact";
import { App } from "./app";
import { watchConnection } from "./data/connection";
import { followVisibility, reconnect } from "./data/events";
import { reachable, signedIn } from "./data/http";
import { watchOutbox } from "./data/outbox";
import { watchAddress } from "./ui/router";
import { watchTheme } from "./ui/theme";
import "./styles/tokens.css";
import "./styles/base.css";
import "./styles/components.css";
import "./styles/pages.css";

watchTheme();
watchAddress();
watchConnection();
watchOutbox();
followVisibility(document);
effect(() => {
  if (reachable.value && signedIn.value) reconnect();
});

const root = document.getElementById("app");
if (root) render(<App />, root);
