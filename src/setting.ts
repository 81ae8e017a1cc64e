import { quote } from './driver/container/shell.ts';
import { engine } from './driver.ts';
import type { Action, Evidence, Witness } from './fault.ts';
import { bites, misses } from './fault.ts';

/** Where a node keeps what is needed to restore a setting: in its own container, so that a guard finds it as well. */
const folder = (name: string): string => `/tmp/slotquake-setting-${name}`;

/**
 * `ask` is $CLI, but it gets in also while a certificate or a password of ours is in force: it does without checking the
 * one, and tries every password that a fault has set. `setting` prints a
 * setting's value, and fails where the engine does not tell it.
 */
export const ask = `
ask() {
  reply=$($CLI "$@" 2>/dev/null)
  case "$reply $CLI" in ' '*' --tls '*) reply=$($CLI --insecure "$@" 2>/dev/null) ;; esac
  case $reply in *NOAUTH*|*WRONGPASS*) if [ -r ${folder('requirepass')}/holders ]; then
    while IFS= read -r holder; do
      reply=$(REDISCLI_AUTH=\${holder#* } $CLI "$@" 2>/dev/null </dev/null)
      case $reply in *NOAUTH*|*WRONGPASS*) ;; *) break ;; esac
    done <${folder('requirepass')}/holders
  fi ;; esac
  printf '%s\\n' "$reply"
}
setting() {
  told=$(ask CONFIG GET "$1")
  [ "$(printf '%s\n' "$told" | sed -n 1p)" = "$1" ] && printf '%s\n' "$told" | sed 1d
}
`;

/**
 * A setting of the running engine changed by CONFIG SET, with the value it had before restored at the end. Several
 * faults may hold one setting: when one lets go, the youngest of those left has its value again, and the last one out
 * restores the original. `then` is run after the change and must end with 0.
 */
export function changedSetting(node: string, tag: string, name: string, value: string, then = 'true'): Action {
  const [held, who, wanted] = [folder(name), quote([`^${tag} `]), quote([value])];
  return {
    do: engine(
      node,
      `${ask}
before=$(setting ${name}) || { reply=$(ask CONFIG SET ${name} ${wanted}); echo "the engine refuses ${name}: \${reply:-no answer}"; exit 1; }
mkdir -p ${held} || exit 1
[ -s ${held}/holders ] || printf '%s\n' "$before" >${held}/original || exit 1
printf '%s %s\\n' ${quote([tag])} ${wanted} >>${held}/holders || exit 1
reply=$(ask CONFIG SET ${name} ${wanted})
[ "$reply" = OK ] || { echo "the engine refuses ${name}: \${reply:-no answer}"; exit 1; }
${then}`,
    ),
    undo: engine(
      node,
      `${ask}
# Without a holder it was cut off before the change, or after the way back.
grep -q ${who} ${held}/holders 2>/dev/null || { [ -s ${held}/holders ] || rm -rf ${held}; exit 0; }
others=$(grep -v ${who} ${held}/holders)
if [ -n "$others" ]; then wanted=$(printf '%s\\n' "$others" | tail -n 1 | cut -d' ' -f2-); else wanted=$(cat ${held}/original); fi
reply=$(ask CONFIG SET ${name} "$wanted")
[ "$reply" = OK ] || { echo "the engine refuses to take ${name} back: \${reply:-no answer}"; exit 1; }
if [ -z "$others" ]; then
  now=$(setting ${name}) || { echo "the engine does not tell ${name}"; exit 1; }
  [ "$now" = "$wanted" ] || { echo "${name} is '$now', it was '$wanted'"; exit 1; }
  # Never holders without the original: the next to look would restore nothing.
  rm ${held}/holders && rm -r ${held}
else
  printf '%s\n' "$others" >${held}/holders.new && mv ${held}/holders.new ${held}/holders
fi`,
    ),
    // The undo lets go only once the engine tells the old value again.
    residue: engine(
      node,
      `${ask}
held=$(grep ${who} ${held}/holders 2>/dev/null) && echo "${name} is '$(setting ${name})', it was '$(cat ${held}/original)'; held by $held"
[ ! -e ${held} ] || [ -s ${held}/holders ] || ls -d ${held}
true`,
    ),
  };
}

/** Ends with a sentence when a setting is as it was before, or not told at all; for `then`. */
export const mustDiffer = (name: string): string =>
  `now=$(setting ${name}) || { echo "the engine does not tell ${name}"; exit 1; }
[ "$now" != "$(cat ${folder(name)}/original)" ] || { echo "${name} is '$now' already; choose another value"; exit 1; }`;

/** Bites while the engine tells another value than it had before. */
export async function settingEvidence({ read }: Pick<Witness, 'read'>, node: string, name: string): Promise<Evidence> {
  const { exitCode, output } = await read(
    engine(
      node,
      `${ask}
before=$(cat ${folder(name)}/original) || exit 1
now=$(setting ${name}) || { echo 'the engine does not answer'; exit 1; }
[ "$now" != "$before" ] || { echo "${name} is '$now', as it was before"; exit 1; }
echo "${name} is '$now', it was '$before'"`,
    ),
  );
  return exitCode === 0 && output !== '' ? bites(`${node}: ${output}`) : misses(`${node}: ${output || 'no answer'}`);
}
