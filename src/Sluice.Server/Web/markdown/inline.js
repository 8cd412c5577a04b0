// Text inside one block: emphasis, code, links, breaks. The rules are CommonMark's (spec 0.31.2, section 6,
// with GitHub's strikethrough and bare addresses), plus one of our own: a construct reaches over at most
// SPAN characters. That makes everything more than SPAN characters back certain, so that text that is still
// growing is read again only from its last certain point, which parseInline reports.

import { bareAddress, safeAddress } from './links.js';

/**
 * @typedef {{ text: string } | { tag: string, children: Inline[], address?: string | null }} Inline
 * @typedef {{ offset: number, nodes: number, characters: number }} Settled
 *   All before `offset` is certain: the first `nodes` nodes and `characters` characters of the next one, a text.
 */

/** Most characters from a construct's first to its last. */
export const SPAN = 1000;

const SPECIAL = /[\\`*_~[!<&\n]|https?:\/\//gi;
const ESCAPABLE = /[!-/:-@[-`{-~]/;
const PUNCTUATION = /[\p{P}\p{S}]/u;
const WORD = /[\p{L}\p{N}]/u;
const ENTITY = /&(?:#(\d{1,7})|#x([\da-f]{1,6})|(amp|lt|gt|quot|apos|nbsp|copy|hellip|mdash|ndash|times|rarr|larr));/iy;
const ENTITIES = {
  amp: '&', lt: '<', gt: '>', quot: '"', apos: "'", nbsp: '\u00a0', copy: '©',
  hellip: '…', mdash: '—', ndash: '–', times: '×', rarr: '→', larr: '←',
};

/**
 * @param {string} text the block's whole text so far
 * @param {number} from where to begin: 0 or an offset that an earlier call reported
 * @param {boolean} open whether more text may follow; what is unfinished is then shown as what it will most likely be
 * @returns {{ nodes: Inline[], settled: Settled }} the nodes from `from` on
 */
export function parseInline(text, from, open) {
  return new InlineParser(text, from, open, true).run();
}

class InlineParser {
  constructor(text, from, open, links) {
    this.text = text;
    this.at = from;
    this.open = open;
    this.links = links;
    this.certain = []; // nodes that nothing can change any more
    this.nodes = []; // nodes since then; openers refer to them by index
    this.openers = [];
    this.undecided = false; // a construct has begun whose end may still arrive
    this.settled = { offset: from, nodes: 0, characters: 0 };
  }

  run() {
    const { text } = this;
    while (this.at < text.length) {
      SPECIAL.lastIndex = this.at;
      const next = SPECIAL.exec(text)?.index ?? text.length;
      if (next > this.at) this.plain(next);
      if (this.at < text.length) this.special(text[this.at]);
    }

    if (this.open) this.closeOpeners();
    this.dropTrailingSpace();
    for (const node of this.nodes) append(this.certain, node);
    return { nodes: this.certain, settled: this.settled };
  }

  plain(end) {
    const { text } = this;
    // The last word may yet turn into something (htt…), the space before it not. Spaces stay with what
    // follows them: two before a line's end are a hard break.
    let space = end;
    while (space > this.at && !isSpace(text[space - 1])) space--;
    const any = space > this.at;
    while (space > this.at && isSpace(text[space - 1])) space--;
    if (any) {
      this.add(text.slice(this.at, space));
      this.trySettle(space);
      this.at = space;
    }
    this.add(text.slice(this.at, end));
    this.at = end;
  }

  special(c) {
    switch (c) {
      case '\\': return this.escape();
      case '`': return this.code();
      case '*': case '_': case '~': return this.delimiter(c);
      case '[': return this.link(this.at);
      case '!': return this.text[this.at + 1] === '[' ? this.link(this.at + 1) : this.literal(1);
      case '<': return this.angle();
      case '&': return this.entity();
      case '\n': return this.lineBreak();
      default: return this.address();
    }
  }

  literal(length) {
    this.add(this.text.slice(this.at, this.at + length));
    this.at += length;
  }

  add(value) {
    if (value) this.nodes.push({ text: value });
  }

  /** All before `offset` is certain, unless something is still open there. */
  trySettle(offset) {
    this.expire(offset);
    if (this.openers.length > 0 || this.undecided || offset <= this.settled.offset) return;
    for (const node of this.nodes) append(this.certain, node);
    this.nodes = [];
    const last = this.certain.at(-1);
    const inText = last?.text !== undefined;
    this.settled = {
      offset,
      nodes: this.certain.length - (inText ? 1 : 0),
      characters: inText ? last.text.length : 0,
    };
  }

  escape() {
    const next = this.text[this.at + 1];
    if (next === undefined) {
      if (this.open) this.at++;
      else this.literal(1);
    } else if (next === '\n') {
      this.nodes.push({ tag: 'br', children: [] });
      this.at += 2;
    } else if (ESCAPABLE.test(next)) {
      this.add(next);
      this.at += 2;
    } else {
      this.literal(1);
    }
  }

  lineBreak() {
    const last = this.nodes.at(-1);
    const space = last?.text === undefined ? '' : /[ \t]*$/.exec(last.text)[0];
    if (space) last.text = last.text.slice(0, -space.length);
    else this.trySettle(this.at);
    if (space.endsWith('  ')) this.nodes.push({ tag: 'br', children: [] });
    else this.add('\n');
    this.at++;
  }

  entity() {
    ENTITY.lastIndex = this.at;
    const match = ENTITY.exec(this.text);
    if (!match) return this.literal(1);
    const [all, decimal, hexadecimal, name] = match;
    const code = decimal ? Number(decimal) : hexadecimal ? parseInt(hexadecimal, 16) : null;
    if (code === null) this.add(ENTITIES[name.toLowerCase()]);
    else this.add(code > 0 && code <= 0x10ffff && (code < 0xd800 || code > 0xdfff) ? String.fromCodePoint(code) : '\ufffd');
    this.at += all.length;
  }

  angle() {
    const match = /^<((?:https?:\/\/|mailto:)[^\s<>]*)>/i.exec(this.text.slice(this.at, this.at + SPAN));
    const address = match && this.links ? safeAddress(match[1]) : null;
    if (!address) return this.literal(1); // HTML is text here, always
    this.nodes.push({ tag: 'a', address, children: [{ text: match[1].replace(/^mailto:/i, '') }] });
    this.at += match[0].length;
  }

  address() {
    const before = characterBefore(this.text, this.at);
    const written = bareAddress(this.text.slice(this.at, this.at + SPAN));
    const address = this.links && !WORD.test(before) ? safeAddress(written) : null;
    if (!address) return this.literal(4);
    this.nodes.push({ tag: 'a', address, children: [{ text: written }] });
    this.at += written.length;
  }

  code() {
    const { text, at } = this;
    const run = runLength(text, at, '`');
    const end = findRun(text, at + run, '`', run, at + SPAN);
    if (end >= 0) {
      this.nodes.push(codeNode(text.slice(at + run, end)));
      this.at = end + run;
    } else if (this.open && text.length - at < SPAN + run) {
      this.undecided = true;
      const rest = text.slice(at + run).replace(/`+$/, '');
      if (rest.trim()) this.nodes.push(codeNode(rest));
      this.at = text.length;
    } else {
      this.literal(run);
    }
  }

  link(bracket) {
    const found = this.links ? findLink(this.text, bracket) : null;
    if (!found) return this.literal(bracket + 1 - this.at);
    if (found.cut) {
      // No end in sight. While it may arrive, nothing from here on is certain.
      const possible = this.open && this.text.length - bracket <= SPAN;
      if (possible) this.undecided = true;
      if (!possible || found.label === null) return this.literal(bracket + 1 - this.at);
    }

    const address = found.cut ? null : safeAddress(found.address);
    if (!found.cut && !address) return this.literal(bracket + 1 - this.at);
    const label = new InlineParser(found.label, 0, false, false).run().nodes;
    // An image is shown as a link to it: an answer must not make the browser fetch anything by itself.
    this.nodes.push({ tag: 'a', address, children: label.length ? label : [{ text: address ?? '' }] });
    this.at = found.cut ? this.text.length : found.end;
  }

  delimiter(c) {
    const { text, at } = this;
    const run = runLength(text, at, c);
    const end = at + run;
    const before = characterBefore(text, at);
    const after = end < text.length ? String.fromCodePoint(text.codePointAt(end)) : '';
    this.expire(at);
    if (c === '~' && run !== 2 && !(this.open && after === '')) return this.literal(run);

    // Nothing after it yet: as an opener it is judged as if a word came next, as a closer as if the text ended.
    const tail = this.open && after === '';
    const [canOpen, canClose] = flanks(c, before, after, tail);
    let left = run;
    if (canClose) {
      while (left > 0) {
        const opener = this.findOpener(c, run, canOpen && !tail);
        if (!opener) break;
        if (tail && opener.count > left) {
          left = 0; // '*' of a '**' that is on its way
          break;
        }
        const used = c === '~' ? 2 : opener.count >= 2 && left >= 2 ? 2 : 1;
        if (used > left) break;
        this.wrap(opener, used);
        left -= used;
      }
    }

    this.at = end;
    if (left === 0) return;
    if (tail && canOpen) {
      this.undecided = true;
      return;
    }
    if (canOpen) {
      const node = { text: c.repeat(left) };
      this.openers.push({ c, node, count: left, position: at, index: this.nodes.length, both: canClose, run });
      this.nodes.push(node);
    } else {
      this.add(c.repeat(left));
    }
  }

  findOpener(c, run, closerOpens) {
    for (let i = this.openers.length - 1; i >= 0; i--) {
      const opener = this.openers[i];
      if (opener.c !== c) continue;
      // CommonMark's rule of three: runs that open and close match only where their sum is no multiple of 3.
      const third = (opener.both || closerOpens) && (opener.run + run) % 3 === 0 && (opener.run % 3 !== 0 || run % 3 !== 0);
      if (!third) return opener;
    }
    return null;
  }

  wrap(opener, used) {
    const tag = opener.c === '~' ? 'del' : used === 2 ? 'strong' : 'em';
    const children = merged(this.nodes.splice(opener.index + 1));
    this.openers.length = this.openers.indexOf(opener) + 1;
    opener.count -= used;
    opener.node.text = opener.c.repeat(opener.count);
    if (opener.count === 0) {
      this.openers.pop();
      this.nodes.pop();
    }
    this.nodes.push({ tag, children });
  }

  expire(position) {
    while (this.openers.length > 0 && position - this.openers[0].position > SPAN) this.openers.shift();
  }

  closeOpeners() {
    while (this.openers.length > 0) {
      const opener = this.openers.at(-1);
      if (opener.index === this.nodes.length - 1) {
        this.nodes.pop(); // nothing inside yet
        this.openers.pop();
      } else {
        this.wrap(opener, opener.count >= 2 ? 2 : 1);
      }
    }
  }

  dropTrailingSpace() {
    for (let last = this.nodes.at(-1); last?.text !== undefined; last = this.nodes.at(-1)) {
      last.text = last.text.replace(/[ \t\n]+$/, '');
      if (last.text) return;
      this.nodes.pop();
    }
  }
}

/** How a delimiter run can be used (CommonMark 6.2, left- and right-flanking). */
function flanks(c, before, after, tail) {
  const spaceBefore = before === '' || /\s/.test(before);
  const punctuationBefore = PUNCTUATION.test(before);
  const spaceAfter = after === '' || /\s/.test(after);
  const punctuationAfter = PUNCTUATION.test(after);
  const left = tail || (!spaceAfter && (!punctuationAfter || spaceBefore || punctuationBefore));
  const right = !spaceBefore && (!punctuationBefore || spaceAfter || punctuationAfter);
  if (c !== '_') return [left, right];
  return [left && (!right || punctuationBefore), right && (!left || tail || punctuationAfter)];
}

/**
 * A link that begins at a bracket.
 * @returns null where there is none; `cut` where the text ends before that is known, with the label where that is known
 */
function findLink(text, bracket) {
  const limit = Math.min(text.length, bracket + SPAN);
  let depth = 0;
  let i = bracket;
  for (; i < limit; i++) {
    if (text[i] === '\\') i++;
    else if (text[i] === '[') depth++;
    else if (text[i] === ']' && --depth === 0) break;
  }
  if (i >= limit) return limit === text.length ? { cut: true, label: null } : null;
  const label = text.slice(bracket + 1, i);
  if (i + 1 === text.length) return { cut: true, label: null };
  if (text[i + 1] !== '(') return null;

  const rest = text.slice(i + 2, limit);
  const match = /^\s*(?:<([^<>\n]*)>|((?:[^\s()\\]|\\.|\((?:[^\s()\\]|\\.)*\))*))(?:\s+(?:"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'))?\s*\)/s.exec(rest);
  if (match) return { label, address: (match[1] ?? match[2]).replace(/\\([!-/:-@[-`{-~])/g, '$1'), end: i + 2 + match[0].length };
  const partial = /^\s*(?:<[^<>\n]*>?|[^\s]*)(?:\s+(?:"[^"]*"?|'[^']*'?)?)?\s*$/.test(rest);
  return partial && limit === text.length ? { cut: true, label } : null;
}

function codeNode(source) {
  let value = source.replace(/\n/g, ' ');
  if (value.length > 2 && value[0] === ' ' && value.at(-1) === ' ' && value.trim()) value = value.slice(1, -1);
  return { tag: 'code', children: [{ text: value }] };
}

function isSpace(c) {
  return c === ' ' || c === '\t';
}

function runLength(text, at, c) {
  let end = at;
  while (text[end] === c) end++;
  return end - at;
}

/** Where a run of exactly `length` begins, before `limit`; -1 where none does. */
function findRun(text, at, c, length, limit) {
  while (at >= 0 && at < limit) {
    at = text.indexOf(c, at);
    if (at < 0 || at >= limit) return -1;
    const run = runLength(text, at, c);
    if (run === length) return at;
    at += run;
  }
  return -1;
}

function characterBefore(text, at) {
  if (at === 0) return '';
  const low = text.charCodeAt(at - 1);
  return low >= 0xdc00 && low < 0xe000 && at > 1 ? text.slice(at - 2, at) : text[at - 1];
}

function merged(nodes) {
  const list = [];
  for (const node of nodes) append(list, node);
  return list;
}

function append(list, node) {
  const last = list.at(-1);
  if (node.text !== undefined && last?.text !== undefined) list[list.length - 1] = { text: last.text + node.text };
  else list.push(node);
}
