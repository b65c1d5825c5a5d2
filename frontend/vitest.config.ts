import { defineConfig } from "vitest/config";

/** Tests run under Node; a file that needs a page starts with a `@vitest-environment happy-dom` comment. */
export default defineConfig({
  test: {
    include: ["src/**/*.test.{ts,tsx}"],
    environment: "node",
    maxWorkers: 1,
    testTimeout: 20_000,
    restoreMocks: true,
  },
});
