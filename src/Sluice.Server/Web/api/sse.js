// Server-sent events as the WHATWG HTML standard defines them ("Parsing an event stream").
// The parser touches text only, never a socket, so a connection that resumes can feed a new parser and
// keep the last event id of the old one.

/** @typedef {{ type: string, data: string, id: string }} ServerEvent */

/** Text in, events out; pieces may be cut anywhere, between CR and LF too. */
export class EventStreamParser {
  /** The id that a reader sends back to resume; it outlives the event that brought it. */
  lastEventId = '';
  /** Milliseconds to wait before connecting again, where the server said so. */
  retry = null;

  #line = '';
  #afterCarriageReturn = false;
  #first = true;
  #type = '';
  #data = [];
  #id;

  constructor(lastEventId = '') {
    this.lastEventId = lastEventId;
    this.#id = lastEventId;
  }

  /**
   * @param {string} text
   * @returns {ServerEvent[]} the events that this piece completed
   */
  push(text) {
    if (this.#first && text.length > 0) {
      this.#first = false;
      if (text[0] === '\uFEFF') text = text.slice(1);
    }

    const events = [];
    let start = 0;
    for (let i = 0; i < text.length; i++) {
      const c = text[i];
      if (this.#afterCarriageReturn) {
        this.#afterCarriageReturn = false;
        if (c === '\n') {
          start = i + 1;
          continue;
        }
      }

      if (c !== '\n' && c !== '\r') continue;
      this.#afterCarriageReturn = c === '\r';
      const event = this.#endLine(this.#line + text.slice(start, i));
      if (event) events.push(event);
      this.#line = '';
      start = i + 1;
    }

    this.#line += text.slice(start);
    return events;
  }

  #endLine(line) {
    if (line === '') return this.#dispatch();
    const colon = line.indexOf(':');
    if (colon === 0) return null; // a comment: the server's keep-alive
    const field = colon < 0 ? line : line.slice(0, colon);
    let value = colon < 0 ? '' : line.slice(colon + 1);
    if (value[0] === ' ') value = value.slice(1);
    switch (field) {
      case 'event': this.#type = value; break;
      case 'data': this.#data.push(value); break;
      case 'id': if (!value.includes('\0')) this.#id = value; break;
      case 'retry': if (/^[0-9]+$/.test(value)) this.retry = Number(value); break;
    }
    return null;
  }

  #dispatch() {
    this.lastEventId = this.#id;
    const type = this.#type || 'message';
    const data = this.#data;
    this.#type = '';
    this.#data = [];
    return data.length === 0 ? null : { type, data: data.join('\n'), id: this.lastEventId };
  }
}

/**
 * The events of a response body, as they arrive. An event that the end of the body cuts short is dropped,
 * as the standard says. Whoever leaves before the last event aborts the fetch, or else the rest is still read.
 * @param {ReadableStream<Uint8Array>} body
 * @param {EventStreamParser} parser
 * @param {() => void} [arrived] told of every piece that comes, also of one that completes no event
 */
export async function* readEvents(body, parser, arrived) {
  const decoder = new TextDecoder(); // keeps a character that is split between two pieces
  const reader = body.getReader();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      arrived?.();
      yield* parser.push(decoder.decode(value, { stream: true }));
    }
  } finally {
    drain(reader);
  }
}

/** Takes what is left, so that the connection can be used again; cancelling the body would close it. */
async function drain(reader) {
  try {
    while (!(await reader.read()).done);
  } catch {
    // It broke or was aborted: nothing is left to take.
  }
}
