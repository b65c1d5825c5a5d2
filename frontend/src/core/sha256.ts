/** SHA-256 (FIPS 180-4). The browser's own is absent where the page is not served from a secure context. */

const ROUNDS = constants((prime) => prime ** (1 / 3), 64);
const START = constants((prime) => prime ** (1 / 2), 8);

/** First 32 bits of the fractional part of a root of each of the first primes. */
function constants(root: (prime: number) => number, count: number): Uint32Array {
  const words: number[] = [];
  for (let candidate = 2; words.length < count; candidate += 1) {
    let prime = true;
    for (let divisor = 2; divisor * divisor <= candidate && prime; divisor += 1) prime = candidate % divisor !== 0;
    if (prime) words.push(((root(candidate) % 1) * 2 ** 32) >>> 0);
  }
  return Uint32Array.from(words);
}

/** Lower-case hexadecimal SHA-256 of bytes. */
export async function sha256(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  if (!globalThis.crypto?.subtle) return sha256Plain(bytes);
  return hex(new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)));
}

function hex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** The same without the platform's help. */
export function sha256Plain(bytes: Uint8Array): string {
  const padded = pad(bytes);
  const view = new DataView(padded.buffer);
  const state = Uint32Array.from(START);
  const schedule = new Uint32Array(64);
  for (let offset = 0; offset < padded.length; offset += 64) {
    for (let word = 0; word < 16; word += 1) schedule[word] = view.getUint32(offset + word * 4);
    block(state, schedule);
  }
  return Array.from(state, (word) => word.toString(16).padStart(8, "0")).join("");
}

function pad(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  const padded = new Uint8Array(Math.ceil((bytes.length + 9) / 64) * 64);
  padded.set(bytes);
  padded[bytes.length] = 0x80;
  const view = new DataView(padded.buffer);
  view.setUint32(padded.length - 8, Math.floor(bytes.length / 2 ** 29));
  view.setUint32(padded.length - 4, (bytes.length << 3) >>> 0);
  return padded;
}

function block(state: Uint32Array, schedule: Uint32Array): void {
  const turn = (word: number, by: number) => (word >>> by) | (word << (32 - by));
  const at = (index: number) => schedule[index] as number;
  for (let word = 16; word < 64; word += 1) {
    const low = turn(at(word - 15), 7) ^ turn(at(word - 15), 18) ^ (at(word - 15) >>> 3);
    const high = turn(at(word - 2), 17) ^ turn(at(word - 2), 19) ^ (at(word - 2) >>> 10);
    schedule[word] = at(word - 16) + low + at(word - 7) + high;
  }
  let [a, b, c, d, e, f, g, h] = state as unknown as [number, number, number, number, number, number, number, number];
  for (let word = 0; word < 64; word += 1) {
    const one =
      h + (turn(e, 6) ^ turn(e, 11) ^ turn(e, 25)) + ((e & f) ^ (~e & g)) + (ROUNDS[word] as number) + at(word);
    const two = (turn(a, 2) ^ turn(a, 13) ^ turn(a, 22)) + ((a & b) ^ (a & c) ^ (b & c));
    [h, g, f, e, d, c, b, a] = [g, f, e, (d + one) | 0, c, b, a, (one + two) | 0];
  }
  [a, b, c, d, e, f, g, h].forEach((word, index) => {
    state[index] = (state[index] as number) + word;
  });
}
