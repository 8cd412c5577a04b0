// The first screen: a gate that opens while a question is written, and some questions to begin with.

const OPEN_AT = 40; // characters

/** @param {HTMLElement} element @param {(text: string) => void} ask */
export function setUpWelcome(element, ask) {
  for (const button of element.querySelectorAll('.suggestion')) {
    button.addEventListener('click', () => ask(button.querySelector('.prompt').textContent));
  }
  return {
    /** @param {string} text what stands in the message box */
    written(text) {
      element.classList.toggle('writing', text !== '');
      element.style.setProperty('--lift', String(Math.min(1, text.length / OPEN_AT)));
    },
  };
}
