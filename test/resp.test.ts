import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { encode, ProtocolError, type Reply, ReplyError, ReplyParser } from '../src/resp.ts';

/** What a parser makes of bytes that come in these pieces. */
function parsed(pieces: readonly Buffer[]): Reply[] {
  const replies: Reply[] = [];
  const parser = new ReplyParser((reply) => replies.push(reply));
  for (const piece of pieces) parser.push(piece);
  return replies;
}

const bytes = (text: string): Buffer => Buffer.from(text, 'latin1');

/** A reply as a server writes it. */
function written(reply: Reply): string {
  if (reply === null) return '$-1\r\n';
  if (typeof reply === 'number') return `:${reply}\r\n`;
  if (typeof reply === 'string') return `$${reply.length}\r\n${reply}\r\n`;
  if (reply instanceof ReplyError) return `-${reply.message}\r\n`;
  return `*${reply.length}\r\n${reply.map(written).join('')}`;
}

const latin1 = fc.string({ unit: fc.nat(255).map((code) => String.fromCharCode(code)) });
const anyReply = fc.letrec<{ reply: Reply }>((tie) => ({
  reply: fc.oneof(
    { maxDepth: 3 },
    latin1,
    fc.integer(),
    fc.constant(null),
    fc.constantFrom('MOVED 5 10.0.0.1:6379', 'ERR').map((message) => new ReplyError(message)),
    fc.array(tie('reply'), { maxLength: 4 }),
  ),
})).reply;

describe('a stream of replies', () => {
  it('is cut into simple strings, errors, numbers, bulks, nulls and arrays', () => {
    const text = '+OK\r\n-ERR no\r\n:42\r\n:-7\r\n$3\r\na\r\n\r\n$0\r\n\r\n$-1\r\n*-1\r\n*0\r\n*2\r\n:1\r\n*1\r\n-EXECABORT x\r\n';
    expect(parsed([bytes(text)])).toEqual([
      'OK',
      new ReplyError('ERR no'),
      42,
      -7,
      'a\r\n',
      '',
      null,
      null,
      [],
      [1, [new ReplyError('EXECABORT x')]],
    ]);
  });
  it('means the same wherever it is cut in two, and byte by byte', () => {
    const replies: Reply[] = ['value', 12, null, new ReplyError('MOVED 1 a:1'), ['a', ['b', [], null, 3]], []];
    const whole = bytes(`+OK\r\n${replies.map(written).join('')}`);
    for (let cut = 0; cut <= whole.length; cut++)
      expect(parsed([whole.subarray(0, cut), whole.subarray(cut)]), `cut at ${cut}`).toEqual(['OK', ...replies]);
    expect(parsed([...whole].map((byte) => Buffer.of(byte)))).toEqual(['OK', ...replies]);
  });
  it('means the same in any pieces, whatever the replies', () => {
    fc.assert(
      fc.property(fc.array(anyReply), fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1 }), (replies, lengths) => {
        const whole = bytes(replies.map(written).join(''));
        const pieces: Buffer[] = [];
        for (let at = 0, n = 0; at < whole.length; n++) {
          const length = lengths[n % lengths.length] as number;
          pieces.push(whole.subarray(at, at + length));
          at += length;
        }
        expect(parsed(pieces)).toEqual(replies);
      }),
    );
  });
  it('gives each reply as soon as it is whole', () => {
    const replies: Reply[] = [];
    const parser = new ReplyParser((reply) => replies.push(reply));
    parser.push(bytes('*2\r\n$1\r\na\r\n+OK\r'));
    expect(replies).toEqual([]);
    parser.push(bytes('\n:1'));
    expect(replies).toEqual([['a', 'OK']]);
    parser.push(bytes('\r\n'));
    expect(replies).toEqual([['a', 'OK'], 1]);
  });
  it('holds bulks and arrays that come in many pieces', () => {
    const bulk = 'x'.repeat(3_000_000);
    const many = Array.from({ length: 100_000 }, (_, index) => `${index}`);
    const whole = bytes(written([bulk, many, bulk]));
    const pieces = Array.from({ length: Math.ceil(whole.length / 65_536) }, (_, n) => whole.subarray(n * 65_536, (n + 1) * 65_536));
    const [reply] = parsed(pieces) as [readonly [string, readonly string[], string]];
    expect(reply[0] === bulk && reply[2] === bulk).toBe(true);
    expect(reply[1]).toEqual(many);
  });
  it.each([
    ['a page of HTTP', 'HTTP/1.1 400 Bad Request\r\n', 72],
    ['an alert of TLS', '\u0015\u0003\u0003', 21],
    ['a length that is no number', '$x\r\n', 120],
    ['a number that is none', ':1e3\r\n', 101],
    ['what follows a reply', '+OK\r\n?', 63],
  ])('is refused when it is no RESP: %s', (_, text, byte) => {
    expect(() => parsed([bytes(text)])).toThrow(new ProtocolError(byte));
  });
});

describe('commands', () => {
  it('are arrays of bulks, one after the other', () => {
    expect(
      encode([
        ['SET', 'a{1}', 'é'],
        ['GET', ''],
      ]),
    ).toBe('*3\r\n$3\r\nSET\r\n$4\r\na{1}\r\n$1\r\né\r\n*2\r\n$3\r\nGET\r\n$0\r\n\r\n');
  });
  it('are read back as what they were', () => {
    fc.assert(
      fc.property(fc.array(fc.array(latin1, { minLength: 1 })), (commands) => {
        expect(parsed([bytes(encode(commands))])).toEqual(commands);
      }),
    );
  });
});
