import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { quoteWord, splitWords } from '../../src/conf/words.ts';

describe('the words of a line', () => {
  const lines: readonly (readonly [line: string, words: readonly string[] | null])[] = [
    ['maxmemory 1gb', ['maxmemory', '1gb']],
    ['  save   900\t1 \r', ['save', '900', '1']],
    ['', []],
    ['save ""', ['save', '']],
    ["save ''", ['save', '']],
    ['requirepass "a b"', ['requirepass', 'a b']],
    ['requirepass "a\\"b\\\\c"', ['requirepass', 'a"b\\c']],
    ['x "\\x41\\n\\t\\q"', ['x', 'A\n\tq']],
    ['x "\\xZZ"', ['x', 'xZZ']],
    ['x "\\X41"', ['x', 'X41']],
    ["x 'it\\'s \\n'", ['x', "it's \\n"]],
    ['x pre"fixed"', ['x', 'prefixed']],
    ['x "a"b', null],
    ["x 'a'b", null],
    ['x "a', null],
    ["x 'a", null],
    ['x "a\\', null],
    ['x "a" "b"', ['x', 'a', 'b']],
    ["x it's", null],
    ['# no comment here', ['#', 'no', 'comment', 'here']],
  ];
  for (const [line, words] of lines)
    it(`are read as the engine reads them in ${JSON.stringify(line)}`, () => expect(splitWords(line)).toEqual(words));

  it('come back from their quoted form, whatever they hold', () => {
    fc.assert(
      fc.property(fc.array(fc.string({ unit: 'grapheme' })), (words) => {
        expect(splitWords(words.map(quoteWord).join(' '))).toEqual(words);
      }),
    );
  });
  it('are quoted only where they must be', () => {
    expect(['900', 'a b', '', '#x', "it's", '/var/lib/redis'].map(quoteWord)).toEqual([
      '900',
      '"a b"',
      '""',
      '"#x"',
      '"it\'s"',
      '/var/lib/redis',
    ]);
  });
});
