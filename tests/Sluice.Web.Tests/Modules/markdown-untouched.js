// Types a text character by character and reports every change below a block that was complete before.
async ({ text }) => {
  const { MarkdownView } = await import('/markdown/render.js');
  const root = document.createElement('div');
  document.body.append(root);
  const view = new MarkdownView(root);
  const touched = [];
  const observer = new MutationObserver(() => {});
  observer.observe(root, { subtree: true, childList: true, characterData: true, attributes: true });
  for (const c of text) {
    const complete = [...root.children].slice(0, -1);
    view.push(c);
    view.render();
    for (const record of observer.takeRecords()) {
      const block = complete.find((element) => element.contains(record.target));
      const caret = record.type === 'attributes' && record.attributeName === 'class';
      if (block && !caret) touched.push(`${record.type} in ${block.outerHTML}`);
    }
  }
  view.end();
  const html = root.innerHTML;
  root.remove();
  return { touched, html };
}
