// Which addresses an answer may link to.

const ALLOWED = /^(?:https?:\/\/|mailto:)/i;

/**
 * @param {string} address as the model wrote it
 * @returns {string | null} a normalized address that is safe to link to, or null
 */
export function safeAddress(address) {
  if (!ALLOWED.test(address)) return null;
  try {
    const url = new URL(address);
    return ['http:', 'https:', 'mailto:'].includes(url.protocol) ? url.href : null;
  } catch {
    return null;
  }
}

/**
 * A bare address in running text ends before the punctuation that belongs to the sentence.
 * @param {string} text starts with the address
 * @returns {string}
 */
export function bareAddress(text) {
  let address = /^https?:\/\/[^\s<>"`]+/i.exec(text)?.[0] ?? '';
  for (;;) {
    const last = address.at(-1);
    if (last && '.,;:!?\'*_~]|'.includes(last)) address = address.slice(0, -1);
    else if (last === ')' && count(address, ')') > count(address, '(')) address = address.slice(0, -1);
    else break;
  }
  return /^https?:\/\/[^/?#]/i.test(address) ? address : '';
}

function count(text, character) {
  return text.split(character).length - 1;
}
