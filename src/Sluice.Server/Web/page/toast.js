// A short message at the bottom of the page that goes away by itself.

import { make } from './dom.js';

const SHOWN_MS = 6000;

export class Toast {
  #element;
  #timer = 0;

  constructor(element) {
    this.#element = element;
  }

  /** @param {{ label: string, run: () => void }} [action] */
  show(message, action) {
    clearTimeout(this.#timer);
    const button = action && make('button', { type: 'button', onclick: () => { this.hide(); action.run(); } }, action.label);
    this.#element.replaceChildren(make('span', {}, message), ...(button ? [button] : []));
    this.#element.classList.add('shown');
    this.#timer = setTimeout(() => this.hide(), SHOWN_MS);
  }

  hide() {
    clearTimeout(this.#timer);
    this.#element.classList.remove('shown');
    this.#element.replaceChildren();
  }
}
