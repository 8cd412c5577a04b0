// Lines into a tree of blocks, while they arrive. CommonMark's block rules (spec 0.31.2, sections 4 and 5) with
// GitHub's tables, and four deliberate differences, because the text is a model's and not an author's:
// HTML is text; there is no indented code; a line of '---' is always a rule; and a nested list may be
// indented by two columns whatever its parent's marker is.
//
// A complete line changes the tree for good. The line that is still arriving changes it provisionally: the
// nodes that it can touch are saved, and put back before the next piece. As soon as nothing can change what
// kind of line it is, it is applied for good and its further text goes straight to its block, so that a long
// paragraph or a long block of code costs each character once.

/**
 * @typedef {object} Block
 * @property {'document'|'quote'|'list'|'item'|'paragraph'|'heading'|'code'|'rule'|'table'|'row'} kind
 * @property {Block[]} [children]
 * @property {string} [text]
 * @property {boolean} closed nothing will be added to it
 */

import { columnsOf, row } from './tables.js';

const MAX_DEPTH = 24;
const RULE = /^(?:(?:\*[ \t]*){3,}|(?:-[ \t]*){3,}|(?:_[ \t]*){3,})$/;
const HEADING = /^(#{1,6})(?:[ \t]+|$)/;
const FENCE = /^(?:(`{3,})([^`]*)|(~{3,})(.*))$/;
const ITEM = /^(?:([-+*])|(\d{1,9})([.)]))(?=[ \t]|$)/;

/** A line that is nothing but the beginning of a marker says nothing yet: it stays unseen. */
const MARKER_ONLY = /^(?:[-+]{1,2}|\*{1,3}|_{1,3}|`{1,2}|~{1,2}|#{1,6})$/;
/** What a line can begin with and still become something other than a paragraph's text. */
const MAY_CHANGE = /^(?:[-*_ \t]*|\+[ \t]*|#{1,6}|\d{1,9}(?:[.)][ \t]*)?|`{1,2}|~{1,2}|(?:```|~~~|\|)[^]*|[|:\- \t]*)$/;

export class BlockParser {
  /** @type {Block} */
  root = block('document', { children: [] });
  #path = [this.root]; // open containers, outermost first
  #leaf = null; // the open leaf, if any
  #line = ''; // the part of the last line that has arrived, unless it flows
  #flowing = false; // the rest of the line goes straight to the leaf
  #saved = null; // what the provisional line changed
  #final = true; // whether the line being applied is there to stay
  #carriageReturn = false;

  /** The leaf that the next character may change; its end is shown as what it will most likely become. */
  get tail() {
    return this.#leaf;
  }

  /** How much of a leaf's text is there to stay, whatever comes next. */
  certainLength(leaf) {
    if (!this.#saved || leaf.closed) return leaf.text.length;
    return this.#saved.nodes.find(({ node }) => node === leaf)?.fields.text.length ?? 0;
  }

  /** @param {string} text */
  push(text) {
    this.#restore();
    if (this.#carriageReturn) text = '\r' + text;
    this.#carriageReturn = text.endsWith('\r');
    if (this.#carriageReturn) text = text.slice(0, -1);
    const lines = text.replace(/\r\n?/g, '\n').split('\n');
    const rest = lines.pop();
    for (const line of lines) this.#endLine(line);
    this.#extend(rest);
  }

  /** No more text will come. */
  end() {
    this.#restore();
    if (this.#line) this.#apply(this.#line, true);
    this.#line = '';
    this.#closeTo(0);
  }

  #endLine(text) {
    if (this.#flowing) {
      this.#leaf.text += text;
      this.#flowing = false;
    } else {
      this.#apply(this.#line + text, true);
    }
    this.#line = '';
  }

  #extend(text) {
    if (this.#flowing) {
      this.#leaf.text += text;
      return;
    }
    this.#line += text;
    if (!this.#line) return;
    this.#save();
    const rest = this.#apply(this.#line, false);
    if (!this.#isDecided(rest)) return;
    this.#restore();
    this.#apply(this.#line, true);
    this.#line = '';
    this.#flowing = true;
  }

  #isDecided(rest) {
    if (this.#leaf?.kind === 'code') return this.#leaf.lines > 0 && /[^`~ \t]/.test(rest);
    return this.#leaf?.kind === 'paragraph' && rest !== '' && !MAY_CHANGE.test(rest);
  }

  #save() {
    const nodes = this.#leaf ? [...this.#path, this.#leaf] : this.#path;
    this.#saved = {
      path: this.#path.slice(),
      leaf: this.#leaf,
      nodes: nodes.map((node) => ({ node, fields: { ...node }, count: node.children?.length, last: node.children?.at(-1) })),
    };
  }

  #restore() {
    if (!this.#saved) return;
    const { path, leaf, nodes } = this.#saved;
    this.#saved = null;
    this.#path = path;
    this.#leaf = leaf;
    for (const { node, fields, count, last } of nodes) {
      Object.assign(node, fields);
      if (count === undefined) continue;
      node.children.length = count;
      if (count > 0) node.children[count - 1] = last;
    }
  }

  /** Applies one line and returns what is left of it behind the markers of its containers. */
  #apply(line, final) {
    this.#final = final;
    const raw = this.#leaf?.kind === 'code' && this.#path.length === 1; // tabs in code are the code's own
    let { rest, depth } = this.#matchContainers(raw ? line : untab(line));
    const matched = depth === this.#path.length;

    if (this.#leaf?.kind === 'code' && matched) {
      this.#codeLine(rest);
      return rest;
    }
    if (isBlank(rest)) {
      this.#blankLine(depth);
      return rest;
    }

    let opened = false;
    for (;;) {
      const indent = spaces(rest);
      const body = rest.slice(indent);
      const inParagraph = matched && !opened && this.#leaf?.kind === 'paragraph';
      if (!final && MARKER_ONLY.test(body)) return '';

      if (this.#path.length < MAX_DEPTH && body[0] === '>') {
        this.#closeOnce(opened, depth);
        this.#open(block('quote', { children: [] }));
        rest = untab(body.slice(1)).replace(/^ /, '');
      } else if (this.#startLeaf(body, indent, opened, depth)) {
        return body;
      } else {
        const item = this.#path.length < MAX_DEPTH && itemStart(body, indent, inParagraph);
        if (!item) {
          this.#text(body, matched, opened, depth);
          return body;
        }
        this.#closeOnce(opened, depth);
        this.#openItem(item);
        rest = item.rest;
      }
      opened = true;
      if (isBlank(rest)) return rest;
    }
  }

  #matchContainers(rest) {
    let depth = 1;
    for (; depth < this.#path.length; depth++) {
      const node = this.#path[depth];
      if (node.kind === 'quote') {
        const marker = /^ *> ?/.exec(rest);
        if (!marker) break;
        rest = untab(rest.slice(marker[0].length));
      } else if (node.kind === 'item') {
        const indent = spaces(rest);
        if (isBlank(rest)) {
          if (node.children.length === 0) break;
        } else if (indent >= node.content) {
          rest = rest.slice(node.content);
        } else if (indent >= node.marker + 2 && ITEM.test(rest.slice(indent)) && this.#leaf?.kind !== 'code') {
          rest = rest.slice(indent);
        } else {
          break;
        }
      }
    }
    return { rest, depth };
  }

  #codeLine(rest) {
    const code = this.#leaf;
    const closing = /^ {0,3}(`{3,}|~{3,})[ \t]*$/.exec(rest);
    if (closing && closing[1][0] === code.fence[0] && closing[1].length >= code.fence.length) {
      this.#closeLeaf();
      return;
    }
    // The beginning of what may be the closing fence stays unseen.
    const trimmed = rest.trim();
    if (!this.#final && trimmed && trimmed === code.fence[0].repeat(trimmed.length)) return;
    const content = rest.slice(Math.min(spaces(rest), code.indent));
    code.text += code.lines === 0 ? content : '\n' + content;
    code.lines++;
  }

  #blankLine(depth) {
    this.#closeTo(depth);
    if (this.#leaf) this.#closeLeaf();
    for (const node of this.#path) node.blank = true;
  }

  /** A rule, a heading, or the first line of code. */
  #startLeaf(body, indent, opened, depth) {
    if (RULE.test(body)) {
      this.#closeOnce(opened, depth);
      this.#addLeaf(block('rule', {}));
      this.#closeLeaf();
      return true;
    }

    const heading = HEADING.exec(body);
    if (heading) {
      this.#closeOnce(opened, depth);
      this.#addLeaf(block('heading', { level: heading[1].length, text: headingText(body.slice(heading[0].length), this.#final) }));
      if (this.#final) this.#closeLeaf();
      return true;
    }

    const fence = FENCE.exec(body);
    if (fence) {
      this.#closeOnce(opened, depth);
      const info = (fence[2] ?? fence[4]).trim();
      this.#addLeaf(block('code', { fence: fence[1] ?? fence[3], language: info.split(/\s+/)[0], indent, text: '', lines: 0 }));
      return true;
    }
    return false;
  }

  #text(body, matched, opened, depth) {
    const leaf = this.#leaf;
    if (leaf?.kind === 'paragraph' && !opened) {
      if (matched && this.#becomesTable(leaf, body)) return;
      // A lazy line (CommonMark 5.1) needs no markers to go on with the paragraph.
      leaf.text += '\n';
      leaf.lineStart = leaf.text.length;
      leaf.text += body;
      return;
    }
    if (leaf?.kind === 'table' && matched && !opened) {
      leaf.children.push(block('row', { cells: row(body, leaf.align.length, this.#final) }));
      return;
    }
    this.#closeOnce(opened, depth);
    this.#addLeaf(block('paragraph', { text: body, lineStart: 0 }));
  }

  #becomesTable(paragraph, body) {
    const header = paragraph.text.slice(paragraph.lineStart);
    const align = columnsOf(header, body);
    if (!align) return false;
    const siblings = this.#path.at(-1).children;
    if (paragraph.lineStart === 0) {
      siblings.pop();
    } else {
      siblings[siblings.length - 1] = block('paragraph', { text: paragraph.text.slice(0, paragraph.lineStart - 1), closed: this.#final });
    }
    this.#leaf = null;
    this.#addLeaf(block('table', { align, children: [block('row', { cells: row(header, align.length, true) })] }));
    return true;
  }

  #openItem(item) {
    let list = this.#path.at(-1);
    if (list.kind !== 'list' || list.type !== item.type) {
      if (list.kind === 'list') this.#closeTo(this.#path.length - 1);
      list = block('list', { children: [], type: item.type, ordered: item.number !== null, start: item.number ?? 1, loose: false });
      this.#open(list);
    } else if (list.blank) {
      list.loose = true;
    }
    this.#push(list, block('item', { children: [], marker: item.marker, content: item.content }));
  }

  #open(node) {
    this.#leaveList();
    this.#push(this.#path.at(-1), node);
  }

  #push(parent, node) {
    this.#noteContent();
    parent.children.push(node);
    this.#path.push(node);
  }

  #addLeaf(node) {
    this.#leaveList();
    this.#noteContent();
    this.#path.at(-1).children.push(node);
    this.#leaf = node;
  }

  /** Only items stand in a list; anything else ends it. */
  #leaveList() {
    if (this.#path.at(-1).kind === 'list') this.#closeTo(this.#path.length - 1);
  }

  /** A blank line between two children of an item makes its list loose. */
  #noteContent() {
    const parent = this.#path.at(-1);
    if (parent.kind === 'item' && parent.blank && parent.children.length > 0) this.#path.at(-2).loose = true;
    for (const node of this.#path) node.blank = false;
  }

  /** Closes what the line did not match, before the first thing that it opens. */
  #closeOnce(opened, depth) {
    if (!opened) this.#closeTo(depth);
    if (this.#leaf) this.#closeLeaf();
  }

  #closeTo(depth) {
    if (this.#path.length > depth && this.#leaf) this.#closeLeaf();
    while (this.#path.length > Math.max(depth, 1)) this.#close(this.#path.pop());
    if (depth === 0) this.#close(this.root);
  }

  #closeLeaf() {
    const leaf = this.#leaf;
    this.#leaf = null;
    this.#close(leaf);
  }

  #close(node) {
    if (this.#final) node.closed = true;
  }
}

function block(kind, fields) {
  return { kind, closed: false, blank: false, ...fields };
}

function headingText(text, final) {
  const closing = final ? /(?:^|[ \t]+)#+[ \t]*$/ : /(?:^|[ \t]+)#*[ \t]*$/;
  return text.replace(closing, '');
}

function itemStart(body, indent, inParagraph) {
  const match = ITEM.exec(body);
  if (!match) return null;
  const after = untab(body.slice(match[0].length));
  const gap = spaces(after);
  const empty = isBlank(after);
  const number = match[2] === undefined ? null : Number(match[2]);
  // Only a list that has text and, when numbered, begins at 1 interrupts a paragraph.
  if (inParagraph && (empty || (number !== null && number !== 1))) return null;
  const padding = empty || gap > 4 ? 1 : gap;
  return {
    type: match[1] ?? match[3],
    number,
    marker: indent,
    content: indent + match[0].length + padding,
    rest: empty ? '' : after.slice(padding),
  };
}

function spaces(text) {
  let count = 0;
  while (text[count] === ' ') count++;
  return count;
}

function isBlank(text) {
  return /^[ \t]*$/.test(text);
}

/** Tabs that a text begins with become spaces, to the next multiple of four columns. */
function untab(text) {
  const lead = /^[ \t]*/.exec(text)[0];
  if (!lead.includes('\t')) return text;
  let spaced = '';
  for (const c of lead) spaced += c === '\t' ? ' '.repeat(4 - (spaced.length % 4)) : c;
  return spaced + text.slice(lead.length);
}
