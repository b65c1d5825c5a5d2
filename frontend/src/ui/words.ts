/** Numbers, sizes and times as people say them. */

const NUMBERS = new Intl.NumberFormat("en");

/** "1 image", "1,204 images"; `many` for words that do more than take an s. */
export function count(number: number, one: string, many = `${one}s`): string {
  return `${NUMBERS.format(number)} ${number === 1 ? one : many}`;
}

export function number(value: number): string {
  return NUMBERS.format(value);
}

/** Bytes in powers of 1000, as file managers show them. */
export function bytes(size: number): string {
  if (size < 1000) return count(size, "byte");
  let value = size;
  for (const unit of ["kB", "MB", "GB"]) {
    value /= 1000;
    if (value < 999.5) return `${value < 10 ? value.toFixed(1) : Math.round(value)} ${unit}`;
  }
  return `${(value / 1000).toFixed(1)} TB`;
}

/** "just now", "5 minutes ago", "yesterday", "3 March 2026". `now` in milliseconds since 1970. */
export function ago(time: string, now: number): string {
  const seconds = (now - Date.parse(time)) / 1000;
  if (seconds < 45) return "just now";
  if (seconds < 45 * 60) return `${count(Math.max(1, Math.round(seconds / 60)), "minute")} ago`;
  if (seconds < 22 * 3600) return `${count(Math.max(1, Math.round(seconds / 3600)), "hour")} ago`;
  const days = Math.round(seconds / 86_400);
  if (days <= 1) return "yesterday";
  if (days < 14) return `${days} days ago`;
  return new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "long", year: "numeric" }).format(new Date(time));
}

/** "about 40 seconds left", "about 3 minutes left". */
export function left(seconds: number): string {
  if (seconds < 10) return "a few seconds left";
  if (seconds < 55) return `about ${Math.ceil(seconds / 10) * 10} seconds left`;
  if (seconds < 55 * 60) return `about ${count(Math.round(seconds / 60) || 1, "minute")} left`;
  return `about ${count(Math.max(1, Math.round(seconds / 3600)), "hour")} left`;
}

/** The first twelve characters of a digest: enough to tell two apart by eye. */
export function short(digest: string): string {
  return digest.slice(0, 12);
}

/** The last part of a relative path. */
export function baseName(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1) || path;
}
