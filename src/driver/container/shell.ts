import { PassThrough } from 'node:stream';
import type Docker from 'dockerode';
import { SlotquakeError } from '../../base/errors.ts';
import type { CommandResult } from '../../driver.ts';

/** Ends an answer; a byte that no tool of the toolbox prints. */
const mark = '\x1e';

export const quote = (argv: readonly string[]): string => argv.map((word) => `'${word.replaceAll("'", `'\\''`)}'`).join(' ');

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

  private constructor(what: string, stream: NodeJS.ReadWriteStream & { destroy(): void }, output: PassThrough) {
    this.#what = what;
    this.#stream = stream;
    output.setEncoding('utf8');
    output.on('data', (chunk: string) => this.#read(chunk));
    const end = (): void => {
      this.#ended = true;
      this.#closed?.(new SlotquakeError(`the shell in ${what} ended before it answered; is the container still running?`));
    };
    stream.on('end', end);
    stream.on('close', end);
    stream.on('error', end);
  }

  static async open(container: Docker.Container, what: string): Promise<ContainerShell> {
    const exec = await container.exec({ Cmd: ['sh'], AttachStdin: true, AttachStdout: true, AttachStderr: true });
    const stream = await exec.start({ hijack: true, stdin: true });
    const output = new PassThrough();
    container.modem.demuxStream(stream, output, output);
    return new ContainerShell(what, stream, output);
  }

  run(argv: readonly string[]): Promise<CommandResult> {
    const result = this.#turn.then(() => this.#ask(argv));
    this.#turn = result.catch(() => {});
    return result;
  }

  async #ask(argv: readonly string[]): Promise<CommandResult> {
    if (this.#ended) throw new SlotquakeError(`the shell in ${this.#what} has ended; is the container still running?`);
    const text = await new Promise<string>((resolve, reject) => {
      this.#answer = resolve;
      this.#closed = reject;
      this.#stream.write(`( ${quote(argv)} ) </dev/null 2>&1; printf '${mark}%d${mark}' $?\n`);
    });
    const [output = '', exitCode = ''] = text.split(mark);
    return { exitCode: Number(exitCode), output: output.trim() };
  }

  #read(chunk: string): void {
    this.#buffer += chunk;
    const first = this.#buffer.indexOf(mark);
    const second = first < 0 ? -1 : this.#buffer.indexOf(mark, first + 1);
    if (second < 0) return;
    const text = this.#buffer.slice(0, second);
    this.#buffer = this.#buffer.slice(second + 1);
    this.#answer?.(text);
  }

  [Symbol.dispose](): void {
    this.#stream.destroy();
  }
}
