// The chat itself: a question goes out, an answer comes in, one at a time.

import { ApiError, StreamPosition, resumeChat, stoppedBy, streamChat } from '../api/completions.js';
import { Meter } from './meter.js';
import { Typist } from './typist.js';

const MEASURE_EVERY_MS = 100;
const RECONNECT_AFTER_MS = 250;

/** How often a connection may break in a row without anything having come over it. */
const MOST_FRUITLESS_CUTS = 5;

/** What a page that was closed for too long is told of its answer. */
const TOO_LATE = ['stream_not_found', 'stream_gone', 'events_gone'];

const TITLES = {
  unreachable: 'The server cannot be reached',
  unavailable: 'The server is not ready',
  key: 'The server asks for a key',
  refused: 'The server refused the request',
  failed: 'The answer failed',
  cut: 'The answer broke off',
};

/** Dispatches `change` when an answer begins or ends, `grow` when the page may have to follow. */
export class Chat extends EventTarget {
  #conversation;
  #connection;
  #settings;
  #keys;
  #list;
  #running = null;

  constructor({ conversation, connection, settings, keys, list }) {
    super();
    this.#conversation = conversation;
    this.#connection = connection;
    this.#settings = settings;
    this.#keys = keys;
    this.#list = list;
    this.#show();
    conversation.addEventListener('elsewhere', () => {
      // While an answer is on its way here, what another page shows of it is the same.
      if (!this.isRunning && conversation.adopt()) this.#show();
    });
  }

  /** Shows the conversation as it is, and goes on with an answer that is on its way. */
  #show() {
    const { last, messages } = this.#conversation;
    this.#list.replace(messages);
    if (last?.error) this.#showError(this.#list.lastAnswer, last.error);
    if (last?.state === 'streaming') queueMicrotask(() => this.#goOn(last, this.#list.lastAnswer)); // the page is put together first
    else this.#changed();
  }

  get isRunning() {
    return this.#running !== null;
  }

  get isEmpty() {
    return this.#conversation.messages.length === 0;
  }

  /** @param {string} text */
  ask(text) {
    if (this.isRunning) return;
    this.#list.addQuestion(this.#conversation.add('user', text, 'done'));
    this.#answer({});
  }

  /** Throws the last answer away and asks for another. */
  regenerate(options = {}) {
    if (this.isRunning || this.#conversation.last?.role !== 'assistant') return;
    this.#conversation.removeLast();
    this.#list.removeLastAnswer();
    this.#answer(options);
  }

  /** Ends the answer that is on its way. */
  stop() {
    this.#running?.stop();
  }

  /** Starts anew; returns what undoes it. */
  clear() {
    this.stop();
    const messages = this.#conversation.clear();
    const show = () => {
      this.#list.replace(this.#conversation.messages);
      this.#changed();
    };
    show();
    return () => {
      this.#conversation.replace([...messages, ...this.#conversation.messages]);
      show();
    };
  }

  async #answer({ withoutHistory = false }) {
    const question = this.#conversation.last;
    const turns = withoutHistory ? [] : this.#conversation.turnsBefore(question);
    const body = {
      messages: [...this.#settings.context(turns), { role: 'user', content: question.text }],
      ...this.#settings.sampling(),
    };
    const message = this.#conversation.add('assistant', '', 'streaming');
    await this.#run(message, this.#list.addAnswer(message), body);
  }

  /** Goes on with an answer that was on its way when the page was left. */
  #goOn(message, view) {
    return this.#run(message, view, null);
  }

  async #run(message, view, body) {
    const run = new Run(message, view, this.#settings.get('pace'), () => this.#grew());
    this.#running = run;
    this.#changed();

    try {
      await this.#stream(run, body);
      await run.complete();
    } catch (error) {
      const isStopped = error.code === 'cancelled' && !run.signal.aborted;
      await run.end(error, isStopped ? await stoppedBy(run.position.streamId, this.#keys.get()) : null);
    }

    this.#conversation.save();
    if (message.error) this.#showError(view, message.error);
    this.#running = null;
    this.#changed();
    this.#grew();
  }

  /**
   * Reads one answer. A question that could not be sent is sent again as soon as the server is ready; an answer whose
   * connection broke is read on from where it was.
   */
  async #stream(run, body) {
    const { position } = run;
    for (let failures = 0; ;) {
      const { lastEventId } = position;
      try {
        if (!this.#connection.isReady) await this.#wait(run);
        run.start();
        const options = { key: this.#keys.get(), signal: run.signal, position, attempt: run.message.id };
        const pieces = run.hasStream
          ? resumeChat(position, options)
          : streamChat({ model: this.#connection.state.model.id, ...body }, options);
        for await (const piece of pieces) {
          run.take(piece);
          if (piece.kind === 'begin') this.#conversation.save();
          else this.#conversation.saveSoon();
        }
        return;
      } catch (error) {
        if (!(error instanceof ApiError) || run.signal.aborted) throw error;
        const mayTry = ['unreachable', 'unavailable', 'key', ...(run.hasStream ? ['cut'] : [])];
        if (!mayTry.includes(error.kind)) throw error;
        if (position.lastEventId !== lastEventId) failures = 0;
        await this.#connection.check();
        // It is there and still refuses, or every connection to it breaks.
        if (this.#connection.isReady && ++failures > (run.hasStream ? MOST_FRUITLESS_CUTS : 1)) throw error;
        if (run.hasStream) await new Promise((resolve) => { setTimeout(resolve, RECONNECT_AFTER_MS * failures); });
      }
    }
  }

  async #wait(run) {
    run.pause();
    run.view.wait(run.hasStream
      ? 'Waiting for the server. The answer goes on as soon as it is there.'
      : 'Waiting for the server. The question will be sent as soon as it is ready.');
    await this.#connection.whenReady(run.signal);
    run.view.resume();
  }

  #showError(view, { kind, message, code }) {
    const again = { label: 'Try again', run: () => this.regenerate() };
    const tooLong = code === 'context_length_exceeded';
    const choices = tooLong && this.#conversation.messages.length > 2
      ? [{ label: 'Ask without the earlier messages', run: () => this.regenerate({ withoutHistory: true }) }, again]
      : [again];
    view.fail(tooLong ? 'Too long for the model' : TITLES[kind] ?? 'Something went wrong', message, choices);
  }

  #changed() {
    this.dispatchEvent(new Event('change'));
  }

  #grew() {
    this.dispatchEvent(new Event('grow'));
  }
}

/** One answer while it is on its way. */
class Run {
  message;
  view;
  position;
  #resumed;
  #abort = new AbortController();
  #typist;
  #meter = null;
  #timer = 0;
  #grew;

  constructor(message, view, pace, grew) {
    this.message = message;
    this.view = view;
    this.#resumed = message.stream !== undefined;
    this.position = new StreamPosition(message.stream?.id, message.stream?.after);
    this.#grew = grew;
    this.#typist = new Typist(pace, (text) => {
      view.type(text);
      grew();
    });
  }

  get signal() {
    return this.#abort.signal;
  }

  get hasText() {
    return this.message.text !== '';
  }

  /** Whether the server has begun with it, so that it can be read again. */
  get hasStream() {
    return this.position.streamId !== null;
  }

  start() {
    if (!this.hasStream || this.#meter === null) this.#meter = new Meter(this.#resumed);
    clearInterval(this.#timer);
    this.#timer = setInterval(() => this.#measure(true), MEASURE_EVERY_MS);
  }

  /** Nothing is on its way for the moment. */
  pause() {
    clearInterval(this.#timer);
  }

  take(piece) {
    this.message.stream = { id: this.position.streamId, after: this.position.lastEventId };
    if (piece.kind === 'text') {
      const isFirst = !this.hasText;
      this.message.text += piece.text;
      this.#meter.text();
      this.#typist.push(piece.text);
      if (isFirst) this.#measure(true);
    } else if (piece.kind === 'finish') {
      this.message.finish = piece.reason;
    } else if (piece.kind === 'usage') {
      this.#meter.usage(piece.usage, piece.timings);
    }
  }

  /** Twice is at once: what has arrived and is still being typed is then shown. */
  stop() {
    this.#abort.abort(new DOMException('Stopped', 'AbortError'));
    this.#typist.hurry();
  }

  /** The stream came to its own end. */
  async complete() {
    this.message.state = 'done';
    await this.#finish();
  }

  /** @param {Error} error @param {string | null} stoppedBy who stopped the stream, where somebody did */
  async end(error, stoppedBy) {
    if (this.#abort.signal.aborted || stoppedBy === 'request') {
      this.message.state = 'stopped'; // here, or on another page
    } else if (stoppedBy === 'no_reader' || (this.#resumed && TOO_LATE.includes(error.code))) {
      this.message.state = 'interrupted';
    } else {
      if (!(error instanceof ApiError)) console.error(error);
      this.message.state = 'failed';
      this.message.error = error instanceof ApiError
        ? { kind: error.kind, message: error.message, code: error.code, param: error.param }
        : { kind: 'page', message: String(error?.message ?? error), code: null, param: null };
      this.#abort.abort(); // what may still come is of no use
    }
    await this.#finish();
  }

  async #finish() {
    clearInterval(this.#timer);
    delete this.message.stream;
    if (this.#meter && this.hasText) {
      this.message.figures = this.#meter.figures(false);
      this.#measure(false);
    }
    this.#typist.end();
    await this.#typist.finished;
    this.view.settle();
    this.#grew();
  }

  #measure(live) {
    this.view.measure(this.#meter.figures(live));
    if (live) this.#grew();
  }
}
