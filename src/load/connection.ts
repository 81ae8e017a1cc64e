import { connect as connectPlain, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import type { Host } from '../driver.ts';
import { type Command, encode, type Reply, ReplyError, ReplyParser } from '../resp.ts';

/** No answer came. `sent` is false where the commands certainly never left this process. */
export class Unanswered extends Error {
  readonly sent: boolean;
  constructor(message: string, sent: boolean) {
    super(message);
    this.name = 'Unanswered';
    this.sent = sent;
  }
}

/** Told once what came of a request. */
export type Settle = (result: readonly Reply[] | Unanswered) => void;

interface Pending {
  readonly replies: Reply[];
  readonly wanted: number;
  readonly deadlineMs: number;
  /** Null once it was told. */
  settle: Settle | null;
}

const reconnectAfterMs = 50;
/** How exactly time-outs are kept. */
const deadlineEveryMs = 10;

/**
 * One connection to one node with nothing between: no offline queue, no retry, no redirect. What the server says, or
 * does not say, is what the caller gets. A connection that ends is opened again a moment later, because a node that was
 * gone comes back; a request that times out leaves its place in the line, so that a late answer is not taken for
 * another's.
 */
export class Connection implements Disposable {
  readonly #dial: Host['dial'];
  readonly #name: string;
  readonly #timeoutMs: number;
  /** Asked first on every new connection, such as READONLY. */
  readonly #greeting: readonly Command[];
  readonly #pending: Pending[] = [];
  #first = 0;
  #socket: Socket | undefined;
  #ready = false;
  #closed = false;
  /** Why there is no connection, for the error of a request. */
  #because = 'not connected yet';
  #outgoing = '';
  #reopening: NodeJS.Timeout | undefined;
  readonly #deadlines: NodeJS.Timeout;
  #waiting: ((ready: boolean) => void)[] = [];

  constructor(
    dial: Host['dial'],
    { name, timeoutMs, greeting = [] }: { readonly name: string; readonly timeoutMs: number; readonly greeting?: readonly Command[] },
  ) {
    this.#dial = dial;
    this.#name = name;
    this.#timeoutMs = timeoutMs;
    this.#greeting = greeting;
    this.#open();
    this.#deadlines = setInterval(() => this.#expire(), deadlineEveryMs);
  }

  /** Its first attempt is still under way. */
  get fresh(): boolean {
    return !this.#ready && this.#because === 'not connected yet';
  }

  /** Resolves when it is connected, or when the first attempt has failed. */
  settled(): Promise<boolean> {
    if (!this.fresh) return Promise.resolve(this.#ready);
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  /** All replies, errors among them, in the order of the commands. Rejects with `Unanswered`. */
  request(commands: readonly Command[]): Promise<readonly Reply[]> {
    return new Promise((resolve, reject) => {
      this.send(commands, (result) => (result instanceof Unanswered ? reject(result) : resolve(result)));
    });
  }

  /** The same without a promise; where there is no connection, `settle` is told at once. */
  send(commands: readonly Command[], settle: Settle): void {
    if (this.#ready) this.#send(commands, settle);
    else settle(new Unanswered(this.#because, false));
  }

  #send(commands: readonly Command[], settle: Settle): void {
    this.#pending.push({ replies: [], wanted: commands.length, deadlineMs: performance.now() + this.#timeoutMs, settle });
    // What is asked in one turn of the event loop goes out in one write.
    if (this.#outgoing === '') process.nextTick(() => this.#flush());
    this.#outgoing += encode(commands);
  }

  #flush(): void {
    const text = this.#outgoing;
    this.#outgoing = '';
    if (text !== '') this.#socket?.write(text, 'latin1');
  }

  #open(): void {
    const { lookUp } = this.#dial;
    if (!lookUp) this.#connect();
    else
      lookUp().then(
        () => this.#closed || this.#connect(),
        (error: Error) => this.#failed(error.message),
      );
  }

  #failed(because: string): void {
    this.#because = because;
    this.#become(false);
    if (!this.#closed) this.#reopening = setTimeout(() => this.#open(), reconnectAfterMs);
  }

  #connect(): void {
    const { host, port, tls, login } = this.#dial;
    const socket = tls ? connectTls({ host, port, ...tls, checkServerIdentity: () => undefined }) : connectPlain({ host, port });
    this.#socket = socket;
    socket.setNoDelay(true);
    const giveUp = setTimeout(() => socket.destroy(new Error('connecting took too long: ETIMEDOUT')), Math.max(250, this.#timeoutMs));
    const parser = new ReplyParser((reply) => this.#take(reply));
    socket.on('data', (chunk: Buffer) => {
      try {
        parser.push(chunk);
      } catch (error) {
        socket.destroy(error as Error);
      }
    });
    socket.once(tls ? 'secureConnect' : 'connect', () => {
      clearTimeout(giveUp);
      const words = login ? [['AUTH', ...(login.username === undefined ? [] : [login.username]), login.password]] : [];
      this.#send([...words, ['CLIENT', 'SETNAME', this.#name], ...this.#greeting], (result) => {
        if (result instanceof Unanswered) {
          socket.destroy(new Error('the connection was not greeted in time'));
          return;
        }
        // A node that is loading may refuse the name, and says so to every request as well. Without the rest of the greeting
        // the connection would be another one than was asked for, long after the node has loaded (before Redis 7.0: server.c redisCommandTable).
        const refused = result.find(
          (reply, index) => reply instanceof ReplyError && (index !== words.length || !/^LOADING|^BUSY|^MASTERDOWN/.test(reply.message)),
        );
        if (refused instanceof ReplyError) socket.destroy(new Error(refused.message));
        else this.#become(true);
      });
    });
    let because = 'Connection is closed';
    socket.on('error', (error: NodeJS.ErrnoException) => {
      because = error.code ? `${error.message} ${error.code}` : error.message;
    });
    socket.once('close', () => {
      clearTimeout(giveUp);
      const lost = this.#pending.splice(0);
      this.#first = 0;
      this.#outgoing = '';
      this.#failed(because);
      for (const pending of lost) this.#tell(pending, new Unanswered(because, true));
    });
  }

  #become(ready: boolean): void {
    this.#ready = ready;
    for (const resolve of this.#waiting.splice(0)) resolve(ready);
  }

  #take(reply: Reply): void {
    const pending = this.#pending[this.#first];
    if (!pending) return;
    pending.replies.push(reply);
    if (pending.replies.length < pending.wanted) return;
    this.#first++;
    // Shifting an array costs its length; cutting it now and then does not.
    if (this.#first >= 64 || this.#first === this.#pending.length) {
      this.#pending.splice(0, this.#first);
      this.#first = 0;
    }
    this.#tell(pending, pending.replies);
  }

  #tell(pending: Pending, result: readonly Reply[] | Unanswered): void {
    const { settle } = pending;
    pending.settle = null;
    settle?.(result);
  }

  #expire(): void {
    const now = performance.now();
    for (let index = this.#first; index < this.#pending.length; index++) {
      const pending = this.#pending[index] as Pending;
      if (pending.deadlineMs > now) break;
      if (pending.settle) this.#tell(pending, new Unanswered('Command timed out', true));
    }
  }

  [Symbol.dispose](): void {
    this.#closed = true;
    clearInterval(this.#deadlines);
    clearTimeout(this.#reopening);
    this.#socket?.destroy();
  }
}
