import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Command, CommandResult } from '../../src/driver.ts';
import { scriptOf } from './planned.ts';

/** Runs the scripts of commands with the local sh, as a container's shell does, on a folder that stands for /data. */
export class Sandbox implements Disposable {
  readonly data = mkdtempSync(path.join(tmpdir(), 'slotquake-data-'));
  readonly #env: Record<string, string>;

  constructor(env: Record<string, string> = {}) {
    this.#env = env;
  }

  run(command: Command | undefined): CommandResult {
    const script = scriptOf(command).replaceAll('/data', this.data);
    const { status, stdout } = spawnSync('sh', ['-c', '( eval "$1" ) </dev/null 2>&1', 'sh', script], {
      encoding: 'utf8',
      env: { ...process.env, ...this.#env },
    });
    return { exitCode: status ?? -1, output: stdout.trim() };
  }

  /** Every file with its content, by name. */
  files(): Record<string, string> {
    const names = execFileSync('find', ['.', '-type', 'f'], { cwd: this.data, encoding: 'utf8' })
      .trim()
      .split('\n')
      .filter(Boolean)
      .toSorted();
    return Object.fromEntries(names.map((name) => [name.slice(2), execFileSync('cat', [name], { cwd: this.data, encoding: 'latin1' })]));
  }

  [Symbol.dispose](): void {
    rmSync(this.data, { recursive: true, force: true });
  }
}
