// One answer on the page: its text as it grows, its figures, what can be done with it.

import { MarkdownView } from '../markdown/render.js';
import { icon, iconButton, make } from '../page/dom.js';
import { FlowDrawing } from './flow.js';
import { count, duration, rate } from './meter.js';

const FINISH = { length: 'Reached the longest answer', stop: null };
const STATES = { stopped: 'Stopped', interrupted: 'Cut off: the page was closed for too long' };

/**
 * @typedef {object} AnswerActions
 * @property {(answer: AnswerView) => void} copy
 * @property {(answer: AnswerView) => void} regenerate
 * @property {(text: string, button: HTMLButtonElement) => void} copyCode
 */

export class AnswerView {
  element;
  #message;
  #actions;
  #text = make('div', { class: 'prose' });
  #markdown;
  #flow = new FlowDrawing();
  #summary = make('summary', { class: 'figures' });
  #details = make('dl', { class: 'timings' });
  #measured = make('details', { hidden: true }, this.#summary, this.#details);
  #note = make('p', { class: 'note', hidden: true });
  #notice = make('div', { class: 'notice', hidden: true });
  #foot;

  /** @param {import('./conversation.js').Message} message @param {AnswerActions} actions */
  constructor(message, actions) {
    this.#message = message;
    this.#actions = actions;
    this.#foot = make('footer', { class: 'foot', hidden: true },
      this.#measured,
      make('div', { class: 'actions' },
        iconButton('copy', 'Copy this answer', () => actions.copy(this)),
        iconButton('again', 'Answer again', () => actions.regenerate(this), { 'data-regenerate': '' })));
    this.element = make('article', { class: 'answer', 'aria-label': 'Answer' }, this.#text, this.#note, this.#notice, this.#foot);
    this.#markdown = new MarkdownView(this.#text, { onCopy: actions.copyCode });
    this.#markdown.push(message.text);
    if (message.state === 'streaming') {
      this.element.classList.add('streaming');
      this.element.setAttribute('aria-busy', 'true');
      this.#markdown.render();
    } else {
      this.settle();
    }
  }

  get message() {
    return this.#message;
  }

  type(text) {
    this.#markdown.push(text);
    this.#markdown.render();
  }

  /** The answer has its final state. */
  settle() {
    const { state, text, finish, error, figures } = this.#message;
    this.#markdown.end();
    this.element.classList.remove('streaming', 'waiting');
    this.element.removeAttribute('aria-busy');
    const note = STATES[state] ?? (finish ? FINISH[finish] ?? null : null);
    this.#note.hidden = note === null && !(state === 'done' && text === '');
    this.#note.textContent = note ?? 'The model ended without a word.';
    if (figures) this.measure(figures);
    if (!error) this.#notice.hidden = true;
    this.#foot.hidden = text === '' && state === 'failed';
  }

  /** @param {string} message why nothing comes yet */
  wait(message) {
    this.element.classList.add('waiting');
    this.#foot.hidden = true;
    this.#note.hidden = false;
    this.#note.textContent = message;
  }

  resume() {
    this.element.classList.remove('waiting');
    this.#note.hidden = true;
  }

  /** @param {string} title @param {string} message @param {{ label: string, run: () => void }[]} choices */
  fail(title, message, choices) {
    this.#notice.replaceChildren(
      icon('alert'),
      make('div', {}, make('strong', {}, title), make('p', {}, message)),
      make('div', { class: 'choices' }, ...choices.map(({ label, run }, i) =>
        make('button', { type: 'button', class: i === 0 ? 'solid' : 'plain', onclick: run }, label))));
    this.#notice.setAttribute('role', 'alert');
    this.#notice.hidden = false;
  }

  /** @param {import('./meter.js').Figures} figures */
  measure(figures) {
    this.#foot.hidden = false;
    this.#measured.hidden = false;
    const shown = [
      ['ttft', 'TTFT ', figures.ttft === null ? '…' : duration(figures.ttft), ''],
      ['rate', '', figures.rate === null ? '–' : rate(figures.rate), ' tok/s'],
      ['tokens', '', count(figures.tokens), figures.tokens === 1 ? ' token' : ' tokens'],
    ];
    if (this.#summary.childElementCount === 0) {
      this.#summary.title = 'TTFT is the time to the first text, measured here. More figures on a click.';
      this.#summary.append(this.#flow.element, ...shown.map(([name, label]) =>
        make('span', { class: 'figure', 'data-figure': name }, label, make('b', {}), make('span', {}))));
    }
    shown.forEach(([, , value, unit], i) => {
      const [number, label] = this.#summary.children[i + 1].children;
      if (number.textContent !== value) number.textContent = value;
      if (label.textContent !== unit) label.textContent = unit;
    });
    this.#flow.draw(figures.flow);
    if (figures.usage) this.#explain(figures);
  }

  #explain({ total, usage, timings }) {
    const rows = [['Whole answer', duration(total)]];
    const cached = usage.prompt_tokens_details?.cached_tokens;
    rows.push(['Prompt', `${count(usage.prompt_tokens)} tokens${cached ? `, ${count(cached)} from cache` : ''}`]);
    if (timings) {
      rows.push(['Queued', duration(timings.queue_ms)], ['Prefill', duration(timings.prefill_ms)], ['Decode', duration(timings.decode_ms)]);
      if (timings.ttft_ms !== null) rows.push(['First text, by the server', duration(timings.ttft_ms)]);
    }
    this.#details.replaceChildren(...rows.flatMap(([name, value]) => [make('dt', {}, name), make('dd', {}, value)]));
  }
}
