import { readdirSync, readFileSync, statSync } from 'node:fs';
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

export interface Conf {
  readonly file: string;
  /** 'dump' is what CONFIG GET answered: every directive there is, defaults included. */
  readonly kind: 'file' | 'dump';
  readonly settings: readonly Setting[];
  /** What a person should know about how it was read. */
  readonly remarks: readonly string[];
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
  const remarks: string[] = [];
  return { file, kind: 'file', settings: linesOf(file, text, [path.resolve(file)], remarks), remarks };
}

/** The same with lines added behind all others, so that they win. */
export function withLines(conf: Conf, lines: readonly string[], from: string): Conf {
  const added = linesOf(from, lines.join('\n'), [], []);
  const settings = conf.kind === 'dump' ? added.map((setting) => ({ ...setting, values: [setting.values.join(' ')] })) : added;
  return { ...conf, settings: [...conf.settings, ...settings] };
}

function linesOf(file: string, text: string, chain: readonly string[], remarks: string[]): readonly Setting[] {
  return text.split('\n').flatMap((raw, index): readonly Setting[] => {
    const line = raw.replace(/^[ \t\r]+|[ \t\r]+$/g, '');
    if (line === '' || line.startsWith('#')) return [];
    const at = `${file}:${index + 1}`;
    const words = splitWords(line);
    if (words === null) throw new UsageError(`${at}: the quotes do not match in ${shorten(line)}`);
    const [name = '', ...values] = words;
    if (!/^[a-z][a-z0-9_-]*$/i.test(name)) throw new UsageError(`${at}: expected the name of a directive, got ${shorten(name)}`);
    if (name.toLowerCase() !== 'include') return [{ name: name.toLowerCase(), values, at }];
    if (values.length !== 1) throw new UsageError(`${at}: expected one file to include, got ${values.length}`);
    return included(values[0] as string, file, at, chain, remarks);
  });
}

/**
 * The engine looks from its working directory, which is not known here, so a relative name is looked for beside the file
 * first and then from here. Wildcards as from 7.0: what matches nothing is nothing.
 */
function included(wanted: string, from: string, at: string, chain: readonly string[], remarks: string[]): readonly Setting[] {
  const places = path.isAbsolute(wanted) ? [wanted] : [path.join(path.dirname(from), wanted), wanted];
  const wild = /[*?[]/.test(wanted);
  const files = places.map((place) => (wild ? matching(place) : isFile(place) ? [place] : [])).find((found) => found.length > 0) ?? [];
  if (files.length === 0 && wild) remarks.push(`${at}: nothing matches ${wanted}, so nothing is included`);
  if (files.length === 0 && !wild)
    throw new UsageError(`${at}: the included file ${wanted} is not there; put it there, or take the line out to go on without it`);
  return files.flatMap((file) => {
    const resolved = path.resolve(file);
    if (chain.includes(resolved))
      throw new UsageError(`${at}: ${wanted} includes itself (${[...chain, resolved].map((link) => path.basename(link)).join(' → ')})`);
    const text = read(file, (because) => `${at}: expected a file to include, but ${file} ${because}`);
    return linesOf(file, text, [...chain, resolved], remarks);
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

const isFile = (file: string): boolean => statSync(file, { throwIfNoEntry: false })?.isFile() ?? false;

/** The files that a pattern of a shell matches, in the order of the alphabet. */
function matching(pattern: string): string[] {
  return path
    .resolve(pattern)
    .split(path.sep)
    .slice(1)
    .reduce<string[]>(
      (folders, part) => {
        if (!/[*?[]/.test(part)) return folders.map((folder) => path.join(folder, part));
        const form = new RegExp(
          `^${part
            .replace(/[.+^${}()|\\]/g, '\\$&')
            .replace(/\[!/g, '[^')
            .replaceAll('*', '.*')
            .replaceAll('?', '.')}$`,
        );
        return folders.flatMap((folder) =>
          entriesOf(folder)
            .filter((name) => form.test(name) && (part.startsWith('.') || !name.startsWith('.')))
            .map((name) => path.join(folder, name)),
        );
      },
      [path.parse(path.resolve(pattern)).root],
    )
    .filter(isFile)
    .sort();
}

function entriesOf(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

const shorten = (text: string): string => JSON.stringify(text.length > 60 ? `${text.slice(0, 60)}…` : text);
