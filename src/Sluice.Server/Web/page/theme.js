// Light, dark, or whatever the system says.

import { icon } from './dom.js';
import { Kept } from './store.js';

const NEXT = { auto: 'light', light: 'dark', dark: 'auto' };
const NAMES = { auto: 'as the system', light: 'light', dark: 'dark' };
const ICONS = { auto: 'theme', light: 'sun', dark: 'moon' };
const kept = new Kept('theme', 1);

/** @param {HTMLButtonElement} button goes through the themes */
export function setUpTheme(button) {
  let theme = NEXT[kept.load()] ? kept.load() : 'auto';
  const show = () => {
    if (theme === 'auto') delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = theme;
    const label = `Theme: ${NAMES[theme]}. Change to ${NAMES[NEXT[theme]]}`;
    button.setAttribute('aria-label', label);
    button.title = label;
    button.replaceChildren(icon(ICONS[theme]));
  };
  button.addEventListener('click', () => {
    theme = NEXT[theme];
    kept.save(theme);
    show();
  });
  show();
}
