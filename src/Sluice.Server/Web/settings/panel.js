// The settings as a form. Every change counts at once; a value that is not allowed is marked and does not count.

import { make } from '../page/dom.js';
import { NUMBERS, PACES, isValid } from './settings.js';

/**
 * @param {HTMLDialogElement} dialog
 * @param {import('./settings.js').Settings} settings
 */
export function setUpPanel(dialog, settings) {
  const numbers = dialog.querySelector('[data-numbers]');
  const fields = [
    ...Object.keys(NUMBERS).map((name) => numberField(name, settings, numbers)),
    textField('stop', dialog.querySelector('#setting-stop'), settings),
    textField('system', dialog.querySelector('#setting-system'), settings),
    paceField(dialog.querySelector('[data-paces]'), settings),
  ];
  const reset = dialog.querySelector('[data-reset]');
  const refresh = () => {
    reset.disabled = settings.areDefault;
    fields.forEach((show) => show());
  };
  reset.addEventListener('click', () => settings.reset());
  settings.addEventListener('change', refresh);
  dialog.addEventListener('click', (event) => {
    if (event.target === dialog) dialog.close(); // beside the panel
  });
  dialog.addEventListener('close', refresh); // what was marked as wrong goes back to what counts
  refresh();
}

function numberField(name, settings, parent) {
  const { label, hint, min, max, step, limit, optional, slider } = NUMBERS[name];
  const id = `setting-${name}`;
  const input = make('input', {
    id, type: 'number', inputMode: step === 1 ? 'numeric' : 'decimal', min, max: limit, step, placeholder: optional ? 'auto' : '',
    autocomplete: 'off', 'aria-describedby': `${id}-hint`,
  });
  const range = slider === false ? null : make('input', { type: 'range', min, max, step, 'aria-label': label });
  const read = () => {
    const value = input.value.trim() === '' && !input.validity.badInput ? null : Number(input.value);
    const valid = !input.validity.badInput && isValid(name, value);
    input.setAttribute('aria-invalid', String(!valid));
    if (valid) settings.set(name, value);
  };
  input.addEventListener('input', read);
  range?.addEventListener('input', () => settings.set(name, Number(range.value)));
  parent.append(make('div', { class: 'field' },
    make('label', { htmlFor: id }, label), input, range,
    make('p', { class: 'hint', id: `${id}-hint` }, hint)));
  return () => {
    const value = settings.get(name);
    if (document.activeElement !== input || input.getAttribute('aria-invalid') !== 'true') {
      if (input.value === '' ? value !== null : Number(input.value) !== value) input.value = value ?? '';
      input.setAttribute('aria-invalid', 'false');
    }
    if (range) range.value = String(value ?? max);
  };
}

function textField(name, area, settings) {
  area.addEventListener('input', () => settings.set(name, area.value));
  return () => {
    if (area.value !== settings.get(name)) area.value = settings.get(name);
  };
}

function paceField(parent, settings) {
  const inputs = Object.entries(PACES).map(([value, label]) => {
    const input = make('input', { type: 'radio', name: 'pace', value });
    input.addEventListener('change', () => settings.set('pace', value));
    parent.append(make('label', {}, input, make('span', {}, label)));
    return input;
  });
  return () => inputs.forEach((input) => { input.checked = input.value === settings.get('pace'); });
}
