// Puts text on the page, at most once a frame. It never changes what is measured: figures count arrivals.
//
// 'live' shows what has arrived. 'smooth' spreads a burst over about a quarter of a second, so that a fast model
// types instead of appearing. 'reading' types at the speed of a quick reader, however fast the model is.

const SMOOTH_TIME_CONSTANT_MS = 250;
const SMOOTH_LEAST_PER_MS = 0.15; // characters
const READING_PER_MS = 0.12;
const HIDDEN_INTERVAL_MS = 200; // a hidden page gets no frames

export class Typist {
  #pace;
  #emit;
  #waiting = '';
  #ended = false;
  #last = 0;
  #credit = 0;
  #scheduled = false;
  #done;

  /** Resolves when everything has been shown after {@link end}. */
  finished = new Promise((resolve) => { this.#done = resolve; });

  /**
   * @param {'live' | 'smooth' | 'reading'} pace
   * @param {(text: string) => void} emit shows text
   */
  constructor(pace, emit) {
    this.#pace = matchMedia('(prefers-reduced-motion: reduce)').matches ? 'live' : pace;
    this.#emit = emit;
  }

  push(text) {
    if (this.#waiting === '') this.#last = performance.now();
    this.#waiting += text;
    this.#schedule();
  }

  /** No more will come; what waits is still typed. */
  end() {
    this.#ended = true;
    if (this.#waiting === '') this.#done();
    else this.#schedule();
  }

  /** Shows what waits at once. */
  hurry() {
    this.#pace = 'live';
    this.#schedule();
  }

  #schedule() {
    if (this.#scheduled) return;
    this.#scheduled = true;
    if (document.hidden) setTimeout(() => this.#step(performance.now()), HIDDEN_INTERVAL_MS);
    else requestAnimationFrame((now) => this.#step(now));
  }

  #step(now) {
    this.#scheduled = false;
    const length = Math.min(this.#waiting.length, this.#due(now));
    if (length > 0) {
      const end = wholeCharacters(this.#waiting, length);
      const text = this.#waiting.slice(0, end);
      this.#waiting = this.#waiting.slice(end);
      this.#emit(text);
    }
    if (this.#waiting !== '') this.#schedule();
    else if (this.#ended) this.#done();
  }

  /** How many characters may be shown now. */
  #due(now) {
    const elapsed = Math.max(1, now - this.#last);
    this.#last = now;
    if (this.#pace === 'live' || document.hidden) return Infinity;
    const perMs = this.#pace === 'reading'
      ? READING_PER_MS
      : Math.max(SMOOTH_LEAST_PER_MS, this.#waiting.length / SMOOTH_TIME_CONSTANT_MS);
    // The first character never waits.
    this.#credit = Math.max(1, this.#credit + perMs * elapsed);
    const whole = Math.floor(this.#credit);
    this.#credit -= whole;
    return whole;
  }
}

/** `length`, or one more where it would part the two halves of a character. */
function wholeCharacters(text, length) {
  const code = text.charCodeAt(length - 1);
  return code >= 0xd800 && code < 0xdc00 && length < text.length ? length + 1 : length;
}
