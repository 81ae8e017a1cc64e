import { describe, expect, it } from 'vitest';
import { readDump } from '../../src/conf/dump.ts';

const pairs = [
  ['maxmemory', '1024'],
  ['requirepass', ''],
  ['proc-title-template', '{title} "x"'],
  ['save', ''],
] as const;

describe('a dump of CONFIG GET', () => {
  const forms: Readonly<Record<string, string>> = {
    'the bare lines of a pipe': 'maxmemory\n1024\nrequirepass\n\nproc-title-template\n{title} "x"\nsave\n\n',
    'the same without the last, empty line': 'maxmemory\n1024\nrequirepass\n\nproc-title-template\n{title} "x"\nsave',
    'the same from a terminal of Windows': 'maxmemory\r\n1024\r\nrequirepass\r\n\r\nproc-title-template\r\n{title} "x"\r\nsave\r\n\r\n',
    'the numbered lines of a terminal':
      '127.0.0.1:6379> CONFIG GET *\n 1) "maxmemory"\n 2) "1024"\n 3) "requirepass"\n 4) ""\n 5) "proc-title-template"\n 6) "{title} \\"x\\""\n 7) "save"\n10) ""\n',
    'quoted lines without numbers': '"maxmemory"\n"1024"\n"requirepass"\n""\n"proc-title-template"\n"{title} \\"x\\""\n"save"\n""\n',
    'the lines of RESP3':
      '1# "maxmemory" => "1024"\n2# "requirepass" => ""\n3# "proc-title-template" => "{title} \\"x\\""\n4# "save" => ""\n',
    'a JSON object': JSON.stringify(Object.fromEntries(pairs), null, 2),
    'a JSON list': JSON.stringify(pairs.flat()),
    'a JSON list of pairs': JSON.stringify(pairs),
    RESP: `*8\r\n${pairs
      .flat()
      .map((text) => `$${text.length}\r\n${text}\r\n`)
      .join('')}`,
    'RESP3 on the wire': `%4\r\n${pairs
      .flat()
      .map((text) => `$${text.length}\r\n${text}\r\n`)
      .join('')}`,
  };
  for (const [form, text] of Object.entries(forms))
    it(`is understood as ${form}`, () => {
      const read = readDump(text);
      expect(Array.isArray(read) ? read.map(({ name, value }) => [name, value]) : read).toEqual(pairs);
    });

  it('says on which line a name stands', () => {
    expect(readDump('> config get *\n\nmaxmemory\n0\nsave\n\n')).toEqual([
      { name: 'maxmemory', value: '0', line: 3 },
      { name: 'save', value: '', line: 5 },
    ]);
    expect(readDump('{\n  "maxmemory": 0\n}')).toEqual([{ name: 'maxmemory', value: '0', line: 2 }]);
  });
  for (const file of ['maxmemory 1gb\n', '# a comment\nsave ""\n', '', 'appendonly\nmaxmemory 1gb\nsave 900 1\n'])
    it(`is not seen in ${JSON.stringify(file)}`, () => expect(readDump(file)).toBeUndefined());

  const broken: readonly (readonly [text: string, says: string])[] = [
    ['{ "maxmemory": ', '1: expected what CONFIG GET answered as JSON'],
    ['{ "maxmemory": [1] }', '1: expected the value of maxmemory as a string or a number'],
    ['[1, 2]', '1: expected the name of a directive, got something else'],
    ['1) "maxmemory"\n2) "0\n', '2: expected the value of maxmemory'],
    [
      '1) "maxmemory"\n2) "0"\nsomething else\n4) "0"',
      '3: expected the name of a directive, got something else; look whether a line before it is missing',
    ],
    ['1# "maxmemory" = "0"', '1: expected a line such as 1# "maxmemory" => "0"'],
    ['*2\r\n$9\r\nmaxmemory\r\n', '2: expected the value of maxmemory, but the answer ends there'],
    ['*2\r\n$9\r\nmaxm\r\n', '2: expected 9 bytes'],
    ['*2\r\n$4\r\nmaxmemory\r\n', '2: expected 4 bytes'],
    ['*2\r\n!\r\n', '2: expected a string or a number of RESP'],
    ['maxmemory\n0\nnot a name\n1', 'undefined'],
  ];
  it('tells no password where it is broken', () => {
    const secret = 'hunter2!';
    for (const text of [
      `1) "requirepass"\n2) "${secret}\n`,
      `1) "hz"\n2) "requirepass"\n3) "${secret}"\n`,
      `1# "requirepass" = "${secret}"`,
      `{ "requirepass": ["${secret}"] }`,
      `{ "requirepass": "${secret}" "hz": 1 }`,
      `{ "requirepass": ${secret} }`,
      `["hz", "requirepass", "${secret}", "hz"]`,
      `*2\r\n$11\r\nrequirepass\r\n${secret}\r\n`,
    ]) {
      const read = readDump(text);
      expect(typeof read, text).toBe('string');
      expect(read).not.toContain('hunter');
    }
  });
  it('ends where the terminal goes on', () => {
    for (const end of ['127.0.0.1:6379> ', '(0.51s)\n127.0.0.1:6379> quit\n\n', '127.0.0.1:7000[1]>\r\n'])
      expect(readDump(`1) "hz"\n2) "10"\n${end}`)).toEqual([{ name: 'hz', value: '10', line: 1 }]);
    expect(readDump('hz\n10\nsave\n\n127.0.0.1:6379> ')).toMatchObject([{ name: 'hz' }, { name: 'save', value: '' }]);
  });
  it('may have directives of modules', () => {
    const pair = [{ name: 'json.max-path-limit', value: '128' }];
    for (const text of [
      'json.max-path-limit\n128\n',
      '1) "json.max-path-limit"\n2) "128"',
      '"json.max-path-limit"\n"128"',
      '1# "json.max-path-limit" => "128"',
      '{ "json.max-path-limit": "128" }',
      '*2\r\n$19\r\njson.max-path-limit\r\n$3\r\n128\r\n',
    ])
      expect(readDump(text), text).toMatchObject(pair);
  });
  for (const [text, says] of broken)
    it(`is refused with its line in ${JSON.stringify(text)}`, () => {
      const read = readDump(text);
      expect(typeof read === 'string' ? read : typeof read).toContain(says);
    });
});
