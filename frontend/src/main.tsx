import { effect } from "@preact/signals";
import { render } from "preact";
import { App } from "./app";
import { watchConnection } from "./data/connection";
import { followVisibility, reconnect } from "./data/events";
import { reachable, signedIn } from "./data/http";
import { watchOutbox } from "./data/outbox";
import { noticeRefusedLink } from "./data/session";
import { guardUploads } from "./data/uploads";
import { watchAddress } from "./ui/router";
import { watchTheme } from "./ui/theme";
import "./styles/tokens.css";
import "./styles/base.css";
import "./styles/controls.css";
import "./styles/frame.css";
import "./styles/overlays.css";
import "./styles/pages.css";
import "./styles/project.css";

watchTheme();
noticeRefusedLink(window);
watchAddress();
watchConnection();
watchOutbox();
followVisibility(document);
guardUploads(window);
effect(() => {
  if (reachable.value && signedIn.value) reconnect();
});

const root = document.getElementById("app");
if (root) render(<App />, root);
