import { PassThrough } from 'node:stream';
import type Docker from 'dockerode';
import { SlotquakeError } from '../../base/errors.ts';
import type { CommandResult } from '../../driver.ts';
import { shellMark } from '../fence.ts';
import type { Script } from '../interpreter.ts';

/** Ends an answer; a byte that no tool of the toolbox prints. */
const mark = '\x1e';

export const quote = (argv: readonly string[]): string => argv.map((word) => `'${word.replaceAll("'", `'\\''`)}'`).join(' ');

/** A script with a syntax error, or one that ends with `exit`, cannot take with it what comes after. */
export const marked = (script: string): string => `( eval ${quote([script])} ) </dev/null 2>&1; printf '${mark}%d${mark}' $?`;

/** What marked scripts have printed, one result for each that ended. */
export function resultsIn(text: string): CommandResult[] {
  const parts = text.split(mark);
  return Array.from({ length: (parts.length - 1) / 2 }, (_, index) => ({
    output: (parts[2 * index] ?? '').trim(),
    exitCode: Number(parts[2 * index + 1]),
  }));
}

/** Data files belong to the uid and gid that engines run as; the network is root's, which a toolbox itself is not. */
const users = { toolbox: '0:0', files: '999:999' } as const;
const userOf = (kind: Script['run']): { User?: string } => (kind === 'engine' ? {} : { User: users[kind] });

/**
 * $CLI is the engine's command line client, with what it needs to be let in; see redisConf in cluster/form.ts. It is the
 * same at every node. $MIGRATE_AUTH is that for MIGRATE.
 */
const clientSetup = `
export CLI="$(command -v valkey-cli || command -v redis-cli) -h 127.0.0.1 -p 6379"
login=$(sed -n 's/^# slotquake-login //p' /data/redis.conf 2>/dev/null)
if [ -n "$login" ]; then
  export REDISCLI_AUTH="\${login%% *}"
  export MIGRATE_AUTH="AUTH $REDISCLI_AUTH"
  case $login in *' '*) export CLI="$CLI --user \${login#* }" MIGRATE_AUTH="AUTH2 \${login#* } $REDISCLI_AUTH" ;; esac
fi
if grep -q '^tls-port ' /data/redis.conf 2>/dev/null; then
  export CLI="$CLI --tls --cacert /data/tls/authority.pem --cert /data/tls/good.pem --key /data/tls/key.pem"
fi`;

/**
 * A shell that stays open inside a container and takes one command after the other: a few milliseconds each, where a
 * fresh `docker exec` costs a hundred. Commands of one shell never overlap.
 */
export class ContainerShell implements Disposable {
  readonly #stream: NodeJS.ReadWriteStream & { destroy(): void };
  readonly #what: string;
  #buffer = '';
  #turn: Promise<unknown> = Promise.resolve();
  #answer: ((text: string) => void) | undefined;
  #closed: ((error: Error) => void) | undefined;
  #ended = false;
  #kill: () => Promise<void> = () => Promise.resolve();

  private constructor(what: string, stream: NodeJS.ReadWriteStream & { destroy(): void }, output: PassThrough) {
    this.#what = what;
    this.#stream = stream;
    output.setEncoding('utf8');
    output.on('data', (chunk: string) => this.#read(chunk));
    const end = (): void => {
      this.#ended = true;
      this.#closed?.(new SlotquakeError(`${what} ended before it answered; is the container still running?`));
    };
    stream.on('end', end);
    stream.on('close', end);
    stream.on('error', end);
  }

  static async open(container: Docker.Container, kind: Script['run'], node: string): Promise<ContainerShell> {
    const exec = await container.exec({
      Cmd: ['sh', '-s', shellMark(process.pid)],
      ...userOf(kind),
      AttachStdin: true,
      AttachStdout: true,
      AttachStderr: true,
    });
    const stream = await exec.start({ hijack: true, stdin: true });
    const output = new PassThrough();
    container.modem.demuxStream(stream, output, output);
    const shell = new ContainerShell(`the ${kind} shell of ${node}`, stream, output);
    // Not a command of its own, which would run in a subshell and take its exports with it.
    if (kind === 'engine') stream.write(`${clientSetup}\n`);
    const pid = Number((await shell.run('echo $$')).output);
    shell.#kill = async () => {
      const killer = await container.exec({ Cmd: ['sh', '-c', `kill -9 -${pid}`], ...userOf(kind) });
      await killer.start({ Detach: true });
    };
    return shell;
  }

  /** Ends what it runs, and itself: a script that took too long must not go on beside the next one. */
  async kill(): Promise<void> {
    this[Symbol.dispose]();
    await this.#kill();
  }

  /** The process behind it is gone: open another. */
  get ended(): boolean {
    return this.#ended;
  }

  run(script: string): Promise<CommandResult> {
    const result = this.#turn.then(() => this.#ask(script));
    this.#turn = result.catch(() => {});
    return result;
  }

  async #ask(script: string): Promise<CommandResult> {
    if (this.#ended) throw new SlotquakeError(`${this.#what} has ended; is the container still running?`);
    const text = await new Promise<string>((resolve, reject) => {
      this.#answer = resolve;
      this.#closed = reject;
      this.#stream.write(`${marked(script)}\n`);
    });
    return resultsIn(text)[0] as CommandResult;
  }

  #read(chunk: string): void {
    this.#buffer += chunk;
    const first = this.#buffer.indexOf(mark);
    const second = first < 0 ? -1 : this.#buffer.indexOf(mark, first + 1);
    if (second < 0) return;
    const text = this.#buffer.slice(0, second + 1);
    this.#buffer = this.#buffer.slice(second + 1);
    this.#answer?.(text);
  }

  [Symbol.dispose](): void {
    this.#stream.destroy();
  }
}
