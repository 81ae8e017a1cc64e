/** What the engine takes for blank (isspace). */
const blank = /[ \t\n\r\v\f]/;
const escapes: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t', b: '\b', a: '\u0007' };

/**
 * The words of a line as the engine splits it (sds.c sdssplitargs): double quotes with \n, \r, \t, \b, \a, \xHH and
 * backslash before anything else, single quotes with \' alone. A quote may begin within a word; after the one that closes it a
 * blank must follow. null where quotes do not match.
 */
export function splitWords(line: string): string[] | null {
  const words: string[] = [];
  for (let at = 0; ;) {
    while (at < line.length && blank.test(line.charAt(at))) at++;
    if (at >= line.length) return words;
    let word = '';
    let quote = '';
    for (; at < line.length && (quote !== '' || !blank.test(line.charAt(at))); at++) {
      const char = line.charAt(at);
      const following = line.charAt(at + 1);
      if (quote === '"' && char === '\\' && following !== '') {
        const byte = /^x([0-9a-fA-F]{2})/.exec(line.slice(at + 1));
        word += byte ? String.fromCharCode(Number.parseInt(byte[1] as string, 16)) : (escapes[following] ?? following);
        at += byte ? 3 : 1;
      } else if (quote === "'" && char === '\\' && following === "'") {
        word += "'";
        at++;
      } else if (quote !== '' && char === quote) {
        if (following !== '' && !blank.test(following)) return null;
        quote = '';
        at++;
        break;
      } else if (quote === '' && (char === '"' || char === "'")) quote = char;
      else word += char;
    }
    if (quote !== '') return null;
    words.push(word);
  }
}

/** A word as a line of redis.conf holds it: in quotes where it must be. */
export function quoteWord(word: string): string {
  if (/^[!$-&(-[\]-~]+$/.test(word)) return word;
  const escaped = [...word].map((char) => {
    if (char === '"' || char === '\\') return `\\${char}`;
    const code = char.codePointAt(0) as number;
    return code < 32 || code === 127 ? `\\x${code.toString(16).padStart(2, '0')}` : char;
  });
  return `"${escaped.join('')}"`;
}
