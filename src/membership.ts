import type { Cluster, Node } from './cluster.ts';
import { type Command, engine, files } from './driver.ts';
import { exclusive, unheldByOthers } from './exclusive.ts';
import type { Action } from './fault.ts';
import { whileAlive } from './revival.ts';

/** Who a node is to the others: its id, and the address at which CLUSTER MEET finds it. */
export type Member = {
  readonly name: string;
  readonly id: string;
  /** 'ip port', as CLUSTER MEET takes it. */
  readonly place: string;
};

export const memberOf = (node: Pick<Node, 'name' | 'id' | 'address'>): Member => ({
  name: node.name,
  id: node.id,
  place: node.address.replace(':', ' '),
});

/** How long a node refuses one that it was told to forget, and a little more for whole seconds (CLUSTER_BLACKLIST_TTL). */
const banSeconds = 62;

/**
 * Redis from 7.2 and every Valkey tell each other whom they were told to forget, and whoever hears it forgets too: until
 * the ban ends everywhere, a node that was met again is thrown out again.
 */
export function spreadsBans({ engine: { kind, version } }: Pick<Cluster, 'engine'>): boolean {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  return kind === 'valkey' || major > 7 || (major === 7 && minor >= 2);
}

/** How long it may take until members that forgot a node list it again. */
export const returnWithinMs = (bansSpread: boolean): number => (bansSpread ? banSeconds * 1_000 + 15_000 : 8_000);

/** `view` is CLUSTER NODES; the script ends where the engine does not answer it. */
export const readView = `view=$($CLI CLUSTER NODES 2>/dev/null)
case $view in *myself*) ;; *) echo "the engine tells no topology: \${view:-no answer}"; exit 1 ;; esac`;

/** Holds where a node has no role: it is a primary without slots. */
export const emptyPrimary = `view=$($CLI CLUSTER NODES 2>/dev/null)
printf '%s\\n' "$view" | awk '/myself/ && /master/ { empty = NF <= 8 } END { exit !empty }'`;

/** Lists the member for good: neither in handshake nor without an address. */
const lists = ({ id }: Member): string => `printf '%s\\n' "$view" | grep '^${id} ' | grep -q -v -e handshake -e noaddr`;

/** Where a node notes when it was told, or may have heard, that a member is banned. */
export const bannedSince = ({ id }: Pick<Member, 'id'>): string => `/tmp/slotquake-forgot-${id}`;

/** Holds while a ban that began at the time noted there may still be in force; where bans do not spread, they do no harm. */
export const banStands = (since: string, bansSpread: boolean): string =>
  bansSpread ? `[ $(($(cat ${since} 2>/dev/null || echo 0) + ${banSeconds})) -gt $(date +%s) ]` : 'false';

/** Meets whoever of the members the node does not list for good. */
export const meetUnlisted = (members: readonly Member[]): string =>
  members
    .map(
      (member) => `${lists(member)} || {
reply=$($CLI CLUSTER MEET ${member.place})
[ "$reply" = OK ] || { echo "the engine refuses: $reply"; exit 1; }
}`,
    )
    .join('\n');

/** Prints whom of the members a node does not list for good, and what handshakes it holds. */
export const printUnlisted = (node: string, members: readonly Member[]): string =>
  [
    ...members.map((member) => `${lists(member)} || echo "${node} does not list ${member.name}"`),
    `printf '%s\\n' "$view" | grep handshake`,
    'true',
  ].join('\n');

/**
 * A node forgets a member, or only hears that others did (`tells` is false), and meets it again. The ban of CLUSTER
 * FORGET keeps gossip out, not CLUSTER MEET; where bans spread, the undo waits until none is left.
 */
export function forgotten(node: string, tag: string, member: Member, tells: boolean, bansSpread: boolean): Action[] {
  const since = bannedSince(member);
  const forgets: Action = {
    do: engine(
      node,
      `date +%s >${since}
${
  tells
    ? `reply=$($CLI CLUSTER FORGET ${member.id})
case $reply in OK|*'Unknown node'*) ;; *) rm -f ${since}; echo "the engine refuses: $reply"; exit 1 ;; esac`
    : 'true'
}`,
    ),
    undo: engine(
      node,
      `${readView}
if ${banStands(since, bansSpread)}; then exit 0; fi
rm -f ${since}
${meetUnlisted([member])}`,
    ),
    residue: engine(
      node,
      `${readView}
if ${banStands(since, bansSpread)}; then echo "the ban of CLUSTER FORGET still stands"; fi
${printUnlisted(node, [member])}`,
    ),
    healWithinMs: returnWithinMs(bansSpread),
  };
  return [exclusive(node, tag, `memory of ${member.name}`), forgets];
}

/**
 * Prints who is listed at a place and is none of the members, and whoever of the others has lost its address: a node
 * that took a new id leaves such a line behind.
 */
export const strangersAt = (address: string, memberIds: readonly string[]): string => `${readView}
strangers=$(printf '%s\\n' "$view" | grep -e ' ${address.replaceAll('.', '\\.')}@' -e noaddr | grep -v ${memberIds.map((id) => `-e '^${id} '`).join(' ')})`;

/** Takes them out of a node's memory. */
export const forgetStrangers = (address: string, memberIds: readonly string[]): string =>
  `${strangersAt(address, memberIds)}\nfor id in $(printf '%s\\n' "$strangers" | cut -d' ' -f1); do $CLI CLUSTER FORGET "$id"; done`;

export const printStrangers = (address: string, memberIds: readonly string[]): string =>
  `${strangersAt(address, memberIds)}\nprintf '%s\\n' "$strangers"`;

/** Holds where the file that a dead engine has left shows no role. */
const emptyPrimaryIn = (file: string): string => `awk '/myself/ && /master/ { empty = NF <= 8 } END { exit !empty }' ${file}`;

/**
 * The node's own knowledge of the cluster, saved before something makes it forget, and put back at the end: the engine is
 * ended if it did forget, its file is restored, and it starts as the member it was. One that did not forget keeps the
 * file that it has, and none is changed under a live engine.
 */
export function rememberedMembership(node: Pick<Node, 'name' | 'id'>, tag: string, file: string, deed: Command): Action[] {
  const { name, id } = node;
  const saved = `/tmp/slotquake-nodes-conf-${tag}`;
  const ended = `${saved}.ended`;
  const whereSaved = files(name, `[ -e ${saved} ]`);
  // A live engine that still has its role needs nothing; one that was reset is ended.
  const sorted: Command = {
    run: 'sequence',
    node: name,
    commands: [
      engine(name, readView),
      {
        run: 'if',
        node: name,
        condition: engine(name, `${readView}\n! { ${emptyPrimary}; }`),
        deed: files(name, `rm -f ${ended} ${saved}`),
      },
      {
        run: 'if',
        node: name,
        // Nothing but a reset leaves a member as a primary without slots, so that ending it loses no data.
        condition: engine(name, emptyPrimary),
        deed: { run: 'sequence', node: name, commands: [files(name, `: >${ended}`), { run: 'kill', node: name, signal: 'SIGKILL' }] },
      },
    ],
  };
  const remembers: Action = {
    do: {
      run: 'sequence',
      node: name,
      commands: [files(name, `cp /data/${file} ${saved}.new && mv ${saved}.new ${saved}`), deed],
    },
    undo: {
      run: 'sequence',
      node: name,
      commands: [
        // Half a copy, where the saving was cut off.
        files(name, `rm -f ${saved}.new`),
        { run: 'if', node: name, condition: whereSaved, deed: whileAlive(sorted) },
        {
          run: 'if',
          node: name,
          condition: whereSaved,
          deed: {
            run: 'sequence',
            node: name,
            commands: [
              whileAlive(files(name, `echo "the engine of ${name} still lives and does not tell whether it was reset"; exit 1`)),
              files(
                name,
                `if [ -e ${ended} ] || ${emptyPrimaryIn(`/data/${file}`)}; then cp ${saved} /data/${file}.new && mv /data/${file}.new /data/${file} || exit 1; fi
rm -f ${ended} ${saved}`,
              ),
            ],
          },
        },
        // Another fault may have it down on purpose.
        { run: 'if', node: name, condition: unheldByOthers(name, tag, 'process'), deed: { run: 'start', node: name } },
      ],
    },
    residue: {
      run: 'sequence',
      node: name,
      commands: [
        files(name, `[ ! -e ${saved} ] || echo "${name} waits for its ${file}"; ls ${saved}.* 2>/dev/null || true`),
        whileAlive(
          engine(
            name,
            `${readView}
printf '%s\\n' "$view" | grep -q '^${id} .*myself' || echo "${name} is another node than before"
[ "$(printf '%s\\n' "$view" | grep -c -v handshake)" -gt 1 ] || echo "${name} knows nobody"`,
          ),
        ),
      ],
    },
    healWithinMs: 10_000,
  };
  return [exclusive(name, tag, 'membership'), remembers];
}
