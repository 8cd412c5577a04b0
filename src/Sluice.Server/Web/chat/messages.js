// The conversation on the page.

import { make } from '../page/dom.js';
import { AnswerView } from './answer.js';

export class MessageList {
  #element;
  #actions;
  #answers = [];

  /** @param {HTMLElement} element @param {import('./answer.js').AnswerActions} actions */
  constructor(element, actions) {
    this.#element = element;
    this.#actions = actions;
  }

  /** @param {import('./conversation.js').Message[]} messages */
  replace(messages) {
    this.#element.replaceChildren();
    this.#answers = [];
    for (const message of messages) {
      if (message.role === 'user') this.addQuestion(message);
      else this.addAnswer(message);
    }
  }

  addQuestion(message) {
    this.#element.append(make('article', { class: 'question', 'aria-label': 'Question' }, make('p', {}, message.text)));
  }

  addAnswer(message) {
    const answer = new AnswerView(message, this.#actions);
    this.#element.append(answer.element);
    this.#answers.push(answer);
    return answer;
  }

  get lastAnswer() {
    return this.#answers.at(-1) ?? null;
  }

  removeLastAnswer() {
    this.#answers.pop()?.element.remove();
  }
}
