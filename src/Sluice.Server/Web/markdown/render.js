// A growing Markdown text as DOM. Blocks that are complete are never touched again; of the open block only what
// follows its last certain point is compared with the page and changed where it differs. Everything is made with
// createElement and text nodes, so nothing that a model writes can become markup, script or style.

import { BlockParser } from './blocks.js';
import { parseInline } from './inline.js';
import { cells } from './tables.js';

const START = { offset: 0, nodes: 0, characters: 0 };

export class MarkdownView {
  #parser = new BlockParser();
  #root;
  #views = new WeakMap(); // block → { element, done, settled }
  #owners = new WeakMap(); // element → block that it shows
  #shapes = new WeakMap(); // element → what kind of block it was made for
  #tail = null;
  #copy;
  #ended = false;

  /**
   * @param {HTMLElement} root an empty element; its children belong to the view
   * @param {{ onCopy?: (text: string, button: HTMLButtonElement) => void }} options
   */
  constructor(root, { onCopy } = {}) {
    this.#root = root;
    this.#copy = onCopy;
    this.#markTail(root);
  }

  /** Adds text; the page changes at the next {@link render}. */
  push(text) {
    this.#parser.push(text);
  }

  /** Brings the page up to date. */
  render() {
    this.#renderChildren(this.#parser.root, this.#root);
    this.#markTail(this.#ended ? null : deepest(this.#root));
  }

  /** No more text will come: shows what is unfinished as it stands. */
  end() {
    this.#ended = true;
    this.#parser.end();
    this.render();
  }

  #renderChildren(block, element) {
    const view = this.#view(block, element);
    const { children } = block;
    for (let i = view.done; i < children.length; i++) {
      const child = children[i];
      this.#render(child, element, i);
      if (child.closed && view.done === i) view.done = i + 1;
    }
    while (element.childNodes.length > children.length) element.lastChild.remove();
  }

  #view(block, element) {
    let view = this.#views.get(block);
    if (view?.element !== element || this.#owners.get(element) !== block) {
      view = { element, done: 0, settled: START };
      this.#views.set(block, view);
      this.#owners.set(element, block);
    }
    return view;
  }

  #render(block, parent, index) {
    const shown = block === this.#parser.tail ? likelyTable(block) : block;
    const element = this.#elementFor(shown, parent, index);
    switch (shown.kind) {
      case 'quote': case 'item':
        this.#renderChildren(shown, element);
        break;
      case 'list':
        if (shown.ordered) setAttribute(element, 'start', shown.start === 1 ? null : String(shown.start));
        setClass(element, 'loose', shown.loose);
        this.#renderChildren(shown, element);
        break;
      case 'paragraph':
        this.#renderParagraph(shown, element);
        break;
      case 'heading':
        patch(element, parseInline(shown.text, 0, this.#isOpen(shown)).nodes, START);
        break;
      case 'code':
        this.#renderCode(shown, element);
        break;
      case 'table':
        this.#renderTable(shown, element.firstChild);
        break;
    }
  }

  #isOpen(leaf) {
    return leaf === this.#parser.tail;
  }

  #elementFor(block, parent, index) {
    const shape = block.kind === 'heading' ? `h${Math.min(6, block.level + 1)}`
      : block.kind === 'list' ? (block.ordered ? 'ol' : 'ul')
      : block.kind;
    const old = parent.childNodes[index];
    if (old && this.#shapes.get(old) === shape) return old;
    const element = this.#create(shape);
    this.#shapes.set(element, shape);
    if (old) parent.replaceChild(element, old);
    else parent.append(element);
    return element;
  }

  #create(shape) {
    switch (shape) {
      case 'quote': return document.createElement('blockquote');
      case 'item': return document.createElement('li');
      case 'paragraph': return document.createElement('p');
      case 'rule': return document.createElement('hr');
      case 'code': return codeFigure(this.#copy);
      case 'table': return tableFrame();
      default: return document.createElement(shape);
    }
  }

  #renderParagraph(block, element) {
    const view = this.#view(block, element);
    const from = view.settled;
    const open = this.#isOpen(block);
    const { nodes, settled } = parseInline(block.text, from.offset, open);
    patch(element, nodes, from);
    // Where only the provisional line ended the paragraph, it may yet go on: then nothing new is certain.
    if (open && settled.offset > from.offset && settled.offset <= this.#parser.certainLength(block)) {
      const joined = from.characters > 0 && nodes[0]?.text !== undefined;
      view.settled = {
        offset: settled.offset,
        nodes: from.nodes + settled.nodes + (from.characters > 0 && !joined ? 1 : 0),
        characters: settled.characters + (joined && settled.nodes === 0 ? from.characters : 0),
      };
    }
  }

  #renderCode(block, figure) {
    const view = this.#view(block, figure);
    const label = figure.querySelector('.language').firstChild;
    setText(label, block.language);
    setClass(figure, 'plain', block.language === '');
    const text = figure.querySelector('code').firstChild;
    replaceTail(text, view.settled.characters, block.text.slice(view.settled.characters));
    view.settled = { ...START, characters: this.#parser.certainLength(block) };
  }

  #renderTable(block, table) {
    const view = this.#view(block, table);
    const [head, body] = table.children;
    const last = block.children.length - 1; // only the last row may still be arriving
    for (let i = view.done; i <= last; i++) {
      const section = i === 0 ? head : body;
      const row = section.childNodes[Math.max(0, i - 1)] ?? section.appendChild(document.createElement('tr'));
      renderRow(row, block.children[i].cells, block.align, i === 0 ? 'th' : 'td', i === last && !block.closed);
    }
    view.done = last;
    while (body.childNodes.length > last) body.lastChild.remove();
  }

  #markTail(element) {
    if (element === this.#tail) return;
    if (this.#tail) setClass(this.#tail, 'tail', false);
    if (element) setClass(element, 'tail', true);
    this.#tail = element;
  }
}

/** An open paragraph that begins like a table's header is shown as one before its second line proves it. */
function likelyTable(block) {
  if (block.kind !== 'paragraph' || !/^\|[^|\n]+\|[^\n]*(?:\n[|:\- \t]*)?$/.test(block.text)) return block;
  const header = cells(block.text.split('\n', 1)[0]);
  return { kind: 'table', closed: false, align: header.map(() => ''), children: [{ kind: 'row', cells: header }] };
}

function renderRow(row, texts, align, tag, open) {
  texts.forEach((text, i) => {
    let cell = row.childNodes[i];
    if (cell?.localName !== tag) {
      const made = document.createElement(tag);
      if (cell) row.replaceChild(made, cell);
      else row.append(made);
      cell = made;
    }
    for (const side of ['left', 'center', 'right']) setClass(cell, `align-${side}`, align[i] === side);
    patch(cell, parseInline(text, 0, open && i === texts.length - 1).nodes, START);
  });
  while (row.childNodes.length > texts.length) row.lastChild.remove();
}

function codeFigure(onCopy) {
  const figure = document.createElement('figure');
  figure.className = 'code';
  const caption = document.createElement('figcaption');
  const language = document.createElement('span');
  language.className = 'language';
  language.append('');
  caption.append(language);
  const pre = document.createElement('pre');
  pre.tabIndex = 0;
  const code = document.createElement('code');
  code.append('');
  pre.append(code);
  if (onCopy) {
    const button = document.createElement('button');
    button.type = 'button';
    button.className = 'copy-code';
    button.textContent = 'Copy';
    button.addEventListener('click', () => onCopy(code.textContent, button));
    caption.append(button);
  }
  figure.append(caption, pre);
  return figure;
}

function tableFrame() {
  const frame = document.createElement('div');
  frame.className = 'table';
  frame.tabIndex = 0;
  const table = document.createElement('table');
  table.append(document.createElement('thead'), document.createElement('tbody'));
  frame.append(table);
  return frame;
}

/** Makes what follows the settled part of an element equal to the nodes, changing only what differs. */
function patch(parent, nodes, settled) {
  let index = settled.nodes;
  let kept = settled.characters;
  if (kept > 0 && nodes[0]?.text === undefined) {
    replaceTail(parent.childNodes[index], kept, '');
    index++;
    kept = 0;
  }

  for (const node of nodes) {
    const old = parent.childNodes[index++];
    if (node.text !== undefined) {
      if (old?.nodeType === Node.TEXT_NODE) replaceTail(old, kept, node.text);
      else replace(parent, old, document.createTextNode(node.text));
    } else {
      const same = old?.localName === node.tag;
      const element = same ? old : document.createElement(node.tag);
      if (node.tag === 'a') setLink(element, node.address);
      patch(element, node.children, START);
      if (!same) replace(parent, old, element);
    }
    kept = 0;
  }
  while (parent.childNodes.length > index) parent.lastChild.remove();
}

function replace(parent, old, node) {
  if (old) parent.replaceChild(node, old);
  else parent.append(node);
}

function replaceTail(text, kept, tail) {
  const { length } = text;
  const same = length - kept;
  // Most often the text has only grown; then only the growth is written, and a selection in it stays.
  const old = same === 0 ? '' : text.substringData(kept, same);
  if (tail.startsWith(old)) {
    if (tail.length > same) text.appendData(tail.slice(same));
  } else {
    text.replaceData(kept, same, tail);
  }
}

function setLink(element, address) {
  setAttribute(element, 'href', address ?? null);
  setAttribute(element, 'rel', address ? 'noopener noreferrer nofollow' : null);
  setAttribute(element, 'target', address ? '_blank' : null);
}

function setAttribute(element, name, value) {
  if (value === null) element.removeAttribute(name);
  else if (element.getAttribute(name) !== value) element.setAttribute(name, value);
}

function setClass(element, name, on) {
  element.classList.toggle(name, on);
  if (element.classList.length === 0) element.removeAttribute('class');
}

function setText(node, value) {
  if (node.data !== value) node.data = value;
}

/** The element that the next character will most likely go into. */
function deepest(root) {
  let element = root;
  for (;;) {
    const last = element.lastElementChild;
    if (!last) return element;
    if (last.localName === 'figure') return last.querySelector('code');
    if (!['blockquote', 'ul', 'ol', 'li', 'p', 'div', 'table', 'thead', 'tbody', 'tr', 'th', 'td'].includes(last.localName)
      && !/^h\d$/.test(last.localName)) return element;
    element = last.localName === 'table' && last.lastElementChild.childElementCount === 0 ? last.firstElementChild : last;
  }
}
