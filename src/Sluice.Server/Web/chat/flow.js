// When the pieces of an answer arrived, as a small drawing: time from left to right, arrivals as height. A wait is
// a row of crumbs, a steady stream an even wall, a stall a hole in it.

const BINS = 60;
const LEAST_SHOWN = 24;
const HEIGHT = 18;
const STEP = 4;
const SVG = 'http://www.w3.org/2000/svg';

/** Counts by time. When the time outgrows the bins, they merge in pairs, so that adding costs the same always. */
export class Flow {
  #width = 8; // milliseconds of a bin
  #counts = [0];

  add(ms) {
    this.reach(ms);
    this.#counts[Math.floor(ms / this.#width)]++;
  }

  /** Time has passed, whether or not anything came. */
  reach(ms) {
    while (ms >= this.#width * BINS) this.#merge();
    const last = Math.floor(ms / this.#width);
    while (this.#counts.length <= last) this.#counts.push(0);
  }

  get data() {
    return { width: this.#width, counts: this.#counts };
  }

  #merge() {
    this.#width *= 2;
    const merged = [];
    for (let i = 0; i < this.#counts.length; i += 2) merged.push(this.#counts[i] + (this.#counts[i + 1] ?? 0));
    this.#counts = merged;
  }
}

export class FlowDrawing {
  element = document.createElementNS(SVG, 'svg');
  #waits = document.createElementNS(SVG, 'path');
  #arrivals = document.createElementNS(SVG, 'path');

  constructor() {
    this.element.setAttribute('class', 'flow');
    this.element.setAttribute('aria-hidden', 'true');
    this.element.setAttribute('preserveAspectRatio', 'none');
    this.#waits.setAttribute('class', 'waits');
    this.#arrivals.setAttribute('class', 'arrivals');
    this.element.append(this.#waits, this.#arrivals);
  }

  /** @param {{ counts: number[] }} flow */
  draw({ counts }) {
    const highest = Math.max(...counts, 1);
    const bins = Math.max(LEAST_SHOWN, counts.length);
    this.element.setAttribute('viewBox', `0 0 ${bins * STEP} ${HEIGHT}`);
    let waits = '';
    let arrivals = '';
    counts.forEach((count, i) => {
      const x = i * STEP + STEP / 2;
      // By the square root, so that one token in a bin is seen beside ten in another.
      if (count === 0) waits += `M${x} ${HEIGHT}v-2`;
      else arrivals += `M${x} ${HEIGHT}v${(-HEIGHT * Math.max(0.2, Math.sqrt(count / highest))).toFixed(1)}`;
    });
    this.#waits.setAttribute('d', waits);
    this.#arrivals.setAttribute('d', arrivals);
  }
}
