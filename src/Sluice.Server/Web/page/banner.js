// Tells how it stands with the server, while there is something to tell.

import { make } from './dom.js';

const ANNOUNCE_AFTER_MS = 600; // a server that answers at once needs no words

export class Banner {
  #element;
  #connection;
  #bar = make('progress', { max: 1, 'aria-label': 'Loading the model' });
  #text = make('span', {});
  #retry;
  #timer = 0;
  #countdown = 0;

  /** @param {HTMLElement} element @param {import('../api/connection.js').Connection} connection @param {() => void} onLocked */
  constructor(element, connection, onLocked) {
    this.#element = element;
    this.#connection = connection;
    this.#retry = make('button', { type: 'button', onclick: () => (connection.state.kind === 'locked' ? onLocked() : connection.check()) });
    element.append(this.#text, this.#bar, this.#retry);
    connection.addEventListener('change', () => this.#show());
    this.#timer = setTimeout(() => this.#show(), ANNOUNCE_AFTER_MS);
  }

  #show() {
    clearTimeout(this.#timer);
    clearInterval(this.#countdown);
    const { state } = this.#connection;
    this.#element.hidden = state.kind === 'ready';
    this.#element.dataset.kind = state.kind;
    this.#bar.hidden = state.kind !== 'loading';
    this.#retry.hidden = state.kind !== 'offline' && state.kind !== 'locked';
    switch (state.kind) {
      case 'connecting':
        this.#text.textContent = 'Connecting to the server…';
        break;
      case 'loading':
        this.#text.textContent = `Loading the model: ${Math.round(state.progress * 100)} %${state.activity ? ` · ${state.activity}` : ''}`;
        this.#bar.value = state.progress;
        break;
      case 'offline':
        this.#retry.textContent = 'Try now';
        this.#countDown(state.retryAt);
        this.#countdown = setInterval(() => this.#countDown(state.retryAt), 1000);
        break;
      case 'locked':
        this.#text.textContent = 'This server asks for an API key.';
        this.#retry.textContent = 'Enter the key';
        break;
    }
  }

  #countDown(until) {
    const seconds = Math.max(0, Math.ceil((until - Date.now()) / 1000));
    const text = `The server cannot be reached. Trying again ${seconds === 0 ? 'now' : `in ${seconds} s`}.`;
    if (this.#text.textContent !== text) this.#text.textContent = text;
  }
}
