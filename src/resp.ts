/** What an engine answers, as RESP 2 has it. An error is a value here: whoever asked decides what it means. */
export type Reply = string | number | null | ReplyError | readonly Reply[];

export class ReplyError {
  readonly message: string;
  constructor(message: string) {
    this.message = message;
  }
  toString(): string {
    return this.message;
  }
}

/** A command and its arguments. Latin-1 only, so that a character is a byte. */
export type Command = readonly string[];

export function encode(commands: readonly Command[]): string {
  let text = '';
  for (const command of commands) {
    text += `*${command.length}\r\n`;
    for (const word of command) text += lengthOf(word) + word + '\r\n';
  }
  return text;
}

/** Most words are short, and making a number into a text costs as much as all the rest of a word. */
const lengths = Array.from({ length: 256 }, (_, length) => `$${length}\r\n`);
const lengthOf = ({ length }: string): string => lengths[length] ?? `$${length}\r\n`;

/** What came is no RESP: nothing that follows on this connection can be trusted. */
export class ProtocolError extends Error {
  constructor(got: number) {
    super(`expected a reply in RESP, got a byte ${got}; is this the client port of a Redis or Valkey server?`);
    this.name = 'ProtocolError';
  }
}

/** What is not there yet, or begins an array and is no reply by itself. */
const later = Symbol('later');
const carriageReturn = 13;

/** Cuts a stream of bytes into replies. What has come is looked at once, however many pieces a large reply comes in. */
export class ReplyParser {
  readonly #onReply: (reply: Reply) => void;
  /** What has come and belongs to no reply yet. */
  #parts: Buffer[] = [];
  /** How many bytes must come before it is worth looking again. */
  #missing = 0;
  #bytes: Buffer = Buffer.alloc(0);
  #at = 0;
  /** Arrays that are not whole yet, the innermost last. */
  readonly #arrays: { readonly replies: Reply[]; readonly length: number }[] = [];

  constructor(onReply: (reply: Reply) => void) {
    this.#onReply = onReply;
  }

  /** Throws a ProtocolError. */
  push(chunk: Buffer): void {
    this.#parts.push(chunk);
    this.#missing -= chunk.length;
    if (this.#missing > 0) return;
    this.#missing = 0;
    this.#bytes = this.#parts.length === 1 ? chunk : Buffer.concat(this.#parts);
    this.#at = 0;
    let start = 0;
    while (this.#missing === 0 && start < this.#bytes.length) {
      const reply = this.#reply();
      if (this.#missing > 0) break;
      start = this.#at;
      if (reply !== later) this.#give(reply);
    }
    this.#parts = start < this.#bytes.length ? [this.#bytes.subarray(start)] : [];
  }

  /** Passes a reply on, or puts it into the array that it belongs to. */
  #give(reply: Reply): void {
    let whole = reply;
    for (let array = this.#arrays.at(-1); array; array = this.#arrays.at(-1)) {
      array.replies.push(whole);
      if (array.replies.length < array.length) return;
      this.#arrays.pop();
      whole = array.replies;
    }
    this.#onReply(whole);
  }

  #reply(): Reply | typeof later {
    switch (this.#bytes[this.#at++]) {
      case 43: // +
        return this.#line();
      case 45: {
        // -
        const line = this.#line();
        return line === later ? later : new ReplyError(line);
      }
      case 58: // :
        return this.#number();
      case 36: // $
        return this.#bulk();
      case 42: // *
        return this.#array();
      default:
        throw new ProtocolError(this.#bytes[this.#at - 1] as number);
    }
  }

  #line(): string | typeof later {
    const end = this.#bytes.indexOf(carriageReturn, this.#at);
    if (!this.#has(end < 0 ? this.#bytes.length + 1 : end + 2)) return later;
    const line = this.#bytes.toString('latin1', this.#at, end);
    this.#at = end + 2;
    return line;
  }

  #number(): number | typeof later {
    const bytes = this.#bytes;
    const negative = bytes[this.#at] === 45;
    let number = 0;
    let at = negative ? this.#at + 1 : this.#at;
    for (; at < bytes.length && bytes[at] !== carriageReturn; at++) {
      const digit = (bytes[at] as number) - 48;
      if (digit < 0 || digit > 9) throw new ProtocolError(bytes[at] as number);
      number = number * 10 + digit;
    }
    if (!this.#has(at + 2)) return later;
    this.#at = at + 2;
    return negative ? -number : number;
  }

  #bulk(): string | null | typeof later {
    const length = this.#number();
    if (length === later) return later;
    if (length < 0) return null;
    const end = this.#at + length;
    if (!this.#has(end + 2)) return later;
    const text = this.#bytes.toString('latin1', this.#at, end);
    this.#at = end + 2;
    return text;
  }

  #array(): Reply | typeof later {
    const length = this.#number();
    if (length === later) return later;
    if (length < 0) return null;
    if (length === 0) return [];
    this.#arrays.push({ replies: [], length });
    return later;
  }

  /** Whether the bytes reach so far; else it is noted how many are missing. */
  #has(end: number): boolean {
    this.#missing = Math.max(0, end - this.#bytes.length);
    return this.#missing === 0;
  }
}
