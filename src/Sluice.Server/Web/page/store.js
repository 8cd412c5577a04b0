// What the browser keeps for us. A browser may refuse (private windows, a full disk, a policy), and what it kept
// may be from another version or damaged: then the page works without, and says so once.

const complaints = new EventTarget();
let complained = false;

/** @param {(message: string) => void} listener */
export function onRefusal(listener) {
  complaints.addEventListener('refused', (event) => listener(event.detail));
}

/** Something kept under a name, as JSON. `version` changes when its shape does; older data is then forgotten. */
export class Kept {
  #name;
  #version;

  constructor(name, version) {
    this.#name = `sluice.${name}`;
    this.#version = version;
  }

  load() {
    try {
      const kept = JSON.parse(localStorage.getItem(this.#name) ?? 'null');
      return kept?.version === this.#version ? kept.value : null;
    } catch {
      return null;
    }
  }

  save(value) {
    try {
      localStorage.setItem(this.#name, JSON.stringify({ version: this.#version, value }));
    } catch (error) {
      if (complained) return;
      complained = true;
      const message = error?.name === 'QuotaExceededError'
        ? 'This browser’s storage is full: the conversation will not survive a reload.'
        : 'This browser refuses to keep data: the conversation will not survive a reload.';
      complaints.dispatchEvent(new CustomEvent('refused', { detail: message }));
    }
  }

  /** Tells of what another page keeps under this name. */
  onChangeElsewhere(listener) {
    addEventListener('storage', (event) => {
      if (event.key === this.#name) listener();
    });
  }

  forget() {
    try {
      localStorage.removeItem(this.#name);
    } catch {
      // Where nothing can be kept, nothing has to be forgotten.
    }
  }
}
