// Runs before the first paint, so that a chosen theme does not flash in the other one. Not a module: those wait.
try {
  const kept = JSON.parse(localStorage.getItem('sluice.theme'));
  if (kept && (kept.value === 'light' || kept.value === 'dark')) document.documentElement.dataset.theme = kept.value;
} catch {
  // The system's theme it is.
}
