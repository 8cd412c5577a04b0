// Makes texts of Markdown's building blocks and cuts each at random places. However it is cut, the page must look
// the same in the end; and at every point on the way it must look as if all so far had come at once.
async ({ seed, rounds }) => {
  const { MarkdownView } = await import('/markdown/render.js');
  const pieces = [
    '*', '**', '***', '_', '__', '`', '``', '```', '~~', '~', '[', '](', 'https://a.b/c', 'http', ')', ']', '!', '<', '>',
    '&amp;', '&', '\\', '\n', '\n\n', '\n', ' ', '  ', '    ', '\t', '- ', '* ', '+ ', '1. ', '2) ', '# ', '## ', '---', '***',
    '|', '| a | b |\n', '|---|---|\n', ':', 'word', 'foo ', 'bar', 'Straße', '日本', '😀', '.', ',', '(', '<b>', '"t"', '10',
    '\r\n', '\r', '> ', '```js\n', '~~~\n', '  - ', '   ', 'x'.repeat(300) + ' ', 'y '.repeat(200), 'javascript:', 'mailto:a@b.c',
  ];
  let state = seed >>> 0;
  const random = (n) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 4294967296) * n);
  };
  const show = (chunks, whole) => {
    const root = document.createElement('div');
    const view = new MarkdownView(root);
    for (const chunk of chunks) {
      view.push(chunk);
      view.render();
    }
    if (whole) view.end();
    return root.innerHTML;
  };

  for (let round = 0; round < rounds; round++) {
    let text = '';
    for (let i = random(30); i >= 0; i--) text += pieces[random(pieces.length)];
    const longest = [1, 3, 9][random(3)];
    const chunks = [];
    for (let at = 0; at < text.length;) {
      const length = 1 + random(longest);
      chunks.push(text.slice(at, at + length));
      at += length;
    }

    const before = chunks.slice(0, random(chunks.length));
    for (const [cut, joined, whole] of [[chunks, text, true], [before, before.join(''), false]]) {
      const [inPieces, atOnce] = [show(cut, whole), show([joined], whole)];
      if (inPieces !== atOnce) return JSON.stringify({ round, whole, text: joined, cut, inPieces, atOnce }, null, 1);
    }
  }
  return null;
}
