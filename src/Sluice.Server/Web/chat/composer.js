// Where questions are written.

const TALLEST = 0.4; // of the window's height

export class Composer {
  #form;
  #area;
  #button;
  #onSend;
  #onStop;
  #changed;
  #running = false;

  /** @param {HTMLFormElement} form @param {{ send: (text: string) => void, stop: () => void, changed: (text: string) => void }} actions */
  constructor(form, { send, stop, changed }) {
    this.#form = form;
    this.#area = form.querySelector('textarea');
    this.#button = form.querySelector('button');
    this.#onSend = send;
    this.#onStop = stop;
    this.#changed = changed;
    form.addEventListener('submit', (event) => {
      event.preventDefault();
      this.#submit();
    });
    this.#area.addEventListener('input', () => this.#show());
    this.#area.addEventListener('keydown', (event) => {
      // While an input method composes a word, Enter chooses it.
      if (event.key !== 'Enter' || event.shiftKey || event.isComposing || event.keyCode === 229) return;
      event.preventDefault();
      if (!this.#running) this.#submit();
    });
    addEventListener('resize', () => this.#fit());
    this.#show();
  }

  focus() {
    this.#area.focus();
  }

  /** @param {boolean} running whether the button stops instead of sending */
  setRunning(running) {
    this.#running = running;
    this.#form.classList.toggle('running', running);
    const label = running ? 'Stop the answer (Esc)' : 'Send (Enter)';
    this.#button.setAttribute('aria-label', label);
    this.#button.title = label;
    this.#enable();
  }

  #submit() {
    if (this.#running) {
      this.#onStop();
      return;
    }
    const text = this.#area.value.trim();
    if (!text) return;
    this.#area.value = '';
    this.#show();
    this.#onSend(text);
  }

  /** The text has changed. */
  #show() {
    this.#fit();
    this.#enable();
    this.#changed(this.#area.value);
  }

  #enable() {
    this.#button.disabled = !this.#running && this.#area.value.trim() === '';
  }

  #fit() {
    this.#area.style.height = 'auto';
    this.#area.style.height = `${Math.min(this.#area.scrollHeight, innerHeight * TALLEST)}px`;
  }
}
