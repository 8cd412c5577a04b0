// How answers are sampled and shown: the values, their limits, and the request they make.

import { Kept } from '../page/store.js';

/**
 * The numbers. The slider goes from `min` to `max`, the field up to `limit`. Where `optional` is set, an empty field
 * leaves the choice to the server.
 */
export const NUMBERS = {
  temperature: { label: 'Temperature', value: 0.7, min: 0, max: 2, step: 0.05, limit: 100, hint: '0 always takes the likeliest token; higher is more surprising.' },
  top_k: { label: 'Top k', value: 40, min: 0, max: 200, step: 1, limit: 2 ** 31 - 1, hint: 'Chooses among the k likeliest tokens; 0 among all.' },
  top_p: { label: 'Top p', value: 0.95, min: 0.01, max: 1, step: 0.01, limit: 1, hint: 'Keeps the fewest tokens that together are this likely.' },
  min_p: { label: 'Min p', value: 0.05, min: 0, max: 1, step: 0.01, limit: 1, hint: 'Drops tokens this much less likely than the likeliest.' },
  repeat_penalty: { label: 'Repeat penalty', value: 1, min: 1, max: 2, step: 0.01, limit: 100, hint: 'Above 1, words that have come up are less likely to come again.' },
  max_tokens: { label: 'Longest answer', value: 512, min: 1, max: 4096, step: 1, limit: 2 ** 31 - 1, optional: true, hint: 'In tokens. Empty: to the end of the context.' },
  seed: { label: 'Seed', value: null, min: 0, max: Number.MAX_SAFE_INTEGER, step: 1, limit: Number.MAX_SAFE_INTEGER, optional: true, slider: false, hint: 'The same seed gives the same answer. Empty: a new one each time.' },
  history: { label: 'Earlier exchanges', value: null, min: 0, max: 1000, step: 1, limit: 1000, optional: true, slider: false, hint: 'How many are sent along with a question. Empty: all.' },
};

export const PACES = {
  live: 'The moment it arrives',
  smooth: 'Smoothly',
  reading: 'At reading pace',
};

const DEFAULTS = {
  ...Object.fromEntries(Object.entries(NUMBERS).map(([name, { value }]) => [name, value])),
  stop: '',
  system: '',
  pace: 'smooth',
};

/** Dispatches `change`. */
export class Settings extends EventTarget {
  #kept = new Kept('settings', 1);
  #values = { ...DEFAULTS };

  constructor() {
    super();
    const kept = this.#kept.load() ?? {};
    for (const name of Object.keys(DEFAULTS)) {
      if (name in kept && isValid(name, kept[name])) this.#values[name] = kept[name];
    }
  }

  get(name) {
    return this.#values[name];
  }

  get areDefault() {
    return Object.entries(DEFAULTS).every(([name, value]) => this.#values[name] === value);
  }

  set(name, value) {
    if (!isValid(name, value)) throw new RangeError(`${value} is no value for ${name}.`);
    this.#values[name] = value;
    this.#kept.save(this.#values);
    this.dispatchEvent(new Event('change'));
  }

  reset() {
    this.#values = { ...DEFAULTS };
    this.#kept.forget();
    this.dispatchEvent(new Event('change'));
  }

  /** The sampler's part of a request. */
  sampling() {
    const { history: _, stop: __, system: ___, pace: ____, ...numbers } = this.#values;
    const fields = Object.fromEntries(Object.entries(numbers).filter(([, value]) => value !== null));
    const stop = stopStrings(this.#values.stop);
    return stop.length > 0 ? { ...fields, stop } : fields;
  }

  /** What stands before the question: the system prompt and as many earlier exchanges as wanted. */
  context(turns) {
    const { history, system } = this.#values;
    const wanted = history === null ? turns : history === 0 ? [] : turns.slice(-2 * history);
    return system.trim() ? [{ role: 'system', content: system.trim() }, ...wanted] : wanted;
  }
}

/** One string to a line; \n and \t stand for what they usually do. */
export function stopStrings(text) {
  return text.split('\n').filter((line) => line !== '').map((line) => line.replaceAll('\\n', '\n').replaceAll('\\t', '\t'));
}

export function isValid(name, value) {
  const number = NUMBERS[name];
  if (!number) return name === 'pace' ? Object.hasOwn(PACES, value) : typeof value === 'string';
  if (value === null) return number.optional === true;
  const whole = number.step === 1;
  return typeof value === 'number' && value >= number.min && value <= number.limit && (!whole || Number.isInteger(value));
}
