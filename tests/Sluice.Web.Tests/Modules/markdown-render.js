// Markdown as the page shows it, at its end or while more may come.
async ({ text, whole }) => {
  const { MarkdownView } = await import('/markdown/render.js');
  const root = document.createElement('div');
  const view = new MarkdownView(root);
  view.push(text);
  if (whole) view.end();
  else view.render();
  return root.innerHTML;
}
