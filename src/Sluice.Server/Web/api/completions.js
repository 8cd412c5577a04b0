// Asking the server for an answer and reading it as it arrives.

import { EventStreamParser, readEvents } from './sse.js';

/**
 * Why there is no answer, or no more of it.
 * `kind`: `unreachable` (no server there), `unavailable` (503: loading or full), `key` (401), `refused` (any other
 * status), `failed` (the server said so within the stream), `cut` (the connection ended before the stream did).
 */
export class ApiError extends Error {
  constructor(kind, message, { status = null, code = null, param = null } = {}) {
    super(message);
    this.name = 'ApiError';
    this.kind = kind;
    this.status = status;
    this.code = code;
    this.param = param;
  }
}

/** Where a reader is in a stream: all that it needs to read on over another connection, or another page. */
export class StreamPosition {
  /** @param {string | null} streamId @param {string} lastEventId */
  constructor(streamId = null, lastEventId = '') {
    this.streamId = streamId;
    this.lastEventId = lastEventId;
  }
}

/**
 * @typedef {{ kind: 'begin' }
 *   | { kind: 'text', text: string }
 *   | { kind: 'finish', reason: string }
 *   | { kind: 'usage', usage: object, timings: object | null }} Piece
 */

/** Three keep-alives of the server missed, and some. */
const SILENCE_MS = 50_000;

/**
 * A connection that may die without a word. It counts as dead when nothing has come for too long, and when the network
 * comes back: what was open before it went seldom lives on, and going on from the last event costs little.
 */
class Lifeline {
  #abort = new AbortController();
  #timer = 0;
  #cut = () => this.cut();

  constructor() {
    addEventListener('online', this.#cut);
    this.alive();
  }

  get signal() {
    return this.#abort.signal;
  }

  /** Something came. */
  alive() {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(this.#cut, SILENCE_MS);
  }

  cut() {
    this.#abort.abort();
  }

  /** The connection is needed no longer; it is left as it is. */
  release() {
    clearTimeout(this.#timer);
    removeEventListener('online', this.#cut);
  }
}

/** GET or POST with the key; network failures and refusals become {@link ApiError}. */
export async function request(path, { key, ...options } = {}) {
  const headers = { ...options.headers };
  if (key) headers.Authorization = `Bearer ${key}`;
  let response;
  try {
    response = await fetch(path, { ...options, headers, cache: 'no-store' });
  } catch (error) {
    if (error?.name === 'AbortError') throw error;
    throw new ApiError('unreachable', 'The server cannot be reached.');
  }
  if (!response.ok) throw await refusal(response);
  return response;
}

/**
 * Starts a chat completion and yields its pieces until its end. Aborting stops the generation; a connection that only
 * breaks does not, so that {@link resumeChat} can go on with it. Sent again with the same `attempt`, it gets the answer
 * that the server may already have begun.
 * @param {object} body the request, in OpenAI's shape
 * @param {{ key?: string | null, signal: AbortSignal, position: StreamPosition, attempt: string }} options
 * @returns {AsyncGenerator<Piece>}
 */
export function streamChat(body, { key, signal, position, attempt }) {
  return read(position, { key, signal }, (connection) => request('v1/chat/completions', {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', Accept: 'text/event-stream', 'Idempotency-Key': attempt },
    body: JSON.stringify({ ...body, stream: true, stream_options: { include_usage: true } }),
    key,
    signal: connection,
  }));
}

/**
 * Goes on with an answer after what its reader already has.
 * @param {StreamPosition} position
 * @param {{ key?: string | null, signal: AbortSignal }} options
 * @returns {AsyncGenerator<Piece>}
 */
export function resumeChat(position, { key, signal }) {
  return read(position, { key, signal }, (connection) => request(`v1/streams/${encodeURIComponent(position.streamId)}/events`, {
    headers: { Accept: 'text/event-stream', ...(position.lastEventId && { 'Last-Event-ID': position.lastEventId }) },
    key,
    signal: connection,
  }));
}

/** Who stopped a stream: `request`, `no_reader`, `shutdown`; null where nobody did, or nobody knows any more. */
export async function stoppedBy(id, key) {
  try {
    return (await (await request(`v1/streams/${encodeURIComponent(id)}`, { key })).json()).stopped_by ?? null;
  } catch {
    return null;
  }
}

/** Opens a stream and yields its pieces; aborting the signal stops the generation. */
async function* read(position, { key, signal }, open) {
  signal.throwIfAborted();
  const line = new Lifeline();
  const answer = open(line.signal);
  // Whoever stops before the answer's head came still has to learn which stream to stop.
  const stop = () => answer.then((response) => stopStream(response.headers.get('Sluice-Stream'), key), () => stopStream(position.streamId, key))
    .finally(() => line.cut());
  signal.addEventListener('abort', stop);
  try {
    const response = await orAborted(answer, signal);
    if (response.status === 204) return; // it had everything
    position.streamId = response.headers.get('Sluice-Stream');
    yield { kind: 'begin' };
    yield* readChat(response, position, signal, line);
  } catch (error) {
    if (error?.name !== 'AbortError' || signal.aborted) throw error;
    throw new ApiError('unreachable', 'The connection broke before the answer began.'); // by its lifeline
  } finally {
    line.release();
    signal.removeEventListener('abort', stop);
  }
}

/** Ends a generation. A disconnect does not. */
async function stopStream(id, key) {
  if (id === null) return;
  try {
    await request(`v1/streams/${encodeURIComponent(id)}`, { method: 'DELETE', key, keepalive: true });
  } catch {
    // It is gone, or the server is: there is nothing left to stop, or its grace will.
  }
}

/** What the promise gives, or the abort, whichever comes first. */
function orAborted(promise, signal) {
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal.reason);
    signal.addEventListener('abort', abort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort));
  });
}

/** The pieces of an answer's body; `position` is kept up to date for a reader that has to connect again. */
async function* readChat(response, position, signal, line) {
  const type = response.headers.get('Content-Type') ?? '';
  if (!type.startsWith('text/event-stream')) {
    throw new ApiError('refused', `The server answered with ${type || 'no content type'} where a stream of events was expected.`);
  }

  const events = readEvents(response.body, new EventStreamParser(position.lastEventId), () => line.alive());
  try {
    for (;;) {
      const { done, value: event } = await orAborted(events.next(), signal);
      if (done) break;
      position.lastEventId = event.id;
      if (event.data === '[DONE]') return;
      yield* pieces(parse(event.data));
    }
  } catch (error) {
    if (error instanceof ApiError || signal.aborted) throw error;
    throw new ApiError('cut', 'The connection broke before the answer was complete.');
  } finally {
    events.return().catch(() => {}); // not awaited: after an abort it waits for the connection's end
  }
  throw new ApiError('cut', 'The server closed the connection before the answer was complete.');
}

function parse(data) {
  try {
    return JSON.parse(data);
  } catch {
    throw new ApiError('failed', 'The server sent an event that is not JSON.');
  }
}

function* pieces(chunk) {
  if (chunk.error) {
    const { message, code = null, param = null } = chunk.error;
    throw new ApiError('failed', message ?? 'The server reported an error.', { code, param });
  }
  const choice = chunk.choices?.[0];
  if (choice?.delta?.content) yield { kind: 'text', text: choice.delta.content };
  if (choice?.finish_reason) yield { kind: 'finish', reason: choice.finish_reason };
  if (chunk.usage) yield { kind: 'usage', usage: chunk.usage, timings: chunk.timings ?? null };
}

async function refusal(response) {
  let error = null;
  try {
    error = (await response.json()).error;
  } catch {
    // Not ours: a proxy's page, most likely. The status says what there is to say.
  }
  const kind = response.status === 401 ? 'key' : response.status === 503 ? 'unavailable' : 'refused';
  const message = error?.message ?? `The server answered ${response.status}${response.statusText ? ` (${response.statusText})` : ''}.`;
  return new ApiError(kind, message, { status: response.status, code: error?.code ?? null, param: error?.param ?? null });
}
