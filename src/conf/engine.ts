import { SlotquakeError } from '../base/errors.ts';
import { hasManyWords, meaningOf } from './directive.ts';
import { readDump } from './dump.ts';
import { quoteWord, splitWords } from './words.ts';

/** Values as CONFIG GET says them: sizes in bytes, classes and save points in one line. */
export type Values = Readonly<Record<string, string>>;

/** What an engine says of the settings that it was started with. */
export interface EngineSettings {
  /** Of every directive that it has, given or not. */
  readonly values: Values;
  /** Lines that it did not take, and in its own words why. */
  readonly refused: readonly { readonly index: number; readonly because: string }[];
}

/** What this question itself sets, so that its answers mean nothing. */
const ownSettings = ['port', 'unixsocket', 'daemonize', 'logfile', 'dir', 'pidfile'];
const mark = '--- slotquake';

/**
 * A script that starts an engine with these lines of redis.conf and prints what CONFIG GET says then. A line that the engine
 * refuses is taken out and the start repeated: the engine itself says what it makes of a file. Names that it does not have must not
 * be among the lines, for from Redis 8.0 they are taken for settings of a module. `hidden`: what to ask for beside `CONFIG GET *`.
 */
export function question(kind: 'redis' | 'valkey', lines: readonly string[], hidden: readonly string[]): string {
  return `cd /tmp || exit 1
cli="${kind}-cli -s /tmp/s"
cat >c.conf <<'${mark}'
${lines.join('\n')}
${mark}
until ${kind}-server c.conf --port 0 --unixsocket /tmp/s --daemonize yes --logfile /tmp/log >said 2>&1; do
  line=$(sed -n 's/.*at line \\([0-9]*\\)[^0-9]*$/\\1/p' said | head -n 1)
  [ -n "$line" ] || { cat said; exit 1; }
  echo '${mark}' refused "$line"
  cat said
  sed -i "\${line}s/^/#/" c.conf
done
i=0; until $cli PING 2>/dev/null | grep -q PONG; do i=$((i+1)); [ $i -lt 100 ] || { tail -n 3 log; exit 1; }; sleep 0.05; done
echo '${mark}' values
# Before 7.0 there was one name to a command, and hardly one that '*' does not list.
$cli CONFIG GET '*' ${hidden.map((name) => `'${name.replace(/[^\w.-]/g, '')}'`).join(' ')} | cat >got
case "$(head -n 1 got)" in *ERR*) $cli CONFIG GET '*' | cat >got ;; esac
cat got
`;
}

/** What the script printed. */
export function readAnswer(output: string): EngineSettings {
  const sections = output
    .replaceAll('\r', '')
    .split(new RegExp(`^${mark} `, 'm'))
    .slice(1);
  const refused = sections.flatMap((text) => {
    const [head = '', ...said] = text.trim().split('\n');
    const line = /^refused (\d+)$/.exec(head)?.[1];
    return line === undefined ? [] : [{ index: Number(line) - 1, because: said.at(-1)?.trim() ?? '' }];
  });
  const pairs = readDump(sections.at(-1)?.replace(/^values\n/, '') ?? '');
  if (!pairs || typeof pairs === 'string')
    throw new SlotquakeError(`the engine did not tell its settings: ${output.trim().split('\n').slice(-3).join(' ').slice(-300)}`);
  return {
    values: Object.fromEntries(pairs.filter(({ name }) => !ownSettings.includes(name)).map(({ name, value }) => [name, value])),
    refused,
  };
}

/** A value of CONFIG GET as redis.conf takes it behind the name: one line, or several where each adds to the others. */
export function confLines(name: string, value: string): string | readonly string[] {
  const meaning = meaningOf(name);
  const size = meaning === 'save' ? 2 : meaning === 'client-output-buffer-limit' ? 4 : 0;
  if (value === '') return '';
  if (size === 0) return hasManyWords(name) ? value : quoteWord(value);
  const words = splitWords(value) ?? [];
  return Array.from({ length: Math.ceil(words.length / size) }, (_, at) => words.slice(at * size, (at + 1) * size).join(' '));
}
