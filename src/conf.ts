import { globSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { messageOf, UsageError } from './base/errors.ts';
import { readDump } from './conf/dump.ts';
import { splitWords } from './conf/words.ts';

/** One directive as somebody wrote it: the name in small letters, the words behind it, and where it stands. */
export interface Setting {
  readonly name: string;
  readonly values: readonly string[];
  /** As the messages name it, such as 'redis.conf:12'. */
  readonly at: string;
}

/** What a person should know about a directive. */
export interface Remark {
  readonly at: string;
  readonly directive: string;
  readonly because: string;
}

export interface Conf {
  readonly file: string;
  /** 'dump' is what CONFIG GET answered: every directive there is, defaults included. */
  readonly kind: 'file' | 'dump';
  readonly settings: readonly Setting[];
  /** How it was read. */
  readonly remarks: readonly Remark[];
}

/** More than this is no redis.conf; a file that was named by mistake can be large. */
const mostBytes = 4 * 2 ** 20;

/** A redis.conf with all that it includes, in the order in which the engine reads it; or a dump. Bad input is a UsageError. */
export function readConf(file: string): Conf {
  const text = read(file, (because) => `expected a redis.conf or what CONFIG GET answered, but ${file} ${because}`);
  const pairs = readDump(text);
  if (typeof pairs === 'string') throw new UsageError(`${file}:${pairs}`);
  if (pairs) {
    const settings = pairs.map(({ name, value, line }) => ({ name: name.toLowerCase(), values: [value], at: `${file}:${line}` }));
    return { file, kind: 'dump', settings, remarks: [] };
  }
  const remarks: Remark[] = [];
  return { file, kind: 'file', settings: linesOf(text, [file], remarks), remarks };
}

/** The same with lines added behind all others, so that they win. */
export function withLines(conf: Conf, lines: readonly string[], from: string): Conf {
  const added = linesOf(lines.join('\n'), [from], []);
  const settings = conf.kind === 'dump' ? added.map((setting) => ({ ...setting, values: [setting.values.join(' ')] })) : added;
  return { ...conf, settings: [...conf.settings, ...settings] };
}

function linesOf(text: string, chain: readonly string[], remarks: Remark[]): readonly Setting[] {
  return text.split('\n').flatMap((raw, index): readonly Setting[] => {
    const line = raw.replace(/^[ \t\r]+|[ \t\r]+$/g, '');
    if (line === '' || line.startsWith('#')) return [];
    const at = `${chain.at(-1)}:${index + 1}`;
    const words = splitWords(line);
    // What stands behind the name may be a password, and messages go into the logs of pipelines.
    if (words === null)
      throw new UsageError(`${at}: the quotes do not match behind ${/^[a-z0-9_.-]+/i.exec(line)?.[0] ?? 'what begins the line'}`);
    const [name = '', ...values] = words;
    // Those of modules have a dot.
    if (!/^[a-z][a-z0-9_.-]*$/i.test(name)) throw new UsageError(`${at}: expected the name of a directive, got ${shorten(name)}`);
    if (name.toLowerCase() !== 'include') return [{ name: name.toLowerCase(), values, at }];
    if (values.length !== 1) throw new UsageError(`${at}: expected one file to include, got ${values.length}`);
    return included(values[0] as string, chain, at, remarks);
  });
}

/**
 * The engine looks from its one working directory, which is not known here: most likely the folder of the first file, else that
 * of the file which includes, else ours. Wildcards as from 7.0: what matches nothing is nothing.
 */
function included(wanted: string, chain: readonly string[], at: string, remarks: Remark[]): readonly Setting[] {
  const folders = path.isAbsolute(wanted) ? [''] : [path.dirname(chain[0] ?? ''), path.dirname(chain.at(-1) ?? ''), ''];
  const wild = /[*?[]/.test(wanted);
  const found = (folder: string): string[] => (wild ? matching(wanted, folder) : [path.join(folder, wanted)]).filter(isFile);
  const files = folders.map(found).find(({ length }) => length > 0) ?? [];
  if (files.length === 0 && wild) remarks.push({ at, directive: 'include', because: `nothing matches ${wanted}, so nothing is included` });
  if (files.length === 0 && !wild)
    throw new UsageError(`${at}: the included file ${wanted} is not there; put it there, or take the line out to go on without it`);
  return files.flatMap((file) => {
    if (chain.some((link) => path.resolve(link) === path.resolve(file)))
      throw new UsageError(`${at}: ${wanted} includes itself (${[...chain, file].map((link) => path.basename(link)).join(' → ')})`);
    const text = read(file, (because) => `${at}: expected a file to include, but ${file} ${because}`);
    return linesOf(text, [...chain, file], remarks);
  });
}

function read(file: string, complaint: (because: string) => string): string {
  let bytes: Buffer;
  try {
    const stat = statSync(file);
    if (stat.isDirectory()) throw new UsageError(complaint('is a folder'));
    if (stat.size > mostBytes) throw new UsageError(complaint(`has ${Math.round(stat.size / 2 ** 20)} MB`));
    bytes = readFileSync(file);
  } catch (error) {
    if (error instanceof UsageError) throw error;
    const { code } = error as NodeJS.ErrnoException;
    throw new UsageError(complaint(code === 'ENOENT' ? 'is not there' : `cannot be read (${messageOf(error)})`));
  }
  if (bytes.includes(0)) throw new UsageError(complaint('is no text'));
  return bytes.toString('utf8').replace(/^\uFEFF/, '');
}

/** What cannot be looked at is none: a name that is too long, a folder that is closed. */
function isFile(file: string): boolean {
  try {
    return statSync(file).isFile();
  } catch {
    return false;
  }
}

/** The files that a pattern matches, in the order of the alphabet. Parentheses, ** and braces mean nothing to glob(3). */
function matching(pattern: string, folder: string): string[] {
  // Braces are spread before anything can quote them.
  const plain = pattern
    .replace(/[()]/g, '[$&]')
    .replace(/\*{2,}/g, '*')
    .replace(/[{}]/g, '?');
  const braces = pattern.replace(/[^{}]/g, '');
  return globSync(plain, { cwd: folder || '.' })
    .filter((file) => braces === '' || file.replace(/[^{}]/g, '') === braces)
    .map((file) => path.join(folder, file))
    .sort();
}

const shorten = (text: string): string => JSON.stringify(text.length > 60 ? `${text.slice(0, 60)}…` : text);
