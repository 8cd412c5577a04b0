// Whether the server is there, loading or gone; asks again by itself until it is there.

import { ApiError, request } from './completions.js';

const LOADING_MS = 400;
const FIRST_RETRY_MS = 1000;
const LONGEST_RETRY_MS = 10_000;

/** A server that is there has said so by then; a connection that died without a word never will. */
const PATIENCE_MS = 10_000;

/**
 * @typedef {{ kind: 'connecting' }
 *   | { kind: 'loading', progress: number, activity: string }
 *   | { kind: 'offline', retryAt: number }
 *   | { kind: 'locked', refused: boolean }
 *   | { kind: 'ready', model: { id: string, description: string, contextLength: number | null } }} ConnectionState
 */

/** Dispatches `change` whenever {@link Connection.state} does. */
export class Connection extends EventTarget {
  /** @type {ConnectionState} */
  state = { kind: 'connecting' };
  #keys;
  #timer = 0;
  #delay = FIRST_RETRY_MS;
  #attempt = 0;

  /** @param {{ get(): string | null }} keys where the API key is, if there is one */
  constructor(keys) {
    super();
    this.#keys = keys;
    addEventListener('online', () => this.check());
    document.addEventListener('visibilitychange', () => {
      if (document.visibilityState === 'visible' && this.state.kind !== 'ready') this.check();
    });
  }

  get isReady() {
    return this.state.kind === 'ready';
  }

  /** Resolves once the server is ready; rejects when the signal aborts. */
  whenReady(signal) {
    return new Promise((resolve, reject) => {
      const look = () => {
        if (signal?.aborted) reject(signal.reason);
        else if (this.isReady) resolve();
        else return;
        this.removeEventListener('change', look);
        signal?.removeEventListener('abort', look);
      };
      this.addEventListener('change', look);
      signal?.addEventListener('abort', look);
      look();
    });
  }

  /** Asks now. */
  async check() {
    clearTimeout(this.#timer);
    const attempt = ++this.#attempt;
    const next = await this.#ask();
    if (attempt === this.#attempt) this.#set(next);
  }

  async #ask() {
    const key = this.#keys.get();
    try {
      const health = await this.#health();
      if (health) return health;
      const list = await (await request('v1/models', { key, signal: AbortSignal.timeout(PATIENCE_MS) })).json();
      const model = list.data[0];
      return {
        kind: 'ready',
        model: { id: model.id, description: model.description ?? '', contextLength: model.max_model_len ?? null },
      };
    } catch (error) {
      if (error instanceof ApiError && error.kind === 'key') return { kind: 'locked', refused: key !== null };
      return { kind: 'offline', retryAt: Date.now() + this.#delay };
    }
  }

  /** Null where the server is ready. */
  async #health() {
    let response;
    try {
      response = await fetch('health', { cache: 'no-store', signal: AbortSignal.timeout(PATIENCE_MS) });
    } catch {
      throw new ApiError('unreachable', 'The server cannot be reached.');
    }
    if (response.ok) return null;
    if (response.status !== 503) throw new ApiError('unreachable', `The server answered ${response.status}.`);
    const { progress = 0, activity = '' } = await response.json();
    return { kind: 'loading', progress, activity };
  }

  #set(state) {
    this.state = state;
    if (state.kind === 'offline') {
      this.#timer = setTimeout(() => this.check(), this.#delay);
      this.#delay = Math.min(2 * this.#delay, LONGEST_RETRY_MS);
    } else {
      this.#delay = FIRST_RETRY_MS;
      if (state.kind === 'loading') this.#timer = setTimeout(() => this.check(), LOADING_MS);
    }
    this.dispatchEvent(new Event('change'));
  }
}
