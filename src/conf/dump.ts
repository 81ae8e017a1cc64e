import { isSecret } from './directive.ts';
import { splitWords } from './words.ts';

/** A name and its value of CONFIG GET, and the line on which the name stands. */
export interface Pair {
  readonly name: string;
  readonly value: string;
  readonly line: number;
}

/** Those of modules have a dot, such as json.max-path-limit. */
const directive = /^[a-z][a-z0-9_.-]+$/i;
/** `127.0.0.1:6379> config get *`, copied along with its answer. */
const prompt = /^\S*> ?config get /i;
/** What a terminal shows behind the answer: how long it took, and the next prompt. */
const afterwards = /^(\(\d+\.\d+s\)|\S*> ?(quit|exit)?)$/i;

/**
 * What CONFIG GET answered, in one of the forms in which people keep it: the bare lines of a pipe, the numbered and quoted
 * ones of a terminal (`1) "maxmemory"`, or `1# "maxmemory" => "0"` of RESP3), JSON, or RESP itself. undefined where the text is
 * none of them; a string says what is wrong with one that is.
 */
export function readDump(copied: string): readonly Pair[] | string | undefined {
  const text = answerIn(copied);
  const start = text.trimStart();
  if (/^[{[]/.test(start)) return fromJson(text);
  if (/^[*%]\d+\r?\n/.test(start)) return fromResp(text);
  const lines = text.split('\n').map((line) => line.replace(/\r$/, ''));
  const first = lines.findIndex((line) => line.trim() !== '' && !prompt.test(line));
  const head = lines[first]?.trim() ?? '';
  if (/^\d+\) "/.test(head)) return alternating(lines, first, quoted(/^\s*\d+\) (".*")\s*$/));
  if (/^\d+# "/.test(head)) return inOneLine(lines, first);
  // A redis.conf may begin with a directive that lacks its value; what follows it has one.
  if (directive.test(head) && /^\S*\s*$/.test(lines[first + 2] ?? 'nothing follows')) return alternating(lines, first, (line) => line);
  if (/^"[a-z][a-z0-9_.-]+"$/i.test(head)) return alternating(lines, first, quoted(/^\s*(".*")\s*$/));
  return undefined;
}

function answerIn(copied: string): string {
  let lines = copied.split('\n');
  for (;;) {
    const last = lines.findLastIndex((line) => line.trim() !== '');
    if (last < 0 || !afterwards.test((lines[last] as string).trim())) return lines.join('\n');
    lines = lines.slice(0, last);
  }
}

const quoted =
  (form: RegExp) =>
  (line: string): string | undefined => {
    const words = splitWords(form.exec(line)?.[1] ?? '"');
    return words?.length === 1 ? words[0] : undefined;
  };

/** Names and values in turn. An empty value is an empty line, so that only those at the end mean nothing. */
function alternating(lines: readonly string[], first: number, read: (line: string) => string | undefined): readonly Pair[] | string {
  const pairs: Pair[] = [];
  let end = lines.length;
  while (end > first && lines[end - 1]?.trim() === '') end--;
  for (let at = first; at < end; at += 2) {
    const name = read(lines[at] ?? '');
    // The value of the last name may be one of those empty lines.
    const value = read(lines[at + 1] ?? '') ?? (at + 1 >= end ? '' : undefined);
    if (name === undefined || !directive.test(name)) return noName(at + 1);
    if (value === undefined) return `${at + 2}: expected the value of ${name}, got ${showOf(name, lines[at + 1])}`;
    pairs.push({ name, value, line: at + 1 });
  }
  return pairs;
}

function inOneLine(lines: readonly string[], first: number): readonly Pair[] | string {
  const pairs: Pair[] = [];
  for (const [index, line] of lines.entries()) {
    if (index < first || line.trim() === '') continue;
    const [name, arrow, value, ...more] = splitWords(line.replace(/^\s*\d+# /, '')) ?? [];
    if (name === undefined || arrow !== '=>' || value === undefined || more.length > 0)
      return `${index + 1}: expected a line such as 1# "maxmemory" => "0", got ${show(/^\s*\d+# "[\w.-]+"/.exec(line)?.[0])}`;
    pairs.push({ name, value, line: index + 1 });
  }
  return pairs;
}

function fromJson(text: string): readonly Pair[] | string {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    // V8 quotes what stands there, which may be a password.
    return `1: expected what CONFIG GET answered as JSON: ${(error as Error).message.split(/\n|, (?:\.\.\.)?"/)[0]}`;
  }
  const list = Array.isArray(value) && value.every((item) => Array.isArray(item)) ? value.flat() : value;
  const entries: [unknown, unknown][] = Array.isArray(list)
    ? Array.from({ length: Math.ceil(list.length / 2) }, (_, at) => [list[2 * at], list[2 * at + 1]])
    : Object.entries(list as object);
  const lines = text.split('\n');
  const pairs: Pair[] = [];
  for (const [name, setting] of entries) {
    if (typeof name !== 'string' || !directive.test(name)) return noName(1);
    const line = Math.max(
      0,
      lines.findIndex((candidate) => candidate.includes(`"${name}"`)),
    );
    if (typeof setting !== 'string' && typeof setting !== 'number')
      return `${line + 1}: expected the value of ${name} as a string or a number, got ${showOf(name, setting)}`;
    pairs.push({ name, value: String(setting), line: line + 1 });
  }
  return pairs;
}

/** Bulk strings, simple strings and numbers within one array or map. */
function fromResp(text: string): readonly Pair[] | string {
  const bytes = Buffer.from(text.trimStart(), 'utf8');
  const items: { readonly text: string; readonly line: number }[] = [];
  let at = 0;
  let line = 1;
  const header = (): string => {
    const end = bytes.indexOf('\n', at);
    const read = bytes.subarray(at, end < 0 ? bytes.length : end).toString('utf8');
    at = end < 0 ? bytes.length : end + 1;
    line++;
    return read.replace(/\r$/, '');
  };
  header();
  while (at < bytes.length) {
    const from = line;
    const head = header();
    if (head === '' && at >= bytes.length) break;
    const length = /^\$(\d+)$/.exec(head)?.[1];
    if (length !== undefined) {
      const body = bytes.subarray(at, at + Number(length)).toString('utf8');
      at += Number(length);
      line += body.split('\n').length - 1;
      if (at > bytes.length || header() !== '') return `${from}: expected ${length} bytes and the end of the line`;
      items.push({ text: body, line: from });
    } else if (/^[+:]/.test(head)) items.push({ text: head.slice(1), line: from });
    else return `${from}: expected a string or a number of RESP, got ${show(head.slice(0, 1))}`;
  }
  const pairs: Pair[] = [];
  for (let index = 0; index < items.length; index += 2) {
    const [name, value] = [items[index], items[index + 1]];
    if (!name || !directive.test(name.text)) return noName(name?.line ?? line);
    if (!value) return `${name.line}: expected the value of ${name.text}, but the answer ends there`;
    pairs.push({ name: name.text, value: value.text, line: name.line });
  }
  return pairs;
}

/** Once names and values are out of step a password may stand where a name is expected, and messages go into the logs of pipelines. */
const noName = (line: number): string =>
  `${line}: expected the name of a directive, got something else; look whether a line before it is missing`;
const show = (value: unknown): string => (value === undefined ? 'something else' : JSON.stringify(value).slice(0, 60));
const showOf = (name: string, value: unknown): string =>
  value === undefined ? 'nothing' : isSecret(name) ? 'what is no value' : show(value);
