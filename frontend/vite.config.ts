import { fileURLToPath } from "node:url";
import { defaultClientConditions, defineConfig, type Plugin } from "vite";

const backend = process.env.MASKMILL_BACKEND ?? "http://127.0.0.1:8600";

/** The headers that the backend sends with every answer; without them the decoder runs with one thread. */
const headers = {
  "Cross-Origin-Opener-Policy": "same-origin",
  "Cross-Origin-Embedder-Policy": "require-corp",
  "Cross-Origin-Resource-Policy": "same-origin",
};

/** Refuses a build that would break the content security policy: no inline script or style may reach index.html. */
const noInline: Plugin = {
  name: "maskmill-no-inline",
  apply: "build",
  enforce: "post",
  generateBundle(_, bundle) {
    const page = bundle["index.html"];
    const source = page?.type === "asset" ? String(page.source) : "";
    if (/<style|\sstyle=|<script(?![^>]*\ssrc=)/.test(source)) {
      this.error("index.html contains inline script or style, which the content security policy forbids");
    }
  },
};

export default defineConfig({
  // The condition keeps ONNX Runtime's own glue file outside our worker chunk: bundled, two threads hang in a production build.
  resolve: { conditions: ["onnxruntime-web-use-extern-wasm", ...defaultClientConditions] },
  worker: { format: "es" },
  optimizeDeps: { exclude: ["onnxruntime-web"] },
  plugins: [noInline],
  server: { headers, proxy: { "/api": backend, "/login": backend } },
  preview: { headers },
  build: {
    outDir: fileURLToPath(new URL("../backend/static", import.meta.url)),
    emptyOutDir: true,
    target: "es2022",
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 800,
  },
});
