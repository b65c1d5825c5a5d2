// Runs before the first paint, from its own file because the content security policy allows no inline script.
try {
  const chosen = localStorage.getItem("maskmill.theme");
  if (chosen === "light" || chosen === "dark") document.documentElement.dataset.theme = chosen;
} catch {
  // Storage can be forbidden by the browser's settings; the theme then follows the system.
  document.documentElement.removeAttribute("data-theme");
}
