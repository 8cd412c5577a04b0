// The lines of a table (GitHub's extension of CommonMark).

const DELIMITER_ROW = /^\|?[ \t]*:?-+:?[ \t]*(?:\|[ \t]*:?-+:?[ \t]*)*\|?[ \t]*$/;

/**
 * How the columns are aligned, where the second of two lines makes a table's header of the first.
 * @returns {('' | 'left' | 'center' | 'right')[] | null}
 */
export function columnsOf(header, delimiters) {
  if (!header.includes('|') || !delimiters.includes('|') || !DELIMITER_ROW.test(delimiters)) return null;
  const columns = cells(delimiters).map(alignment);
  return cells(header).length === columns.length ? columns : null;
}

/** The cells of a row, as many as the table has columns. A row that is still arriving has only those that have begun. */
export function row(line, columns, whole) {
  const found = cells(line).slice(0, columns);
  while (whole && found.length < columns) found.push('');
  return found;
}

/** The cells of a line: split at pipes that are not escaped. */
export function cells(line) {
  const inner = line.trim().replace(/^\|/, '').replace(/(^|[^\\])\|$/, '$1');
  return inner.split(/(?<!\\)\|/).map((cell) => cell.trim().replaceAll('\\|', '|'));
}

function alignment(cell) {
  if (cell.endsWith(':')) return cell.startsWith(':') ? 'center' : 'right';
  return cell.startsWith(':') ? 'left' : '';
}
