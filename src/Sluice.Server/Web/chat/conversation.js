// The messages of the one conversation, kept over a reload and shared by all pages that show it.

import { Kept } from '../page/store.js';

/**
 * @typedef {object} Message
 * @property {string} id
 * @property {'user' | 'assistant'} role
 * @property {string} text
 * @property {'done' | 'streaming' | 'stopped' | 'interrupted' | 'failed'} state
 * @property {{ kind: string, message: string, code: string | null, param: string | null }} [error]
 * @property {{ id: string, after: string }} [stream] the stream that it comes from while it does, and the last event that is in the text
 * @property {string} [finish] why the answer ended, by the server's word
 * @property {object} [figures] what {@link import('./meter.js').Meter} measured
 */

const SAVE_EVERY_MS = 1000;

/** Dispatches `elsewhere` when another page has changed it. */
export class Conversation extends EventTarget {
  /** @type {Message[]} */
  messages = [];
  #kept = new Kept('conversation', 1);
  #timer = 0;
  #left = false;

  constructor() {
    super();
    this.messages = this.#load();
    for (const message of this.messages) {
      if (message.state === 'streaming' && !(message === this.last && message.stream)) message.state = 'interrupted';
    }
    this.#kept.onChangeElsewhere(() => this.dispatchEvent(new Event('elsewhere')));
    // Leaving the page breaks the answer that is on its way. That is no failure to keep: it goes on when the page is back.
    addEventListener('pagehide', () => {
      this.save();
      this.#left = true;
    });
    addEventListener('pageshow', () => { this.#left = false; });
  }

  get last() {
    return this.messages.at(-1) ?? null;
  }

  /** Takes over what another page has kept; says whether it did. An answer that has no stream yet cannot be shared yet. */
  adopt() {
    const messages = this.#load();
    const last = messages.at(-1);
    if (last?.state === 'streaming' && !last.stream) return false;
    this.messages = messages;
    return true;
  }

  /** @returns {Message} */
  add(role, text, state) {
    const message = { id: crypto.getRandomValues(new Uint32Array(2)).join('-'), role, text, state };
    this.messages.push(message);
    this.save();
    return message;
  }

  removeLast() {
    this.messages.pop();
    this.save();
  }

  /** Empties it and returns what it had. */
  clear() {
    const { messages } = this;
    this.replace([]);
    return messages;
  }

  replace(messages) {
    this.messages = messages;
    this.save();
  }

  /** The exchanges before a question, for the server. Questions that have no answer are left out with it. */
  turnsBefore(question) {
    const turns = [];
    const end = this.messages.indexOf(question);
    for (let i = 0; i + 1 < end; i++) {
      const [asked, answer] = [this.messages[i], this.messages[i + 1]];
      if (asked.role !== 'user' || answer.role !== 'assistant' || answer.text === '') continue;
      turns.push({ role: 'user', content: asked.text }, { role: 'assistant', content: answer.text });
    }
    return turns;
  }

  #load() {
    const kept = this.#kept.load();
    return Array.isArray(kept) ? kept.filter(isMessage) : [];
  }

  save() {
    clearTimeout(this.#timer);
    this.#timer = 0;
    if (this.#left) return;
    this.#kept.save(this.messages);
  }

  /** For changes that come with every token. */
  saveSoon() {
    if (this.#timer === 0) this.#timer = setTimeout(() => this.save(), SAVE_EVERY_MS);
  }
}

function isMessage(value) {
  return value && typeof value.id === 'string' && typeof value.text === 'string' && (value.role === 'user' || value.role === 'assistant');
}
