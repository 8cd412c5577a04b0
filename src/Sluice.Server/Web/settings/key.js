// The API key, for servers that ask for one. It stays in this tab and goes with it.

const NAME = 'sluice.key';

export class Keys {
  #key = null;
  #dialog;
  #input;
  #message;

  /** @param {HTMLDialogElement} dialog @param {() => void} onKey */
  constructor(dialog, onKey) {
    this.#dialog = dialog;
    this.#input = dialog.querySelector('input');
    this.#message = dialog.querySelector('[data-message]');
    try {
      this.#key = sessionStorage.getItem(NAME);
    } catch {
      // Then it lasts until the next reload.
    }
    dialog.querySelector('form').addEventListener('submit', (event) => {
      event.preventDefault();
      const key = this.#input.value.trim();
      if (!key) return;
      this.#keep(key);
      dialog.close();
      onKey();
    });
  }

  get() {
    return this.#key;
  }

  /** @param {boolean} refused whether a key was given and is wrong */
  ask(refused) {
    this.#message.textContent = refused
      ? 'The server does not accept that key.'
      : 'This server asks for a key. It is kept in this tab only.';
    if (this.#dialog.open) return;
    this.#input.value = '';
    this.#dialog.showModal();
  }

  #keep(key) {
    this.#key = key;
    try {
      sessionStorage.setItem(NAME, key);
    } catch {
      // As above.
    }
  }
}
