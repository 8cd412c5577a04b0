// What the reader sees of the server's speed, by the reader's own clock.

import { Flow } from './flow.js';

/**
 * @typedef {object} Figures
 * @property {number | null} ttft milliseconds from sending the question to the first text
 * @property {number | null} rate tokens per second after the first one
 * @property {number} tokens by the server's count; by the chunks that came, until it gives one
 * @property {number} total milliseconds from sending to the last piece
 * @property {object | null} usage
 * @property {object | null} timings the server's own
 * @property {{ width: number, counts: number[] }} flow
 */

export class Meter {
  #resumed;
  #start = performance.now();
  #first = null;
  #last = null;
  #chunks = 0;
  #usage = null;
  #timings = null;
  #flow = new Flow();

  /** @param {boolean} resumed whether the answer began on another page, whose clock is lost: then the server's figures count */
  constructor(resumed = false) {
    this.#resumed = resumed;
  }

  /** A piece of text arrived. */
  text() {
    const now = performance.now();
    this.#first ??= now;
    this.#last = now;
    this.#chunks++;
    this.#flow.add(now - this.#start);
  }

  usage(usage, timings) {
    this.#usage = usage;
    this.#timings = timings;
  }

  /** @param {boolean} live whether more may come @returns {Figures} */
  figures(live) {
    const end = live ? performance.now() : this.#last ?? performance.now();
    const tokens = this.#usage?.completion_tokens ?? this.#chunks;
    if (live) this.#flow.reach(end - this.#start);
    const ownTtft = this.#first === null ? null : this.#first - this.#start;
    const ownRate = this.#rate(tokens, this.#last ?? end);
    return {
      ttft: this.#resumed ? this.#timings?.ttft_ms ?? null : ownTtft,
      rate: this.#resumed && this.#usage ? this.#timings?.decode_tokens_per_second ?? null : ownRate,
      tokens,
      total: end - this.#start,
      usage: this.#usage,
      timings: this.#timings,
      flow: this.#flow.data,
    };
  }

  #rate(tokens, end) {
    const time = end - this.#first;
    if (this.#first === null || tokens < 2) return null;
    // Tokens that came in one piece have no time between them here; the server knows.
    return time >= 1 ? ((tokens - 1) * 1000) / time : this.#timings?.decode_tokens_per_second ?? null;
  }
}

/** @param {number} ms */
export function duration(ms) {
  if (ms < 9.95) return `${ms.toFixed(1)} ms`;
  if (ms < 999.5) return `${Math.round(ms)} ms`;
  if (ms < 59_950) return `${(ms / 1000).toFixed(ms < 9995 ? 2 : 1)} s`;
  return `${Math.floor(ms / 60_000)} min ${Math.round((ms % 60_000) / 1000)} s`;
}

export function rate(perSecond) {
  return perSecond < 99.5 ? perSecond.toFixed(1) : Math.round(perSecond).toLocaleString('en');
}

export function count(number) {
  return number.toLocaleString('en');
}
