import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import { numbers } from "./golden";
import { sha256, sha256Plain } from "./sha256";

describe("sha256", () => {
  it("knows the standard's example", () => {
    expect(sha256Plain(new TextEncoder().encode("abc"))).toBe(
      "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
    );
  });

  it.each([0, 1, 55, 56, 63, 64, 65, 1000, 70000])("agrees with the platform on %i bytes", async (length) => {
    const random = numbers(length);
    const bytes = Uint8Array.from({ length }, () => random() * 256);
    const expected = createHash("sha256").update(bytes).digest("hex");
    expect(sha256Plain(bytes)).toBe(expected);
    expect(await sha256(bytes)).toBe(expected);
  });
});
