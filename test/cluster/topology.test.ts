import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  keySlot,
  ParseError,
  parseClusterInfo,
  parseClusterLinks,
  parseClusterNodes,
  parseReplicationInfo,
} from '../../src/cluster/topology.ts';

const a = 'a'.repeat(40);
const b = 'b'.repeat(40);

describe('parseClusterNodes', () => {
  it('reads slots, open slots, host names, aux fields and missing addresses', () => {
    const view = parseClusterNodes(
      `${a} 10.0.0.1:6379@16379,host.example myself,master - 0 1700000000000 3 connected 0-5460 7000 [12->-${b}] [13-<-${b}]\n${b} :0@0,,shard-id=x slave,noaddr ${a} 1 2 3 disconnected\n`,
    );
    expect(view).toMatchObject([
      {
        id: a,
        address: '10.0.0.1:6379',
        hostname: 'host.example',
        flags: ['myself', 'master'],
        primary: null,
        configEpoch: 3,
        linked: true,
        slots: [
          [0, 5460],
          [7000, 7000],
        ],
        open: [
          { slot: 12, direction: 'migrating', peer: b },
          { slot: 13, direction: 'importing', peer: b },
        ],
      },
      { id: b, primary: a, linked: false, pingSentAt: 1, slots: [] },
    ]);
  });
});

describe('the parsers', () => {
  const words = fc.oneof(
    fc.string(),
    fc.constantFrom('connected', `${a} 1:1@1 master - 0 0 1 connected`, 'role:master', 'cluster_state:ok', ' 0-99999', ' [1->-', '\r\n'),
  );
  const texts = fc.array(words).map((parts) => parts.join(''));
  for (const [name, parse] of Object.entries({ parseClusterNodes, parseClusterInfo, parseReplicationInfo })) {
    it(`throw nothing but a ParseError whatever the text: ${name}`, () => {
      fc.assert(
        fc.property(texts, (text) => {
          try {
            parse(text);
          } catch (error) {
            expect(error).toBeInstanceOf(ParseError);
          }
        }),
      );
    });
  }
  it('throw nothing but a ParseError whatever the reply: parseClusterLinks', () => {
    fc.assert(
      fc.property(fc.anything(), (reply) => {
        try {
          parseClusterLinks(reply);
        } catch (error) {
          expect(error).toBeInstanceOf(ParseError);
        }
      }),
    );
  });
});

describe('keySlot', () => {
  it('hashes the tag alone', () => {
    expect(keySlot('foo')).toBe(12182);
    expect(keySlot('{foo}bar')).toBe(12182);
  });
});
